// The reference model: interrupts, ports, the trace; and what must hold in every state.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <stdexcept>

#include "test/core/host.h"
#include "test/model/model.hpp"

namespace model {

u64 Model::irq_get() {
    Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr || c->type != CAP_IRQ_CONTROL)
        return refuse(ERR_TYPE, cptr_, CAP_IRQ_CONTROL, 0);
    Slot *slot = destination(arg(0));
    if (slot == nullptr)
        return refuse_argument(ERR_CAP, arg(0));
    if (slot->cap != nullptr)
        return refuse_argument(ERR_OCCUPIED, arg(0));
    u64 line = arg(1);
    if (line != IRQ_MSI &&
        (line > (IRQ_LINE | IRQ_LEVEL | IRQ_LOW) || (line & IRQ_LINE) >= HOST_LINES))
        return refuse_argument(ERR_ARG, line);
    bool used = std::any_of(irqs.begin(), irqs.end(), [line](auto &i) {
        return i->state != Line::FREE && line != IRQ_MSI && i->line != IRQ_MSI &&
               (i->line & IRQ_LINE) == (line & IRQ_LINE);
    });
    if (used)
        return refuse_argument(ERR_OCCUPIED, line);
    bool room =
        std::any_of(irqs.begin(), irqs.end(), [](auto &i) { return i->state == Line::FREE; });
    if (!room)
        return refuse_argument(ERR_MEMORY, line);
    Irq &irq = *irqs.at(choice_.irq);
    if (irq.state != Line::FREE)
        throw std::logic_error("an interrupt in use was given out");
    irq.line = static_cast<u32>(line);
    irq.state = Line::PENDING;
    Cap handler;
    handler.type = CAP_IRQ_HANDLER;
    handler.object = &irq;
    handler.rights = RIGHT_ALL;
    give(*c, *slot, std::move(handler));
    for (auto reg : {RDX, R10})
        cur->forget(reg);
    return done();
}

u64 Model::irq_bind() {
    auto *irq = object_at<Irq>(cptr_, CAP_IRQ_HANDLER);
    if (irq == nullptr)
        return refuse(ERR_TYPE, cptr_, CAP_IRQ_HANDLER, 0);
    Cap *n = cap_at(*cur, arg(0));
    if (n == nullptr || n->type != CAP_NOTIFICATION || n->data == 0)
        return refuse(ERR_BADGE, arg(0), CAP_NOTIFICATION, RIGHT_WRITE);
    if ((n->rights & RIGHT_WRITE) == 0)
        return refuse(ERR_RIGHT, arg(0), CAP_NOTIFICATION, RIGHT_WRITE);
    if (irq->slot.cap != nullptr)
        release(*irq->slot.cap);
    bind(*n, irq->slot);
    irq->state = Line::IDLE;
    irq->masked = false;
    return finish();
}

u64 Model::irq_ack() {
    auto *irq = object_at<Irq>(cptr_, CAP_IRQ_HANDLER);
    if (irq == nullptr)
        return refuse(ERR_TYPE, cptr_, CAP_IRQ_HANDLER, 0);
    irq->state = Line::IDLE;
    irq->masked = false;
    return done();
}

void Model::interrupt(u32 i) {
    graveyard_.clear();
    Irq &irq = *irqs.at(i);
    irq.masked = true;
    if (irq.state != Line::FREE) {
        irq.state = Line::PENDING;
        const Cap *n = irq.slot.cap;
        if (n != nullptr)
            signal(static_cast<Notification &>(*n->object), n->data);
    }
    if (cur == nullptr)
        schedule();
    else
        finish();
}

u64 Model::port(bool) {
    Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr || c->type != CAP_IO_PORT)
        return refuse(ERR_TYPE, cptr_, CAP_IO_PORT, 0);
    u64 first = c->data & 0xffff, last = c->data >> 16, port = arg(0), bytes = arg(1);
    bool width = bytes == 1 || bytes == 2 || bytes == 4;
    if (!width || port < first || port > last || port + bytes - 1 > last)
        return refuse_argument(ERR_ARG, port);
    cur->forget(RDX);
    return done();
}

u64 Model::trace() {
    Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr || c->type != CAP_TRACE_CONTROL)
        return refuse(ERR_TYPE, cptr_, CAP_TRACE_CONTROL, 0);
    if (arg(0) > 1)
        return refuse_argument(ERR_ARG, arg(0));
    trace_on = arg(0) != 0;
    cur->forget(RDX);
    return done();
}

} // namespace model
