// _start: the first instruction of every program.
// SPDX-License-Identifier: BSD-2-Clause
//
// Root (and for root itself the kernel) has set rsp to the top of the stack, below the place of the thread block, to
// which the base of fs points, and rdi to the page of what the program is
// told, behind which its IPC buffer is; nothing else counts.
    .section .text.start, "ax"
    .globl _start
_start:
    xor %ebp, %ebp
    and $-16, %rsp
    call sel_start
    ud2
    .section .note.GNU-stack, "", @progbits
