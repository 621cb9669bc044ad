// Programs: who uses up its time, and who keeps its clients waiting.
// SPDX-License-Identifier: BSD-2-Clause
#include "programs.hpp"

#include "sel/program.hpp"
#include "sel/protocol.hpp"

namespace root {
namespace {

ThreadLook look_at_thread(cptr_t tcb) {
    ThreadLook look;
    sel::Regs info = sel::call(CALL_TCB_INFO, tcb);
    if (info.error() == OK) {
        look.there = true;
        look.state = static_cast<u8>(info.word[0]);
        look.faulted = info.word[0] >> 32 != FAULT_NONE; // As in lost_fault().
        look.ticks_used = info.word[1];
    }
    return look;
}

} // namespace

// --- Who uses up its time (watch.hpp).

// Root hears of it, or who handles faults.
void Programs::bind_time_out(u32 number, bool to_root) {
    if (system_.program(number).share_us == 0) {
        return;
    }
    sel::Endpoint scratch{scratch_};
    cptr_t from = to_root ? root_endpoint_ : endpoint_of(handler_of(number));
    if (sel::Endpoint{from}.mint(scratch_, RIGHT_WRITE, number | sel::BADGE_FAULT).ok()) {
        sel::Tcb tcb = life(number).process.tcb();
        [[maybe_unused]] auto bound = tcb.bind(TCB_SLOT_TIMEOUT, scratch);
        [[maybe_unused]] auto removed = scratch.remove();
    }
}

u64 Programs::answers(u32 number) {
    sel::Result<sel::Ledger> ledger = life(number).process.ledger();
    return ledger.ok() ? ledger->answers : 0;
}

bool Programs::receives(u32 number) const {
    auto thread = life(number).process.tcb().thread_info();
    return thread.ok() && thread->state == STATE_RECV;
}

// What it is to have of every period from now on.
u32 Programs::budget(u32 number) const {
    const ProgramRecord &record = system_.program(number);
    if (life(number).watch.reduced()) {
        return record.share_us;
    }
    u64 part = u64{record.period_us} * crowd_.bound() / Crowd::kAll;
    u64 bound = part > record.share_us ? part : record.share_us;
    return bound < record.budget_us ? static_cast<u32>(bound) : record.budget_us;
}

// True: it is what its manifest says.
bool Programs::set_budget(u32 number) {
    Life &l = life_of(number);
    u32 now = budget(number);
    if (now != l.budget_us) {
        sel::Result<> set =
            l.process.set_budget(sel::SchedControl{BOOT_CAP_SCHED_CONTROL}, kit_.ticks(now),
                                 kit_.ticks(system_.program(number).period_us));
        l.budget_us = set.ok() ? now : l.budget_us;
    }
    return now == system_.program(number).budget_us;
}

bool Programs::out_of_time(u32 number) {
    Life &l = life_of(number);
    u64 used = look_at_thread(l.process.tcb().cptr()).ticks_used;
    Watch::Verdict verdict = l.watch.out_of_time(answers(number), used, kit_.ticks(l.budget_us));
    set_budget(number);
    if (verdict == Watch::Verdict::LOOPS) {
        bind_time_out(number, false);
        return handler_of(number) != 0;
    }
    return true;
}

bool Programs::look_at_budgets(u32 ms) {
    crowd_.look({used_, system_.count()}, ms);
    bool less = false;
    for (u32 i = 1; i <= system_.count(); i++) {
        if (!runs(i) || system_.program(i).share_us == 0) {
            continue;
        }
        if (life(i).watch.reduced() && (receives(i) || life(i).watch.has_answered(answers(i)))) {
            life_of(i).watch = {};
            bind_time_out(i, true);
        }
        less = !set_budget(i) || less;
    }
    return less;
}

// --- Who keeps its clients waiting (silence.hpp).

namespace {

// As ReplySet::waits() in sel/later.hpp asks.
bool is_armed(cptr_t reply) {
    return sel::call(CALL_REPLY, reply, INFO_LENGTH).error() == ERR_ARG;
}

} // namespace

// What it says of its threads are numbers of slots: what is no thread is not there.
ServerLook Programs::look_into(u32 number, const ThreadLook &first) {
    const ProgramRecord &record = system_.program(number);
    const Life &l = life(number);
    ServerLook look;
    look.thread[0] = first;
    if (auto ledger = l.process.ledger(); ledger.ok()) {
        look.ledger = *ledger;
    }
    for (u32 i = 0; i < sel::Ledger::kThreads; i++) {
        cptr_t tcb = look.ledger.thread[i].tcb;
        if (tcb != 0 && tcb < record.slots) {
            look.thread[1 + i] = look_at_thread(l.process.in_cspace(static_cast<u32>(tcb)));
        }
    }
    for (u32 i = 0; i < record.replies && i < sel::Ledger::kDebts; i++) {
        bool armed = is_armed(l.process.in_cspace(sel::SLOT_REPLIES + i));
        look.armed |= u64{armed} << i;
    }
    look.helpers_work = helpers_work(number);
    return look;
}

bool Programs::helpers_work(u32 number) const {
    for (const Grant &grant : system_.grants(number)) {
        u32 server = grant.is<grant::Client>() ? grant.as<grant::Client>().server : 0;
        if (server != 0 && at_work_[server - 1]) {
            return true;
        }
    }
    return false;
}

Silence Programs::look_at_server(u32 number, u32 ms, u64 ticks) {
    Life &l = life_of(number);
    used_[number - 1] = 0;
    if (!runs(number) || !system_.program(number).has(FLAG_SERVES)) {
        at_work_[number - 1] = l.state == State::AWAITED;
        return Silence::NONE;
    }
    ThreadLook first = look_at_thread(l.process.tcb().cptr());
    u64 used = first.ticks_used - l.ticks_used, part = used * Crowd::kAll / (ticks + 1);
    used_[number - 1] = static_cast<u32>(part < Crowd::kAll ? part : Crowd::kAll);
    l.ticks_used = first.ticks_used;
    if (l.quiet && first.state == STATE_RECV && used == 0) {
        return Silence::NONE;
    }
    ServerLook look = look_into(number, first);
    Silence found = l.patience.look(look, ms, ticks);
    bool works = Patience::at_work(look);
    at_work_[number - 1] = works;
    l.quiet = !works && look.ledger.thread[0].tcb == 0;
    return found;
}

bool Programs::tell_silent(u32 number, Silence silence) {
    constexpr u64 kInfo = MESSAGE_REGISTERS | u64{FAULT_CALL} << INFO_LABEL_SHIFT;
    if (handler_of(number) == 0 || !mint_fault(number, scratch_).ok()) {
        return false;
    }
    auto word = static_cast<u64>(silence);
    sel::Regs sent = sel::call(CALL_NB_SEND, scratch_, kInfo, 0, sel::kSilentCall, word);
    [[maybe_unused]] auto removed = sel::Endpoint{scratch_}.remove();
    return sent.error() == OK;
}

} // namespace root
