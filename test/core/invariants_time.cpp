// Invariants of time: the wheel, budgets and their refills, loans.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/invariants.hpp"

namespace host {

namespace {

using Timers = std::unordered_set<u32>;

// x / 64^level
u64 digits(u64 x, u32 level) {
    return level >= 8 ? x >> 48 : x >> 6 * level;
}

// INV-42: a timer stands where its due time says, relative to the wheel's clock.
bool is_in_place(u32 n, u32 level, u32 slot) {
    u64 due = TIMER(n).due, now = WHEEL.now;
    bool emptying = level == WHEEL.level && slot == WHEEL.slot;
    if (due >= WHEEL_LIMIT || digits(due, level - 1) % 64 != slot ||
        digits(due, level) != digits(now, level))
        return false;
    return emptying ? digits(due, level - 1) == digits(now, level - 1) && now <= due
                    : digits(due, level - 1) > digits(now, level - 1);
}

std::string read_slot(u32 q, Timers &timers) {
    u32 level = q / 64, slot = q % 64, before = 0;
    for (u32 n = WHEEL.queue[q].head; n != 0; before = n, n = TIMER(n).next) {
        if (!timers.insert(n).second)
            return broken(42, "a timer is in two slots of the wheel", n);
        if (TIMER(n).queue != q || TIMER(n).prev != before)
            return broken(42, "a timer does not link back", n);
        if (!is_in_place(n, level, slot))
            return broken(42, "a timer stands in a wrong slot of the wheel", n);
    }
    if (before != 0 && WHEEL.queue[q].tail != before)
        return broken(42, "the tail is not the last timer", q);
    bool marked = (WHEEL.bitmap[level - 1] >> slot & 1) != 0;
    return marked == (before != 0) ? "" : broken(42, "a bit of the wheel is wrong", q);
}

std::string read_wheel(Timers &timers) {
    for (u32 q = 64; q < WHEEL_QUEUES; q++)
        if (std::string error = read_slot(q, timers); !error.empty())
            return error;
    for (u32 l = 0; l < 64; l++)
        if ((WHEEL.summary >> l & 1) != (l < WHEEL_LEVELS && WHEEL.bitmap[l] != 0))
            return broken(42, "the summary of the wheel is wrong", l);
    return WHEEL.now <= g_host.clock / TICK ? "" : broken(45, "the wheel is ahead of the clock", 0);
}

// The refills: no gaps, oldest first, none later than a period from now.
std::string check_refills(u32 sc) {
    const sched_context_t &c = SC(sc);
    u64 pending = 0;
    for (u32 i = 0; i < REFILL_COUNT; i++) {
        pending += c.amount[i];
        if (c.amount[i] == 0)
            continue;
        if (i > 0 && (c.amount[i - 1] == 0 || c.due[i - 1] > c.due[i]))
            return broken(43, "refills are not in order", sc);
        if (c.due[i] > c.last + c.period)
            return broken(43, "a refill is later than a period", sc);
    }
    u64 whole = c.budget == c.period ? pending + c.budget : c.left + pending;
    return whole == c.budget ? "" : broken(43, "budget is lost or gained", sc);
}

std::string check_budget(u32 sc) {
    const sched_context_t &c = SC(sc);
    bool waits = wheel_has(sc + SC_TIMER);
    if (c.budget == 0)
        return c.left == 0 && !waits ? "" : broken(45, "a context of nothing has budget", sc);
    if (c.budget < SC_MIN || c.budget > c.period || c.period >= PERIOD_LIMIT || c.left > c.budget)
        return broken(43, "a budget is out of its limits", sc);
    if (c.last > g_host.clock)
        return broken(45, "a context is ahead of the clock", sc);
    if (waits != (c.left < SC_MIN))
        return broken(45, "an exhausted context waits for nothing, or the reverse", sc);
    if (waits && (c.amount[0] == 0 || TIMER(sc + SC_TIMER).due != (c.due[0] + TICK - 1) / TICK))
        return broken(45, "an exhausted context waits for another time than its refill", sc);
    return check_refills(sc);
}

// INV-44: the loans of a context form a stack of those who wait for an answer.
std::string check_loans(const Objects &objects, u32 sc, std::unordered_set<u32> &lent) {
    u32 above = 0;
    for (u32 r = SC(sc).top; r != 0; above = r, r = REPLY(r).below) {
        if (!objects.is(r, CAP_REPLY) || !lent.insert(r).second)
            return broken(44, "a loan is no reply, or in two stacks", r);
        if (REPLY(r).caller.sc != sc || REPLY(r).above != above)
            return broken(44, "a loan does not link back", r);
    }
    return "";
}

} // namespace

std::string check_time(const Objects &objects) {
    Timers timers;
    std::unordered_set<u32> lent;
    std::string error = read_wheel(timers);
    size_t on = 0;
    auto count = [&](u32 n, u32 kind) {
        on += wheel_has(n);
        if (wheel_has(n) != (timers.count(n) != 0) || TIMER(n).kind != kind)
            return broken(45, "a timer is on and not on the wheel, or of another kind", n);
        return std::string();
    };
    if (error.empty())
        error = objects.each(CAP_TCB, [&](u32 t) { return count(t + TCB_TIMER, TIMER_THREAD); });
    if (error.empty())
        error = objects.each(CAP_SCHED_CONTEXT, [&](u32 sc) {
            std::string first = count(sc + SC_TIMER, TIMER_CONTEXT);
            if (first.empty())
                first = check_budget(sc);
            return first.empty() ? check_loans(objects, sc, lent) : first;
        });
    if (error.empty() && on != timers.size())
        error = broken(45, "a timer on the wheel belongs to nobody", 0);
    if (error.empty())
        error = objects.each(CAP_REPLY, [&](u32 r) {
            return (REPLY(r).caller.sc != 0) == (lent.count(r) != 0)
                       ? std::string()
                       : broken(44, "a loan is in no stack, or the reverse", r);
        });
    return error;
}

} // namespace host
