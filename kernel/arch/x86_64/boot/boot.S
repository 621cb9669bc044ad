// From the boot loader to long mode: headers, the 32-bit entry and the first page tables.
// SPDX-License-Identifier: BSD-2-Clause
//
// Entered by Multiboot2 (eax = its magic, ebx = boot data) or PVH (ebx = start info), in 32-bit
// protected mode without paging, whatever the firmware. Writes whole control registers: what the
// loader left in them differs. Maps the first 4 GiB at 0, at the physical window, and its first
// GiB at KERNEL_BASE; paging.cpp replaces these tables.
#define KERNEL_BASE 0xffffffff80000000
#define PHYS(symbol) (symbol - KERNEL_BASE)
#define SERIAL 0x3f8
#define MULTIBOOT2_MAGIC 0x36d76289
#define TAG_MODULE 3
#define TAG_FRAME_BUFFER 8

    .section .boot, "ax", @progbits
    .balign 8
multiboot_header:
    .long 0xe85250d6, 0, multiboot_end - multiboot_header
    .long -(0xe85250d6 + (multiboot_end - multiboot_header))
    .balign 8 // Optional: a frame buffer of 32 bits a pixel.
    .short 5, 1
    .long 20, 1024, 768, 32
    .balign 8 // Modules on page boundaries.
    .short 6, 0
    .long 8
    .balign 8
    .short 0, 0
    .long 8
multiboot_end:

    .code32
    .globl boot_entry
boot_entry:
    cli
    cld
    movl $PHYS(stack_top), %esp
    movl %eax, %ebp
    movl %ebx, %edi
    rdtsc
    movl %eax, PHYS(entry_tsc)
    movl %edx, PHYS(entry_tsc) + 4

    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx
    jnc no_long_mode
    btl $20, %edx
    jnc no_nx

    movl $PHYS(early_pd), %ebx // 2,048 pages of 2 MiB: present, writable.
    movl $0x83, %eax
1:  movl %eax, (%ebx)
    addl $8, %ebx
    addl $0x200000, %eax
    jnc 1b
    movl $PHYS(early_pd) + 3, %eax
    movl %eax, PHYS(early_pdpt)
    movl %eax, PHYS(early_top) + 510 * 8
    addl $4096, %eax
    movl %eax, PHYS(early_pdpt) + 8
    addl $4096, %eax
    movl %eax, PHYS(early_pdpt) + 16
    addl $4096, %eax
    movl %eax, PHYS(early_pdpt) + 24
    movl $PHYS(early_pdpt) + 3, %eax
    movl %eax, PHYS(early_pml4)
    movl %eax, PHYS(early_pml4) + 256 * 8
    movl $PHYS(early_top) + 3, PHYS(early_pml4) + 511 * 8

    movl $0x20, %eax // CR4: PAE.
    movl %eax, %cr4
    movl $PHYS(early_pml4), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx // EFER: SCE, LME, NXE.
    movl $0x901, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x8001003b, %eax // CR0: PG, WP, NE, ET, TS, MP, PE.
    movl %eax, %cr0
    lgdt PHYS(early_gdtr)
    ljmp $8, $PHYS(long_mode)

no_long_mode:
    movl $PHYS(text_long_mode), %esi
    jmp refuse
no_nx:
    movl $PHYS(text_nx), %esi
refuse: // Print the text at esi, then stop. Works without any set-up: the UART's reset state will do.
    movl %esi, %ebx
    movl $SERIAL, %edx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    movl $100000, %ecx // A UART needs less than this for one character.
3:  addl $5, %edx
    inb %dx, %al
    subl $5, %edx
    testb $0x20, %al
    loopz 3b
    jmp 1b
2:  cmpl $MULTIBOOT2_MAGIC, %ebp
    jne halt

    // On the screen, too. Multiboot2 tags: esi, the frame buffer; ebp, the module that is called `font`.
    movl (%edi), %edx
    addl %edi, %edx
    addl $8, %edi
    xorl %esi, %esi
    xorl %ebp, %ebp
1:  cmpl %edx, %edi
    jae 5f
    movl 4(%edi), %ecx
    cmpl $8, %ecx
    jb 5f
    cmpl $TAG_FRAME_BUFFER, (%edi)
    jne 2f
    movl %edi, %esi
2:  cmpl $TAG_MODULE, (%edi)
    jne 3f
    cmpl $0x746e6f66, 16(%edi) // "font"
    jne 3f
    movl 8(%edi), %ebp
3:  addl $7, %ecx
    andl $~7, %ecx
    addl %ecx, %edi
    jmp 1b
5:  testl %esi, %esi
    jz halt
    movl 8(%esi), %edi
    incl %ebx // Behind the line end that the text begins with.
    cmpb $2, 29(%esi)
    je text_mode
    cmpw $0x0120, 28(%esi) // 32 bits a pixel, of direct colour.
    jne halt
    cmpl $0, 12(%esi) // Above 4 GiB.
    jne halt
    testl %ebp, %ebp
    jz halt
    movl 8(%ebp), %ecx
    leal 16(%ebp, %ecx, 4), %ecx
    subl $32, %edi

next_glyph: // ebx: text; ecx: glyphs; edi: the cell before.
    addl $32, %edi
    movzbl (%ebx), %eax
    incl %ebx
    subl $' ', %eax
    jb halt
    mull 4(%ebp)
    addl %ecx, %eax
    pushl %edi
    movl 4(%ebp), %edx // Rows.
1:  pushl %edx
    movb (%eax), %dh
    movb $8, %dl
2:  pushl %eax
    shlb %dh
    sbbl %eax, %eax
    stosl
    popl %eax
    decb %dl
    jnz 2b
    incl %eax
    subl $32, %edi
    addl 16(%esi), %edi // Bytes a line.
    popl %edx
    decl %edx
    jnz 1b
    popl %edi
    jmp next_glyph

text_mode:
    movb (%ebx), %al
    incl %ebx
    cmpb $' ', %al
    jb halt
    movb $0x07, %ah
    stosw
    jmp text_mode

halt:
    movl $0xf4, %edx
    movl $1, %eax
    outl %eax, %dx
1:  cli
    hlt
    jmp 1b

text_long_mode:
    .asciz "\nTRustOs: cannot boot: the processor has no long mode (64 bit)\n"
text_nx:
    .asciz "\nTRustOs: cannot boot: the processor has no NX (no-execute pages)\n"

    .balign 8
early_gdt:
    .quad 0, 0x00209b0000000000, 0x0000930000000000
early_gdtr:
    .short 23
    .long PHYS(early_gdt)

    .code64
long_mode:
    movq $high, %rax
    jmp *%rax

    .text
high:
    movq $stack_top, %rsp
    movl $0x10, %eax
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %edi, %esi
    movl %ebp, %edi
    xorl %ebp, %ebp
    call kernel_main
    ud2

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18 // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long PHYS(boot_entry)

    .data
    .balign 8
    .globl entry_tsc
entry_tsc:
    .quad 0

    .section .stack, "aw", @nobits
    .balign 4096
    .skip 4 * 4096
    .globl stack_top
stack_top:

    .bss
    .balign 4096
    .globl kernel_top, kernel_table
kernel_top: .skip 2048
kernel_table: .skip 2048

    .section .bss.boot, "aw", @nobits
    .balign 4096
early_pml4: .skip 4096
early_pdpt: .skip 4096
early_top: .skip 4096
early_pd: .skip 4 * 4096

    .section .note.GNU-stack, "", @progbits
