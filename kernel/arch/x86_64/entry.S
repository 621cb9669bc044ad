// The ways between user code and the kernel, and the switch between threads.
// SPDX-License-Identifier: BSD-2-Clause
//
// A thread is K.run.tcb: its registers go to and come from TCB(K.run.tcb).r, at a fixed address
// from the index; there is no per-processor register and no swapgs. A core function returns the
// next thread in the low half of rax (0: idle) and the caller's rax in the high half.
//   syscall_entry -> call_NAME() -> same thread:  resume       (sysret: what a call preserves)
//                                -> another one:  switch_to -> resume or iret_resume
//   exception, interrupt: volatile registers saved, MODE_IRET set -> C++ -> user_exit
// Callee-saved registers stay in the processor until another thread is switched to.
// Interrupts are off in the kernel but for the hlt of `idle`, which has no registers to save.
#include "arch/x86_64/machine.h"
#include "offsets.h"

#define TRACE(field, offset) trace_ring + TRACE_##field(offset)
#define TRACE_RING_MASK (TRACE_RING_BYTES - TRACE_EVENT_BYTES)
#define TCB(field, index) KERNEL_BASE + TCB_##field(, index, 8)
#define USER_FLAGS 0x250dd5 // RFLAGS bits that a thread owns; IF is set, the rest is 0.
#define FLAGS_FIXED 0x202
#define USER_RIP_NONE 0x7ffffffff000 // Never mapped.

    .section .text.entry, "ax"

.macro KERNEL_FLAGS // The user's DF would turn string copies around, its AC would open user memory.
    push $2
    popfq
.endm

.macro SAVE_PRESERVED i
    mov %rbx, TCB(RBX, \i)
    mov %rbp, TCB(RBP, \i)
    mov %r12, TCB(R12, \i)
    mov %r13, TCB(R13, \i)
    mov %r14, TCB(R14, \i)
    mov %r15, TCB(R15, \i)
.endm

.macro SAVE_VOLATILE i // But rdi.
    mov %rax, TCB(RAX, \i)
    mov %rcx, TCB(RCX, \i)
    mov %rdx, TCB(RDX, \i)
    mov %rsi, TCB(RSI, \i)
    mov %r8, TCB(R8, \i)
    mov %r9, TCB(R9, \i)
    mov %r10, TCB(R10, \i)
    mov %r11, TCB(R11, \i)
.endm

.macro SYSCALL_PROLOGUE
    movslq K(%rip), %r11
    mov %rsp, TCB(RSP, %r11)
    mov %rcx, TCB(RIP, %r11)
    mov $stack_top, %rsp
    mov %rdx, TCB(RDX, %r11)
    mov %r10, TCB(R10, %r11)
    mov %r8, TCB(R8, %r11)
    mov %r9, TCB(R9, %r11)
.endm

.macro RESUME i // But rcx and rdi.
    mov TCB(RSP, \i), %rsp
    mov $FLAGS_FIXED, %r11d
    mov TCB(RSI, \i), %rsi
    mov TCB(RDX, \i), %rdx
    mov TCB(R10, \i), %r10
    mov TCB(R8, \i), %r8
    mov TCB(R9, \i), %r9
.endm

    .globl syscall_entry, syscall_entry_traced, switch_first, timer_arm_kept
    .balign 64
syscall_entry:
    SYSCALL_PROLOGUE
    cmp $CALL_COUNT, %rax
    jae no_such_call
    call *calls(, %rax, 8)
call_exit:
    movslq K(%rip), %rdi
    cmp %eax, %edi
    jne switch_to
    shr $32, %rax
resume: // rdi: thread, rax: its rax.
    RESUME %rdi
    mov TCB(RIP, %rdi), %rcx
    mov TCB(RDI, %rdi), %rdi
    sysretq

switch_idle:
    jmp idle

    .balign 16
switch_to: // rdi: running thread, eax: next.
    SAVE_PRESERVED %rdi
    movslq %eax, %rcx
    mov %eax, K(%rip)
    jrcxz switch_idle
