// The threads that the benchmark measures against. Position independent: the page that holds them is
// copied into a frame and mapped in another address space.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each starts with its capability addresses in r12, r13 (TCB_WRITE) and loops for ever.
#define CALL_REPLY_RECV 1
#define CALL_SIGNAL 7
#define CALL_WAIT 8
#define CALL_YIELD 10
#define CALL_TCB_SUSPEND 24

    .section .text.peers, "ax"
    .balign 4096
    .globl peers_begin, peers_end, peer_echo, peer_echo_words, peer_pong, peer_yield, peer_fault
    .globl peer_first_signal, peer_irq
peers_begin:

// Answers every message on endpoint r12 with its own words.
peer_echo:
    xor %esi, %esi
1:  mov $CALL_REPLY_RECV, %eax
    mov %r12, %rdi
    syscall
    jmp 1b

// The same without passing capabilities back.
peer_echo_words:
    xor %esi, %esi
1:  mov $CALL_REPLY_RECV, %eax
    mov %r12, %rdi
    and $0x7f, %esi
    syscall
    jmp 1b

// Waits on notification r12, then signals r13.
peer_pong:
    mov $CALL_WAIT, %eax
    mov %r12, %rdi
    xor %esi, %esi
    syscall
    mov $CALL_SIGNAL, %eax
    mov %r13, %rdi
    syscall
    jmp peer_pong

peer_yield:
    mov $CALL_YIELD, %eax
    xor %edi, %edi
    syscall
    jmp peer_yield

// Reads an address that is not mapped, for ever.
peer_fault:
    mov 0x1000, %rax
    jmp peer_fault

// Signals notification r13 once.
peer_first_signal:
    mov $CALL_SIGNAL, %eax
    mov %r13, %rdi
    syscall
1:  mov $CALL_WAIT, %eax
    mov %r12, %rdi
    xor %esi, %esi
    syscall
    jmp 1b
    .balign 4096
peers_end:
    .section .note.GNU-stack, "", @progbits
