// Endpoints: synchronous messages, calls and answers.
// SPDX-License-Identifier: BSD-2-Clause
//
// An endpoint is a queue of threads, oldest first: all of them wait to receive, or all wait to send.
// Which of the two is the state of the first. A call is a send whose sender then waits for the
// answer through the receiver's Reply (reply.h), and meanwhile lends its scheduling context to a
// receiver that has none. Fault messages are calls that the kernel makes for a thread.
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include "core/view.h"

// The running thread (parked) sends the message in its registers through an endpoint capability
// with `may` and `badge`: to the first receiver, or it waits in the queue. state: STATE_SEND, or
// STATE_CALL if it will wait for an answer.
void endpoint_send(u32 ep, u32 may, u64 badge, u64 info, u32 state);

// Ends the wait of the first thread in the queue of a dying endpoint or notification with ERR_GONE.
// 0: the queue is empty.
u32 endpoint_cancel_one(u32 queue);

#endif