switch_in: // rcx: the thread that K.run.tcb names.
    mov TCB(RBX, %rcx), %rbx
    mov TCB(RBP, %rcx), %rbp
    mov TCB(R12, %rcx), %r12
    mov TCB(R13, %rcx), %r13
    mov TCB(R14, %rcx), %r14
    mov TCB(R15, %rcx), %r15
    mov TCB(FS, %rcx), %rdx
    wrfsbase %rdx
    xor %eax, %eax
    wrgsbase %rax // No thread sees what another left there.
    mov TCB(CR3, %rcx), %rdx
    cmp %rdx, cpu_space(%rip)
    je 1f
    mov %rdx, cpu_space(%rip)
    mov %rdx, %cr3
1:  mov TCB(MODE, %rcx), %edx
    cmp %edx, cpu_mode(%rip)
    jne switch_mode
    RESUME %rcx
    mov TCB(RDI, %rcx), %rdi
    mov TCB(RIP, %rcx), %rcx
    sysretq

switch_mode:
    mov %rcx, %rdi
    push %rdi // The thread comes back by iret, or the vector unit belongs to another.
    and $~MODE_IRET, %edx
    mov %edx, %edi
    call vector_switch
    pop %rdi
    xor %eax, %eax
    testl $MODE_IRET, TCB(MODE, %rdi)
    jz resume
iret_resume: // rdi: thread.
    andl $~MODE_IRET, TCB(MODE, %rdi)
    push $USER_DATA
    push TCB(RSP, %rdi)
    mov TCB(RFLAGS, %rdi), %rax
    and $USER_FLAGS, %eax
    or $FLAGS_FIXED, %eax
    push %rax
    movq $FLAGS_FIXED, TCB(RFLAGS, %rdi) // A call loses them: the next iret may end one.
    push $USER_CODE
    mov TCB(RIP, %rdi), %rax
    mov %rax, %rcx
    shr $47, %rcx
    jz 1f
    movabs $USER_RIP_NONE, %rax
1:  push %rax
    mov TCB(RAX, %rdi), %rax
    mov TCB(RCX, %rdi), %rcx
    mov TCB(RDX, %rdi), %rdx
    mov TCB(RSI, %rdi), %rsi
    mov TCB(R8, %rdi), %r8
    mov TCB(R9, %rdi), %r9
    mov TCB(R10, %rdi), %r10
    mov TCB(R11, %rdi), %r11
    mov TCB(RDI, %rdi), %rdi
    iretq

// The same as syscall_entry while the trace is on: LSTAR points here (trace.cpp).
    .balign 16
syscall_entry_traced:
    SYSCALL_PROLOGUE
    cmp $CALL_COUNT, %rax
    jae no_such_call
    mov trace_end(%rip), %rcx
    lea (%r11, %rax), %r9d // Thread and call.
    and $TRACE_RING_MASK, %ecx
    mov %rdi, TRACE(ARGUMENT, %rcx)
    mov %r9d, TRACE(WHO, %rcx)
    call *calls(, %rax, 8)
    mov trace_end(%rip), %rcx
    lea TRACE_EVENT_BYTES(%rcx), %r8
    and $TRACE_RING_MASK, %ecx
    mov %r8, trace_end(%rip)
    mov %rax, TRACE(RESULT, %rcx)
    rdtsc
    mov %eax, TRACE(TSC, %rcx)
    mov %edx, 4 + TRACE(TSC, %rcx)
    mov TRACE(RESULT, %rcx), %rax
    mov %r8d, TRACE(END, %rcx)
    movslq K(%rip), %rdi
    cmp %eax, %edi
    jne switch_to
    shr $32, %rax
    jmp resume

no_such_call: // All registers count: a fault handler may emulate another system's calls.
    mov %rdi, TCB(RDI, %r11)
    mov %rsi, TCB(RSI, %r11)
    mov %rax, TCB(RAX, %r11)
    mov %rcx, TCB(RCX, %r11)
    movq $FLAGS_FIXED, TCB(R11, %r11)
    movq $FLAGS_FIXED, TCB(RFLAGS, %r11)
    orl $MODE_IRET, TCB(MODE, %r11)
    mov %rdi, %rsi
    mov %rax, %rdi
    call call_fault_entry
user_exit: // eax: next thread; the running one has MODE_IRET.
    movslq K(%rip), %rdi
    cmp %eax, %edi
    jne switch_to
    jmp iret_resume

