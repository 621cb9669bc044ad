// Comparison of the core with the reference model, object by object.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/compare.hpp"

#include <map>
#include <set>
#include <sstream>

namespace host {

namespace {

// Collects the first difference.
class Report {
  public:
    template <typename A, typename B>
    bool same(const char *what, u32 id, A core, B model) {
        if (static_cast<u64>(core) == static_cast<u64>(model))
            return true;
        if (text_.empty()) {
            std::ostringstream out;
            out << std::hex << what << " of " << id << ": core " << static_cast<u64>(core)
                << ", model " << static_cast<u64>(model);
            text_ = out.str();
        }
        return false;
    }
    bool bad() const { return !text_.empty(); }
    const std::string &text() const { return text_; }

  private:
    std::string text_;
};

u32 id_of(const model::Object *o) {
    return o == nullptr ? 0 : o->id;
}

u32 may_of(const model::Cap &c) {
    bool read = (c.rights & RIGHT_READ) != 0, write = (c.rights & RIGHT_WRITE) != 0;
    switch (c.type) {
    case CAP_ENDPOINT:
        return (read ? MAY_RECV : 0) | (write ? MAY_SEND : 0) |
               ((c.rights & RIGHT_GRANT) != 0 ? MAY_GRANT : 0);
    case CAP_NOTIFICATION:
        return (read ? MAY_WAIT : 0) | (write && c.data != 0 ? MAY_SIGNAL : 0);
    case CAP_REPLY:
        return MAY_REPLY;
    case CAP_CNODE:
        return MAY_LOOKUP;
    default:
        return 0;
    }
}

void compare_cap(Report &r, const model::Cap &c) {
    u32 s = c.slot->id;
    const slot_t &slot = SLOT(s);
    bool frame = c.type == CAP_FRAME, mapped = frame || c.type == CAP_PAGE_TABLE;
    bool internal = c.slot->bound_to != nullptr || s < OBJECT_BASE;
    r.same("type of capability", s, slot.type, c.type);
    r.same("rights", s, slot.rights, c.rights | (internal ? u32{RIGHT_BOUND} : 0));
    r.same("may", s, slot.may, may_of(c));
    r.same("object", s, slot.object, frame ? c.page : id_of(c.object));
    if (!mapped) {
        r.same("data", s, slot.data, c.data);
        return;
    }
    r.same("mapped at table", s, mapping_table(slot.data), id_of(c.table));
    r.same("mapped at entry", s, mapping_entry(slot.data), c.table != nullptr ? c.entry : 0);
    r.same("size of frame", s, mapping_size(slot.data), c.size);
    r.same("device", s, mapping_device(slot.data), c.device);
    if (c.table != nullptr)
        r.same("owner", c.table->id, TABLE(c.table->id).owner[c.entry], s);
}

// Both trees as lists of brackets.
void compare_tree(Report &r, const model::Cap &c, u32 &item, size_t &count) {
    for (const model::Cap *child : c.children) {
        count++;
        item = ITEM(item).link.next;
        if (!r.same("opening bracket", item, item, child->slot->id))
            return;
        compare_cap(r, *child);
        compare_tree(r, *child, item, count);
        u32 close = ITEM(item).link.next;
        if (r.bad() || !r.same("closing bracket", close, close, child->slot->id + 2) ||
            !r.same("link back", close, ITEM(close).link.prev, item))
            return;
        item = close;
    }
}

void compare_queue(Report &r, u32 q, const std::list<model::Thread *> &threads) {
    u32 at = QUEUE(q).head, before = 0;
    for (const model::Thread *t : threads) {
        if (!r.same("thread in queue", q, at, t->id))
            return;
        r.same("queue of thread", at, LINK(at).queue, q);
        r.same("link back", at, LINK(at).prev, before);
        before = at;
        at = LINK(at).next;
    }
    r.same("end of queue", q, at, 0);
    if (before != 0)
        r.same("tail of queue", q, QUEUE(q).tail, before);
}

constexpr u32 REGISTER[REGS_WORDS] = {R_RIP, R_RSP, R_RFLAGS, R_RAX, R_RBX, R_RCX, R_RDX,
                                      R_RSI, R_RDI, R_RBP,    R_R8,  R_R9,  R_R10, R_R11,
                                      R_R12, R_R13, R_R14,    R_R15, R_FS,  R_GS};

const char *const REGISTER_NAME[REGS_WORDS] = {"rip", "rsp", "rflags", "rax", "rbx", "rcx", "rdx",
                                               "rsi", "rdi", "rbp",    "r8",  "r9",  "r10", "r11",
                                               "r12", "r13", "r14",    "r15", "fs",  "gs"};

void compare_timer(Report &r, u32 n, bool on, u64 due) {
    r.same("timer", n, wheel_has(n), on);
    if (on)
        r.same("due time", n, TIMER(n).due, due);
}

void compare_registers(Report &r, const model::Thread &t) {
    for (unsigned i = 0; i < REGS_WORDS; i++)
        if ((t.known >> i & 1) != 0 && i != model::RAX)
            r.same(REGISTER_NAME[i], t.id, TCB(t.id).r[REGISTER[i]], t.r[i]);
    if (t.id != K.run.tcb && t.state != STATE_REPLY && t.state != STATE_CALL)
        r.same("result", t.id, (TCB(t.id).mode & MODE_IRET) != 0 ? TCB(t.id).r[R_RAX] : 0,
               t.result);
}

bool waits(thread_state_t s) {
    return s >= STATE_RECV;
}

void compare_thread(Report &r, const model::Thread &t) {
    const tcb_t &c = TCB(t.id);
    r.same("state", t.id, c.state & (STATE_SPECIAL - 1), t.state);
    r.same("special", t.id, c.state >= STATE_SPECIAL,
           waits(t.state) && (t.timer_on || t.fault != FAULT_NONE));
    r.same("fault", t.id, c.fault, t.fault);
    r.same("priority", t.id, c.priority, t.priority);
    r.same("priority_max", t.id, c.priority_max, t.priority_max);
    r.same("vector", t.id, c.vector, t.vector);
    r.same("context", t.id, t.id == K.run.tcb ? K.run.sc : c.sc, id_of(t.context));
    if (t.state == STATE_RECV || t.state == STATE_REPLY)
        r.same("reply", t.id, c.reply, id_of(t.reply));
    r.same("bound notification", t.id, c.bound, id_of(t.bound));
    r.same("attention", t.id, c.attention, t.bound != nullptr && t.bound->word != 0);
    r.same("address space", t.id, c.cr3, t.space != 0 ? t.space : u64{HOST_KERNEL_SPACE});
    compare_timer(r, t.id + TCB_TIMER, t.timer_on, t.timer_on ? t.timer->due : 0);
    if (t.fault != FAULT_NONE)
        for (unsigned i = 0; i < 4; i++)
            r.same("fault word", t.id, c.fault_word[i], t.fault_word[i]);
    r.same("oldest dying object to finish", t.id, c.first_dying, t.first_dying);
    r.same("denial cptr", t.id, c.denial.cptr, t.denial.cptr);
    r.same("denial", t.id, c.denial.what, t.denial.what);
    r.same("denial argument", t.id, c.denial.argument, t.denial.argument);
    r.same("denial count", t.id, c.denial.count, t.denial.count);
    compare_registers(r, t);
}

void compare_reply(Report &r, const model::Reply &reply) {
    r.same("caller", reply.id, REPLY(reply.id).caller.tcb, id_of(reply.caller));
    r.same("grant by answers", reply.id, (REPLY(reply.id).may & MAY_GRANT) != 0, reply.may_grant);
    if (reply.caller != nullptr)
        r.same("lent context", reply.id, REPLY(reply.id).caller.sc, id_of(reply.lent));
}

void compare_context(Report &r, const model::Context &m) {
    const sched_context_t &c = SC(m.id);
    r.same("user", m.id, K.run.sc == m.id ? K.run.tcb : c.tcb, id_of(m.user));
    r.same("budget", m.id, c.budget, m.budget);
    r.same("period", m.id, c.period, m.period);
    r.same("left", m.id, c.left, m.remaining);
    r.same("last", m.id, c.last, m.last);
    r.same("used", m.id, c.used, m.used);
    for (unsigned i = 0; i < REFILL_COUNT; i++) {
        bool there = i < m.refills.size();
        if (i > 0 && !there && c.amount[i - 1] == 0)
            break; // Behind the end of the list.
        r.same("refill", m.id, c.amount[i], there ? m.refills[i].amount : 0);
        if (there)
            r.same("time of refill", m.id, c.due[i], m.refills[i].due);
    }
    u32 at = c.top, above = 0;
    for (auto it = m.loans.rbegin(); it != m.loans.rend(); ++it) {
        if (!r.same("loan", m.id, at, (*it)->id))
            return;
        r.same("loan above", at, REPLY(at).above, above);
        above = at;
        at = REPLY(at).below;
    }
    r.same("end of loans", m.id, at, 0);
    compare_timer(r, m.id + SC_TIMER, m.timer_on, m.timer_on ? m.timer->due : 0);
}

void compare_table(Report &r, const model::Table &t, bool entries) {
    const table_t &c = TABLE(t.id);
    r.same("level", t.id, c.level, t.level);
    if (t.level != 0)
        r.same("base", t.id, c.base, t.base);
    if (!entries)
        return;
    for (u32 e = 0; e < TABLE_ENTRIES; e++) {
        u64 word = t.type == CAP_VSPACE && e >= 256 ? kernel_table[e - 256] : 0;
        auto owner = t.entries.find(e);
        if (owner != t.entries.end())
            word = t.words.at(e);
        r.same("entry", t.id, WORD(t.id - TABLE_ENTRIES + e), word);
        r.same("owner", t.id, c.owner[e], owner == t.entries.end() ? 0 : owner->second->slot->id);
    }
}

void compare_object(Report &r, const model::Object &o, bool tables) {
    switch (o.type) {
    case CAP_UNTYPED: {
        auto &u = static_cast<const model::Untyped &>(o);
        r.same("base", o.id, UNTYPED(o.id).base, u.base);
        r.same("end", o.id, UNTYPED(o.id).end, u.end);
        r.same("next", o.id, UNTYPED(o.id).next, u.next);
        break;
    }
    case CAP_TCB:
        compare_thread(r, static_cast<const model::Thread &>(o));
        break;
    case CAP_NOTIFICATION: {
        auto &n = static_cast<const model::Notification &>(o);
        r.same("word", o.id, NOTIFICATION(o.id).word, n.word);
        r.same("bound thread", o.id, NOTIFICATION(o.id).bound, id_of(n.bound));
        compare_queue(r, o.id, n.queue);
        break;
    }
    case CAP_ENDPOINT:
        compare_queue(r, o.id, static_cast<const model::Endpoint &>(o).queue);
        break;
    case CAP_REPLY:
        compare_reply(r, static_cast<const model::Reply &>(o));
        break;
    case CAP_SCHED_CONTEXT:
        compare_context(r, static_cast<const model::Context &>(o));
        break;
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        compare_table(r, static_cast<const model::Table &>(o), tables);
        break;
    default:
        break;
    }
}

// Empty slots are all zero; full ones were compared with the tree.
void compare_empty(Report &r, const model::Slot &s) {
    if (s.cap == nullptr) {
        r.same("empty slot", s.id, SLOT(s.id).type | SLOT(s.id).object | SLOT(s.id).may, 0);
        r.same("data of empty slot", s.id, SLOT(s.id).data, 0);
    }
}

void compare_ready(Report &r, const model::Model &m) {
    static const std::list<model::Thread *> none;
    u32 top = 0;
    for (u32 p = 0; p < PRIORITY_COUNT; p++) {
        auto it = m.ready.find(p);
        bool marked = (K.ready_bitmap[p / 64] >> p % 64 & 1) != 0;
        r.same("ready bit", p, marked, it != m.ready.end());
        if (marked || QUEUE(READY_BASE + p).head != 0)
            compare_queue(r, READY_BASE + p, it == m.ready.end() ? none : it->second);
        if (it != m.ready.end())
            top = p + 1;
    }
    r.same("highest ready priority", 0, K.top, top);
}

void compare_irqs(Report &r, const model::Model &m) {
    for (u32 i = 0; i < IRQ_COUNT; i++) {
        const model::Irq &irq = *m.irqs[i];
        r.same("interrupt state", i, IRQ(irq.id).state, static_cast<u32>(irq.state));
        r.same("unmasked", i, g_host.unmasked[i], !irq.masked);
        if (irq.state != model::Line::FREE)
            r.same("line", i, IRQ(irq.id).line, irq.line);
        compare_empty(r, irq.slot);
    }
}

void compare_buffers(Report &r, const model::Model &m) {
    for (auto &[page, words] : m.pages)
        for (u32 i = 0; i < BUFFER_WORDS; i++)
            r.same("word of buffer", page, BUFFER(page).word[i], words[i]);
}

} // namespace

std::string difference(const Core &core, const model::Model &m, bool tables) {
    Report r;
    r.same("running thread", 0, core.current(), id_of(m.cur));
    r.same("running context", 0, K.run.sc, id_of(m.run_context));
    u32 item = CDT_HEAD;
    size_t count = 0;
    compare_tree(r, m.root, item, count);
    r.same("end of the tree", item, ITEM(item).link.next, CLOSE(u32{CDT_HEAD}));
    for (auto &[id, o] : m.objects) {
        compare_object(r, *o, tables);
        if (o->type == CAP_CNODE)
            for (auto &s : static_cast<const model::CNode &>(*o).slots)
                if (s.id != o->id)
                    compare_empty(r, s);
        if (o->type == CAP_TCB)
            for (unsigned k = 1; k < TCB_SLOTS; k++)
                compare_empty(r, static_cast<const model::Thread &>(*o).slots[k]);
        if (r.bad())
            return r.text();
    }
    compare_ready(r, m);
    compare_irqs(r, m);
    compare_buffers(r, m);
    u32 dying = K.reaper;
    for (auto it = m.dying.rbegin(); it != m.dying.rend() && !r.bad(); ++it) {
        r.same("dying object", dying, dying, (*it)->id);
        r.same("kind of dying object", dying, HEADER(dying).kind, (*it)->type);
        dying = HEADER(dying).dying;
    }
    r.same("end of the reaper's list", 0, dying, 0);
    r.same("length of the reaper's list", 0, K.dying, m.dying.size());
    r.same("trace", 0, g_host.trace_on, m.trace_on);
    if (g_host.alarm > m.next_deadline())
        r.same("alarm", 0, g_host.alarm, m.next_deadline());
    return r.text();
}

} // namespace host
