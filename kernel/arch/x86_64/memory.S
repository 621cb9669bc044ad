// memcpy and memset: what compilers call on their own.
// SPDX-License-Identifier: BSD-2-Clause
    .text
    .globl memcpy, memset
memcpy:
    mov %rdi, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    ret

memset:
    mov %rdi, %r9
    movzbl %sil, %eax
    movabs $0x0101010101010101, %rcx
    imul %rcx, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep stosq
    mov %edx, %ecx
    and $7, %ecx
    rep stosb
    mov %r9, %rax
    ret

    .section .note.GNU-stack, "", @progbits
