// Exceptions of user code, interrupts, and the vector unit: from entry.S to the core and back.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/core.hpp"
#include "arch/x86_64/instructions.h"
#include "arch/x86_64/trace.hpp"

namespace arch {
namespace {

enum { NO_VECTOR_UNIT = 7, PAGE_FAULT = 14 };

void task_switched(bool set) {
    if (set) {
        u64 cr0;
        __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
        __asm__ volatile("mov %0, %%cr0" ::"r"(cr0 | 8));
    } else {
        __asm__ volatile("clts");
    }
}

// The running thread uses the vector unit and does not own it. The area of a new thread is all
// zeroes, which xrstor takes for the initial state but for MXCSR (Intel SDM volume 1, 13.8).
void vector_take(u32 thread) {
    constexpr u32 MXCSR = 24 / 4, MXCSR_DEFAULT = 0x1f80, HEADER = 512 / 8;
    task_switched(false);
    if (machine.vector_owner != 0) {
        __asm__ volatile("xsave64 (%0)" ::"r"(TCB(machine.vector_owner).vector_state), "a"(~0),
                         "d"(~0)
                         : "memory");
    }
    u8 *area = TCB(thread).vector_state;
    if (reinterpret_cast<u64 *>(area)[HEADER] == 0) {
        reinterpret_cast<u32 *>(area)[MXCSR] = MXCSR_DEFAULT;
    }
    __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(~0), "d"(~0) : "memory");
    machine.vector_owner = thread;
    TCB(thread).mode = thread | MODE_IRET;
    cpu_mode = thread;
}

u32 traced_fault(fault_t kind, u64 w1, u32 next) {
    trace_event(TRACE_FAULT, static_cast<u8>(kind), w1, next);
    return next;
}

u32 fault(fault_t kind, u64 w1, u64 w2) {
    return traced_fault(kind, w1, core_fault(kind, w1, w2));
}

void end_of_interrupt() {
    LOCAL_APIC(LOCAL_APIC_EOI) = 0;
}

// The timer may be armed for a time before the alarm (clock_alarm, timer_arm). Whoever runs after the
// core has looked at its timers has at least SC_MIN left, and runs for as long before it looks
// again, however much is due: what expires takes a constant share of the processor (adr/0042).
u32 timer_entry() {
    end_of_interrupt();
    machine.armed = CLOCK_NEVER;
    u64 now = clock_now();
    if (now < machine.alarm) {
        clock_alarm(machine.alarm);
        return K.run.tcb;
    }
    machine.rest = now + SC_MIN;
    u32 next = core_timer();
    trace_event(TRACE_TIMER, 0, 0, next);
    return next;
}

} // namespace

extern "C" {

// The processor is to be set up for a thread whose mode, without MODE_IRET, is `mode`.
void vector_switch(u32 mode) {
    u32 wanted = mode == machine.vector_owner ? mode : 0;
    if (wanted != cpu_mode) {
        task_switched(wanted == 0);
        cpu_mode = wanted;
    }
}

u32 exception_entry(u32 vector, u64 error, u64 address) {
    if (vector == PAGE_FAULT) {
        return fault(FAULT_PAGE, address, error);
    }
    if (vector == NO_VECTOR_UNIT && TCB(K.run.tcb).vector != 0) {
        vector_take(K.run.tcb);
        return K.run.tcb;
    }
    return fault(FAULT_EXCEPTION, vector, error);
}

// `number` is that of no call.
u32 call_fault_entry(u64 number, u64 argument) {
    return traced_fault(FAULT_CALL, number, static_cast<u32>(core_call(number, argument, 0)));
}

u32 interrupt_entry(u32 vector) {
    if (vector == VECTOR_TIMER) {
        return timer_entry();
    }
    u32 irq = vector - VECTOR_IRQ;
    if (irq >= IRQ_COUNT) {
        if (vector != VECTOR_SPURIOUS) {
            end_of_interrupt();
        }
        return K.run.tcb;
    }
    u32 next = core_interrupt(irq);
    end_of_interrupt();
    trace_event(TRACE_IRQ, 0, irq, next);
    return next;
}

} // extern "C"

} // namespace arch
