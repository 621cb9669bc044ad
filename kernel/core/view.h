// Typed views: how the core reaches an object through its index.
// SPDX-License-Identifier: BSD-2-Clause
//
// The prover sees one array a type. In the kernel and on the host they are the same memory, a window
// of 32 GiB around CORE_WINDOW (index 0): the statics above it, RAM up to OBJECT_LIMIT below. That
// both mean the same is the theorem that live objects do not overlap (untyped.h) together with
// -fno-strict-aliasing; this #ifdef is the only difference between what is proved and what runs.
//
// Different types at one index are different memory to the prover, so a field that is reached
// through two types must be used through one of them only:
//   ITEM(i).link  the links of slots          SLOT(s)  the other fields
//   QUEUE(q)      head and tail of endpoints, notifications and ready queues
//   HEADER(o)     dying and kind of any object; head and tail of dying CNodes and TCBs
//   TIMER(n)      the timers in TCBs and SchedContexts
//   LINK(t)       the place of thread t in a queue
//   WHEEL         the wheel in K
//   REAPER, DYING the head and the length of the list of dying objects in K
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include "core/objects.h"

#ifdef __FRAMAC__

#define INDEX_COUNT 0x100000000
#define PHYSICAL_WORDS 0x1000000000
extern item_t item_view[INDEX_COUNT];
extern slot_t slot_view[INDEX_COUNT];
extern header_t header_view[INDEX_COUNT];
extern queue_t queue_view[INDEX_COUNT];
extern notification_t notification_view[INDEX_COUNT];
extern reply_t reply_view[INDEX_COUNT];
extern sched_context_t sc_view[INDEX_COUNT];
extern timer_node_t timer_view[INDEX_COUNT];
extern thread_link_t link_view[INDEX_COUNT];
extern wheel_t wheel_view;
extern u32 reaper_view;
extern u64 dying_view;
extern tcb_t tcb_view[INDEX_COUNT];
extern untyped_t untyped_view[INDEX_COUNT];
extern table_t table_view[INDEX_COUNT];
extern irq_t irq_view[INDEX_COUNT];
extern u64 word_view[INDEX_COUNT];
extern u64 phys_view[PHYSICAL_WORDS];
typedef struct {
    u64 word[BUFFER_WORDS];
} buffer_t;
extern buffer_t buffer_view[INDEX_COUNT];

#define ITEM(i) item_view[i]
#define SLOT(i) slot_view[i]
#define HEADER(i) header_view[i]
#define QUEUE(i) queue_view[i]
#define NOTIFICATION(i) notification_view[i]
#define REPLY(i) reply_view[i]
#define SC(i) sc_view[i]
#define TIMER(i) timer_view[i]
#define TCB(i) tcb_view[i]
#define LINK(t) link_view[t]
#define WHEEL wheel_view
#define REAPER reaper_view
#define DYING dying_view
#define UNTYPED(i) untyped_view[i]
#define TABLE(i) table_view[i]
#define IRQ(i) irq_view[i]
#define WORD(i) word_view[i]
#define PHYS(w) phys_view[w]
#define PHYS_BEHIND(w, i) phys_view[(w) + (i)]
#define BUFFER(page) buffer_view[page]
#define TCB_SLOT(t, k) slot_view[(t) + 4u * (k)]

#else

typedef struct {
    u64 word[BUFFER_WORDS];
} buffer_t;

#ifndef CORE_WINDOW
#define CORE_WINDOW 0xffffffff80000000ull // Index 0: where the kernel image is linked, less 1 MiB.
#define PHYSICAL_WINDOW 0xffff800000000000ull // All RAM.
#endif
#define VIEW(type, i) (*(type *)(CORE_WINDOW + (u64)((s64)(s32)(i)*8)))
#define ITEM(i) VIEW(item_t, i)
#define SLOT(i) VIEW(slot_t, i)
#define HEADER(i) VIEW(header_t, i)
#define QUEUE(i) VIEW(queue_t, i)
#define NOTIFICATION(i) VIEW(notification_t, i)
#define REPLY(i) VIEW(reply_t, i)
#define SC(i) VIEW(sched_context_t, i)
#define TIMER(i) VIEW(timer_node_t, i)
#define TCB(i) VIEW(tcb_t, i)
#define LINK(t) TCB(t).link
#define WHEEL K.wheel
#define REAPER K.reaper
#define DYING K.dying
#define UNTYPED(i) VIEW(untyped_t, i)
#define TABLE(i) VIEW(table_t, i)
#define IRQ(i) VIEW(irq_t, i)
#define WORD(i) VIEW(u64, i)
#define PHYS(w) (*(u64 *)(PHYSICAL_WINDOW + (u64)(w)*8))
// Word w + i, spelled so that the compiler keeps one address for all i: it would make one of each constant.
#define PHYS_BEHIND(w, i) phys_words(w)[i]
static inline u64 *phys_words(u64 w) {
    u64 *words = &PHYS(w);
    __asm__("" : "+r"(words));
    return words;
}
#define BUFFER(page) (*(buffer_t *)(PHYSICAL_WINDOW + ((u64)(page) << 12)))
// The same memory as SLOT(t + 4 * k), spelled so that the compiler shares the address of TCB(t).
#define TCB_SLOT(t, k) TCB(t).slot_[(k)-1]

#endif

#define TCB_SLOT_INDEX(t, k) ((t) + 4u * (k))
#define INDEX_OF(address) (OBJECT_BASE + (u32)((address) / 8)) // Physical, below OBJECT_LIMIT.
#define ADDRESS_OF(index) ((u64)((index)-OBJECT_BASE) * 8)
enum { TCB_TIMER = 54, SC_TIMER = 15 }; // Offsets of the timers, in units of 8 bytes.

#endif
