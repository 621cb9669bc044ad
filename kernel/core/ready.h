// The ready queues: 256 priorities, oldest first within each, every operation O(1).
// SPDX-License-Identifier: BSD-2-Clause
//
// Queue of priority p: QUEUE(READY_BASE + p). Two levels of bitmaps tell which are not empty, and
// K.top keeps the answer that the message path needs: highest ready priority + 1.
// A thread is in state READY if and only if it is in the ready queue of its priority.
#ifndef CORE_READY_H
#define CORE_READY_H

#include "core/queue.h"

// t, which is in no queue, is ready: behind the others of its priority.
void ready_append(u32 t);

// The same in front of the others: it was preempted.
void ready_push(u32 t);

// t, which is ready, no longer is: its state is INACTIVE.
void ready_remove(u32 t);

// Takes out the thread to run, which is RUNNING: highest priority, oldest of it. 0: none is ready.
u32 ready_take(void);

#endif