switch_first: // edi: the first thread; nothing to save. What only booting needed is unmapped.
    mov $stack_top, %rsp
    mov $boot_part_start, %rax
1:  mov %eax, %ecx
    and $0x1ff000, %ecx
    shr $9, %ecx
    movq $0, image_table(%rcx)
    invlpg (%rax)
    add $4096, %rax
    cmp $image_end, %rax
    jb 1b
    mov %edi, K(%rip)
    movslq %edi, %rcx
    jmp switch_in

timer_arm_kept: // timer_arm(rax), which changes no register.
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    mov %rax, %rdi
    call timer_arm
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    ret

idle:
    mov $stack_top, %rsp
    sti
    hlt
    jmp idle

// --- Exceptions: vector, error code, then the processor's frame.
exception_common:
    testb $3, 24(%rsp)
    jz exception_kernel
    push %rdi
    movslq K(%rip), %rdi
    SAVE_VOLATILE %rdi
    mov (%rsp), %rax
    mov %rax, TCB(RDI, %rdi)
    mov 24(%rsp), %rax
    mov %rax, TCB(RIP, %rdi)
    mov 40(%rsp), %rax
    mov %rax, TCB(RFLAGS, %rdi)
    mov 48(%rsp), %rax
    mov %rax, TCB(RSP, %rdi)
    orl $MODE_IRET, TCB(MODE, %rdi)
    mov 8(%rsp), %edi
    mov 16(%rsp), %rsi
    mov %cr2, %rdx
    mov $stack_top, %rsp
    KERNEL_FLAGS
    call exception_entry
    jmp user_exit

exception_kernel:
    cmpl $1, (%rsp) // #DB: a single step that began in user code. Go on without.
    je 1f
exception_panic:
    push %r15
    push %r14
    push %r13
    push %r12
    push %r11
    push %r10
    push %r9
    push %r8
    push %rbp
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rbx
    push %rax
    mov %rsp, %rdi
    and $-16, %rsp
    call panic_exception
1:  andl $~0x100, 32(%rsp)
    add $16, %rsp
    iretq

// --- Interrupts: vector - 128, then the processor's frame.
interrupt_common:
    testb $3, 16(%rsp)
    jz interrupt_idle
    push %rdi
    movslq K(%rip), %rdi
    SAVE_VOLATILE %rdi
    mov (%rsp), %rax
    mov %rax, TCB(RDI, %rdi)
    mov 16(%rsp), %rax
    mov %rax, TCB(RIP, %rdi)
    mov 32(%rsp), %rax
    mov %rax, TCB(RFLAGS, %rdi)
    mov 40(%rsp), %rax
    mov %rax, TCB(RSP, %rdi)
    orl $MODE_IRET, TCB(MODE, %rdi)
    mov 8(%rsp), %edi
    mov $stack_top, %rsp
    KERNEL_FLAGS
    sub $-128, %edi
    call interrupt_entry
    jmp user_exit

interrupt_idle:
    mov (%rsp), %edi
    mov $stack_top, %rsp
    sub $-128, %edi
    call interrupt_entry
    movslq %eax, %rcx
    mov %eax, K(%rip)
    test %eax, %eax
    jz idle
    jmp switch_in

    .globl exception_stubs, interrupt_stubs
    .balign 16
exception_stubs: // 16 bytes each.
    .set vector, 0
    .rept 32
    .balign 16
    .if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
    push $0
    .endif
    push $vector
    .if (vector == 2) || (vector == 8) || (vector == 18)
    jmp exception_panic // NMI, double fault, machine check: whoever ran.
    .else
    jmp exception_common
    .endif
    .set vector, vector + 1
    .endr

    .balign 16
interrupt_stubs: // 8 bytes each, from vector 32.
    .rept 224
    .balign 8
    push $(vector - 128)
    .byte 0xe9 // jmp with a 32-bit distance, always
    .long interrupt_common - . - 4
    .set vector, vector + 1
    .endr

    .data
    .balign 64
    .globl cpu_space, cpu_mode, trace_end
cpu_space: .quad 0
cpu_mode: .long 0
    .balign 8
trace_end: .quad 0

    .section .note.GNU-stack, "", @progbits
