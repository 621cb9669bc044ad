// Channel: the ring and the doorbell of sel/channel.hpp on two processors with store buffers, every interleaving.
// SPDX-License-Identifier: BSD-2-Clause
//
// Modelled: ChannelEnd with the caller's loop around it, once for the sender and once for the receiver; x86-TSO:
// a store waits in its processor's buffer until it reaches memory, in order, at any later time; loads see
// memory; `xchg` and `lock` (all seq_cst stores and exchanges) wait until the buffer is empty. No side loads what it
// may have stored itself, so a load need not look into its own buffer. A Notification keeps a ring until it is
// waited for; signalling it drains no buffer. A side that announced its sleep may be woken by something else.
// Abstracted: N is 2, counts run round at COUNTS and not at 2^32; the content of slot k is its number; what
// a compiler does, and locations that are not atomic being read while they are written (both are excluded by
// seq_cst and by "data" below). With HOSTILE that side is one that writes and rings what and when it likes.
//
// A comment behind a step is the line of channel.hpp that it is: check.py looks for it there.
//
//   data       no slot is read before it was written, or overwritten before it was released  (assert in use)
//   trust      two honest sides never break the channel                                      (assert in side)
//   ring       no side believes in more than N slots or touches one outside the ring,
//              whatever the other side writes                                                (asserts in side, use)
//   rings      a side is rung at most once for each time it announced its sleep              (assert in advance)
//   wake-up    nobody sleeps while there is something for it and nobody is about to ring     (watch; deadlocks)
//   work       an honest side turns no round without a write or a ring of the other one, or a time-out
//                                                                        (non-progress cycles, with HOSTILE)
// "rings" and "data" are between honest sides: a hostile one may ring, and write what it holds, as it likes.
// "rings" remembers one announcement a side. Without the fence of awake() an old `sleeps` can be rung after the next
// announcement, and "rings" then counts two rings for one; so no mutant removes that fence.

#define N 2
#define COUNTS 8
#define SENDER 0
#define RECEIVER 1

mtype = { SLOT, COUNT, SLEEPS };

byte slot[N];                                          // Content: number of the slot, from 1; 0 is fresh.
byte count[2];                                         // struct Side, of the sender and of the receiver.
bit sleeps[2];
bit bell[2];                                           // The Notification of each side.
chan buffer[2] = [4] of { mtype, byte, byte };         // Stores that have not reached memory: place, value.

byte mine[2];                                          // count_: private.
bit announced[2], advances[2];                         // Ghosts: of "rings" and of "wake-up".

#define fence empty(buffer[me])

proctype store_buffer(bit me) {
    byte place, value;
end:
    do
    :: atomic { buffer[me]?SLOT(place, value) -> slot[place] = value; place = 0; value = 0 }
    :: atomic { buffer[me]?COUNT(place, value) -> count[me] = value; value = 0 }
    :: atomic { buffer[me]?SLEEPS(place, value) -> sleeps[me] = value; value = 0 }
    od
}

inline available() {
    d_step {
        free = (count[other] + ahead + COUNTS - mine[me]) % COUNTS; // u32 free = other_.count.load(std::memory_order_seq_cst) + ahead_ - count_;
        good = good && free <= N;                      // good_ = good_ && free <= N;
        free = (good -> free : 0);                     // return good_ ? free : 0;
    }
}

inline advance(n) {
    atomic {
        mine[me] = (mine[me] + n) % COUNTS;            // count_ += n;
        advances[me] = true;
        buffer[me]!COUNT(0, mine[me]);
    }
    fence;                                             // mine_.count.store(count_, std::memory_order_seq_cst);
    if
    :: sleeps[other] ->                                // if (other_.sleeps.load(std::memory_order_seq_cst) != 0 &&
        if
        :: atomic { fence && sleeps[other] ->          // other_.sleeps.exchange(0, std::memory_order_seq_cst) != 0) {
               sleeps[other] = 0;
               assert(announced[other] || hostile);
               announced[other] = false
           }
           bell[other] = true                          // bell_.ring();
        :: fence && !sleeps[other]
        fi
    :: !sleeps[other]
    fi;
    advances[me] = false
}

// The slots that part() gave: some of them, at least one.
inline use() {
    d_step {
        first = mine[me] % N;                          // u32 free = available(), first = count_ % N;
        free = (free < N - first -> free : N - first)  // return std::span<T>{slots_ + first, free < N - first ? free : N - first};
    }
    do
    :: used < free ->
        assert(first + used < N);
        if
        :: atomic { me == SENDER -> buffer[me]!SLOT(first + used, (mine[me] + used) % COUNTS + 1) }
        :: atomic { me == RECEIVER -> assert(hostile || slot[first + used] == (mine[me] + used) % COUNTS + 1) }
        fi;
        used++
    :: used > 0 -> break
    od
}

proctype side(bit me; bit hostile) {
    bit other = 1 - me;
    byte ahead = (me == SENDER -> N : 0);              // The sender may be N slots ahead of the receiver.
    bit good = true;
    byte free, first, used;
again:
    available();
    assert(free <= N && (good || hostile));
    if
    :: !good -> goto gone                              // return ERR_PROTOCOL;
    :: good && free > 0 ->
        use();
        advance(used);
        d_step { used = 0; first = 0; free = 0 }
    :: good && free == 0 ->
        atomic { buffer[me]!SLEEPS(0, 1); announced[me] = true }
        fence;                                         // mine_.sleeps.store(1, std::memory_order_seq_cst);
        available();
        if
        :: free == 0 && good ->                        // if (available() == 0 && good_) {
            if
            :: true ->
asleep:        atomic { bell[me] -> bell[me] = false }
            :: true ->
progress_else: skip                                    // Woken by a time-out or a message.
            fi
        :: else
        fi;
        buffer[me]!SLEEPS(0, 0);
        fence                                          // void awake() { mine_.sleeps.store(0, std::memory_order_seq_cst); }
    fi;
    goto again;
gone:
}

// The other side, when it need not be trusted.
proctype enemy(bit me) {
    byte any;
end:
    do
    :: true ->
progress_pays:
       atomic {
           do
           :: any < COUNTS - 1 -> any++
           :: break
           od;
           if
           :: count[me] = any
           :: sleeps[me] = any % 2
           :: sleeps[1 - me] = any % 2
           :: bell[1 - me] = true
           fi;
           any = 0
       }
    od
}

#define something(me, ahead) ((count[1 - me] + ahead + COUNTS - mine[me]) % COUNTS != 0)
#define lost(me, ahead) (side[me + 1]@asleep && !bell[me] && !advances[1 - me] && \
                         empty(buffer[1 - me]) && something(me, ahead))

proctype watch() {
end:
    if
    :: lost(SENDER, N) || lost(RECEIVER, 0) -> assert(false)
    fi
}

init {
    atomic {
#ifdef HOSTILE
        run side(1 - HOSTILE, true);
        run enemy(HOSTILE);
        run store_buffer(1 - HOSTILE)
#else
        run side(SENDER, false);
        run side(RECEIVER, false);
        run store_buffer(SENDER);
        run store_buffer(RECEIVER);
        run watch()
#endif
    }
}
