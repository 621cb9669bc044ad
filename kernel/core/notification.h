// Notifications: a word of bits that are set by signals and taken all at once.
// SPDX-License-Identifier: BSD-2-Clause
//
//   IDLE (word 0, no waiter)  signal -> ACTIVE (word != 0)    wait -> WAITING (queue not empty)
//   ACTIVE                    wait, poll take the word -> IDLE
//   WAITING                   signal hands its bits to the first waiter
// A bound thread also receives the bits in its RECV: it never sleeps beside an active notification.
#ifndef CORE_NOTIFICATION_H
#define CORE_NOTIFICATION_H

#include "core/view.h"

// Sets `bits` (not 0). Wakes a waiter, or the bound thread if that waits to receive.
void notification_signal(u32 n, u64 bits);

// Takes the bits of n (there are some) for thread t: its RECV or WAIT returns them.
void notification_take(u32 n, u32 t);

// Ends the binding of n, if there is one (n may be 0).
void notification_unbind(u32 n);

// Binds n and t; both are free.
void notification_bind(u32 n, u32 t);

#endif
