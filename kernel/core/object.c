// Objects: their shapes, their first contents, their end.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/object.h"

#include "core/endpoint.h"
#include "core/irq.h"
#include "core/leaf.h"
#include "core/notification.h"
#include "core/reaper.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "core/untyped.h"
#include "core/vspace.h"

enum { THREAD_RFLAGS = 0x202 }; // Interrupts on; bit 1 is always set.
enum { REAP_SLOTS = 16 };       // Slots that one step looks at.

static void create_thread(u32 t) {
    TCB(t).r[R_RFLAGS] = THREAD_RFLAGS;
    TCB(t).cr3 = space_kernel();
}

u32 object_create(u32 type, u64 size, u64 address) {
    if (type == CAP_FRAME) {
        return (u32)(address / PAGE_BYTES);
    }
    u32 o = INDEX_OF(address);
    switch (type) {
    case CAP_CNODE:
        HEADER(o).head = (u32)size;
        break;
    case CAP_TCB:
        create_thread(o);
        break;
    case CAP_SCHED_CONTEXT:
        TIMER(o + SC_TIMER).kind = 1;
        break;
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        o += TABLE_ENTRIES;
        table_create(o, type);
        break;
    default:
        break;
    }
    HEADER(o).kind = type;
    return o;
}

u64 object_data(u32 type, u64 size, u32 device) {
    switch (type) {
    case CAP_UNTYPED:
    case CAP_CNODE:
        return size;
    case CAP_FRAME:
        return mapping_new((u32)size, device);
    default:
        return 0;
    }
}

// The object has lost its last capability. What must not outlive it ends at once, the rest in steps.
static void object_die(u32 type, u32 o) {
    switch (type) {
    case CAP_TCB:
        HEADER(o).head = TCB_SLOTS;
        thread_destroy(o);
        break;
    case CAP_NOTIFICATION:
        notification_unbind(o);
        break;
    case CAP_REPLY:
        reply_destroy(o);
        return;
    case CAP_IRQ_HANDLER:
        irq_mask((o - IRQ_BASE) / 8, IRQ(o).line);
        break;
    case CAP_VSPACE:
        TABLE(o).left = TABLE_ENTRIES / 2;
        break;
    case CAP_CNODE:
    case CAP_ENDPOINT:
    case CAP_SCHED_CONTEXT:
    case CAP_PAGE_TABLE:
        break;
    default:
        return;
    }
    reaper_push(o);
}

void object_release(u32 s) {
    u32 type = SLOT(s).type, o = SLOT(s).object;
    if (type == CAP_FRAME || type == CAP_PAGE_TABLE) {
        mapping_end(s);
    } else if (type == CAP_VSPACE && SLOT(s).rights >= RIGHT_BOUND) {
        space_unbind(s - 4 * TCB_SLOT_VSPACE);
    }
    u32 other = capability_other(s);
    capability_remove(s);
    if (other == 0) {
        object_die(type, o);
    }
}

// Empties up to REAP_SLOTS slots from the top, one capability at most. 0: none was left.
static u32 reap_slots(u32 o) {
    u32 left = HEADER(o).head;
    if (left == 1) {
        return 0;
    }
    for (u32 i = 0; i < REAP_SLOTS && left > 1; i++) {
        left--;
        if (SLOT(o + 4 * left).type != CAP_NULL) {
            HEADER(o).head = left;
            object_release(o + 4 * left);
            return 1;
        }
    }
    HEADER(o).head = left;
    return 1;
}

static u32 reap_irq(u32 o) {
    u32 s = IRQ_SLOT(o);
    if (SLOT(s).type != CAP_NULL) {
        object_release(s);
        return 1;
    }
    IRQ(o).state = IRQ_FREE;
    return 0;
}

// One step for the dying object o. 0: nothing was left to do.
static u32 object_reap(u32 o) {
    switch (HEADER(o).kind) {
    case CAP_CNODE:
    case CAP_TCB:
        return reap_slots(o);
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
        return endpoint_cancel_one(o);
    case CAP_SCHED_CONTEXT:
        return sched_context_destroy_step(o);
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        return table_empty_step(o);
    default:
        return reap_irq(o);
    }
}

u32 reaper_step(void) {
    u32 o = K.reaper;
    if (o == 0) {
        return 0;
    }
    if (object_reap(o) == 0) {
        reaper_pop();
    }
    return 1;
}
