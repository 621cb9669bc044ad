// The threads that the benchmark measures against. Position independent: the page that holds them is
// copied into a frame and mapped in another address space.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each starts with its arguments in r12, r13, r14 (TCB_WRITE) and loops for ever. Those that answer
// change what they send back, so that the caller can tell an answer from its own words.
#define CALL_REPLY_RECV 1
#define CALL_RECV 4
#define CALL_SIGNAL 7
#define CALL_WAIT 8
#define CALL_YIELD 10
#define CALL_IRQ_ACK 39
#define INFO_TIMEOUT 0x100
#define LABEL_BIT 32
#define BUFFER_TIMEOUT 122
#define CLOCK_SHIFT 10

    .section .text.peers, "ax"
    .balign 4096
    .globl peers_begin, peers_end, peer_echo, peer_echo_words, peer_echo_buffer, peer_echo_capability
    .globl peer_pong, peer_yield, peer_fault, peer_first_signal, peer_wait, peer_call, peer_timeout
    .globl peer_irq_wait, peer_irq_receive, peer_forward
peers_begin:

// Answers every message on endpoint r12 with its own words; the label has a bit turned.
peer_echo:
    xor %esi, %esi
1:  mov $CALL_REPLY_RECV, %eax
    mov %r12, %rdi
    syscall
    btc $LABEL_BIT, %rsi
    jmp 1b

// The same with word 3 turned, too.
peer_echo_words:
    xor %esi, %esi
1:  mov $CALL_REPLY_RECV, %eax
    mov %r12, %rdi
    syscall
    btc $LABEL_BIT, %rsi
    not %r9
    jmp 1b

// The same with the word at r14, in its IPC buffer, turned.
peer_echo_buffer:
    xor %esi, %esi
1:  mov $CALL_REPLY_RECV, %eax
    mov %r12, %rdi
    syscall
    btc $LABEL_BIT, %rsi
    notq (%r14)
    jmp 1b

// Without passing capabilities back.
peer_echo_capability:
    xor %esi, %esi
1:  mov $CALL_REPLY_RECV, %eax
    mov %r12, %rdi
    syscall
    and $0x7f, %esi
    btc $LABEL_BIT, %rsi
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
// Waits on notification r12.
peer_wait:
    mov $CALL_WAIT, %eax
    mov %r12, %rdi
    xor %esi, %esi
    syscall
    jmp peer_wait

// Makes call r13 on r12, info r14, for ever.
peer_call:
    mov %r13, %rax
    mov %r12, %rdi
    mov %r14, %rsi
    syscall
    jmp peer_call

// Receives on endpoint r12, and asks endpoint r13 before it would answer.
peer_forward:
    mov $CALL_RECV, %eax
    mov %r12, %rdi
    xor %esi, %esi
    syscall
    xor %eax, %eax // CALL_CALL
    mov %r13, %rdi
    xor %esi, %esi
    syscall
    jmp peer_forward

// Waits on notification r12 until tick r13, for which it needs its IPC buffer, r14; then without end.
peer_timeout:
    rdtsc
    test $(3 << (CLOCK_SHIFT - 2)), %eax // Early in a tick: the call reads the clock in the same one.
    jnz peer_timeout
    shl $32, %rdx
    or %rdx, %rax
    shr $CLOCK_SHIFT, %rax
    mov %r13, %rcx
    sub %rax, %rcx
    mov %rcx, BUFFER_TIMEOUT * 8(%r14)
    mov $CALL_WAIT, %eax
    mov %r12, %rdi
    mov $INFO_TIMEOUT, %esi
    syscall
    jmp peer_wait

// Waits on notification r12; puts the time it runs again to r14, counts at r14 + 8, acknowledges the
// interrupt r13.
peer_irq_wait:
    mov $CALL_WAIT, %eax
    mov %r12, %rdi
    xor %esi, %esi
    syscall
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, (%r14)
    incq 8(%r14)
    mov $CALL_IRQ_ACK, %eax
    mov %r13, %rdi
    syscall
    jmp peer_irq_wait

// The same of a server that waits for messages on endpoint r12: its bound notification.
peer_irq_receive:
    mov $CALL_RECV, %eax
    mov %r12, %rdi
    xor %esi, %esi
    syscall
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, (%r14)
    incq 8(%r14)
    mov $CALL_IRQ_ACK, %eax
    mov %r13, %rdi
    syscall
    jmp peer_irq_receive
    .balign 4096
peers_end:
    .section .note.GNU-stack, "", @progbits
