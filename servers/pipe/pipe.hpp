// Pipes: bounded streams between programs, and who has which end. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
// Both sides run at the same time: a writer that finds its pipe full waits for room, or too long, then it asks again; a
// reader waits for a byte, or for the end. All memory is there from the start and counted for each maker, who decides
// how many programs it connects: a program that writes costs nobody more than the bytes of its pipe.
#pragma once

#include <array>

#include "api.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/ring.hpp"

namespace piping {

class Pipes {
  public:
    // `incarnation`: as the environment says.
    explicit Pipes(u32 incarnation) : life_{incarnation & kLifeMask} {}

    // --- Programs.

    void on(const stream::Read &, sel::Caller caller, sel::Later<stream::Read> later) {
        Pipe *pipe = bound(caller.client, End::READER);
        if (pipe == nullptr) {
            later.answer(ERR_GONE);
            return;
        }
        pipe->waiting_read = std::move(later); // One that it left before is answered ERR_GONE.
        serve(*pipe);
    }

    void on(const stream::Write &m, sel::Caller caller, sel::Later<stream::Write> later) {
        Pipe *pipe = bound(caller.client, End::WRITER);
        if (pipe == nullptr || m.data.size == 0) {
            later.answer(pipe == nullptr ? sel::Result<u32>{ERR_GONE} : 0u);
            return;
        }
        pipe->waiting_write = std::move(later);
        pipe->text = m.data;
        pipe->due = sel::now() + sel::milliseconds(stream::kRoomMs);
        serve(*pipe);
    }

    // --- Makers.

    sel::Result<u32> on(const Make &, sel::Caller caller) {
        u32 mine = 0, free = kPipes;
        for (u32 i = 0; i < kPipes; i++) {
            mine += pipe_[i].maker == caller.client ? 1 : 0;
            free = pipe_[i].maker == 0 ? i : free;
        }
        if (free == kPipes || mine == kPerMaker) {
            return ERR_FULL;
        }
        Pipe &pipe = pipe_[free];
        pipe.maker = caller.client;
        pipe.held[0] = pipe.held[1] = true;
        return life_ << kLifeShift | free;
    }

    sel::Result<> on(const Release &m, sel::Caller caller) {
        sel::Result<Pipe *> pipe = find(caller.client, m.pipe);
        if (!pipe || !(*pipe)->held[place(m.end)]) {
            return pipe.ok() ? ERR_ARG : pipe.error();
        }
        (*pipe)->held[place(m.end)] = false;
        serve(**pipe);
        return {};
    }

    sel::Result<stream::Input> on(const TryRead &m, sel::Caller caller) {
        sel::Result<Pipe *> pipe = find(caller.client, m.pipe);
        if (!pipe || !(*pipe)->held[place(End::READER)]) {
            return pipe.ok() ? ERR_ARG : pipe.error();
        }
        if ((*pipe)->bytes.empty() && (*pipe)->open(End::WRITER)) {
            return ERR_BUSY;
        }
        stream::Input input = peek(**pipe);
        (*pipe)->bytes.drop(input.data.size);
        serve(**pipe);
        return input;
    }

    sel::Result<u32> on(const TryWrite &m, sel::Caller caller) {
        sel::Result<Pipe *> pipe = find(caller.client, m.pipe);
        if (!pipe || !(*pipe)->held[place(End::WRITER)]) {
            return pipe.ok() ? ERR_ARG : pipe.error();
        }
        if (!(*pipe)->open(End::READER)) {
            return ERR_GONE;
        }
        u32 taken = put(**pipe, m.data);
        serve(**pipe);
        return taken != 0 || m.data.size == 0 ? sel::Result{taken} : ERR_BUSY;
    }

    sel::Result<u32> on(const IsBound &m, sel::Caller caller) {
        for (End end : kEnds) {
            if (Pipe *pipe = bound(m.client, end);
                pipe != nullptr && pipe->maker == caller.client) {
                return 1u;
            }
        }
        return 0u;
    }

    // A second one of the same maker takes the place of the first: it was restarted.
    void on(const Wait &m, sel::Caller caller, sel::Later<Wait> later) {
        Waiting *waiting = waiting_of(caller.client);
        if (waiting == nullptr) {
            later.answer(ERR_FULL);
        } else if (waiting->changes != m.seen) {
            later.answer(waiting->changes);
        } else {
            waiting->later = std::move(later);
        }
    }

    sel::Result<> on(const Bind &m) {
        sel::Result<Pipe *> pipe = find(m.maker, m.pipe);
        u32 index = m.client - kFirst;
        if (!pipe || index >= of_.size() || !(*pipe)->held[place(m.end)]) {
            return pipe.ok() ? ERR_ARG : pipe.error();
        }
        if (of_[index][place(m.end)] != kNone || (*pipe)->program[place(m.end)] != 0) {
            return ERR_EXISTS;
        }
        of_[index][place(m.end)] = static_cast<u8>(*pipe - pipe_.data());
        (*pipe)->program[place(m.end)] = m.client;
        return {};
    }

    // Its ends are closed; the pipes that it has made go on between the programs that they connect.
    void on_ended(u32 client) {
        for (Pipe &pipe : pipe_) {
            if (pipe.maker == client) {
                pipe.held[0] = pipe.held[1] = false;
                serve(pipe);
            }
        }
        for (End end : kEnds) {
            if (Pipe *pipe = bound(client, end); pipe != nullptr) {
                of_[client - kFirst][place(end)] = kNone;
                pipe->program[place(end)] = 0;
                if (end == End::READER) {
                    pipe->waiting_read = {};
                } else {
                    pipe->waiting_write = {};
                }
                changed(pipe->maker);
                serve(*pipe);
            }
        }
        for (Waiting &waiting : waiting_) {
            if (waiting.maker == client) {
                waiting = {};
            }
        }
    }

    u64 deadline() const {
        u64 due = sel::kForever;
        for (const Pipe &pipe : pipe_) {
            due = pipe.waiting_write && pipe.due < due ? pipe.due : due;
        }
        return due;
    }
    void on_timeout() {
        for (Pipe &pipe : pipe_) {
            if (pipe.waiting_write && pipe.due <= sel::now()) {
                pipe.waiting_write.answer(ERR_BUSY);
            }
        }
    }

  private:
    static constexpr u32 kFirst = sel::Environment::kSystemPrograms + 1;
    static constexpr u32 kLifeShift = 16, kLifeMask = 0xffff;
    static constexpr u8 kNone = 255;
    static constexpr End kEnds[] = {End::READER, End::WRITER};

    struct Pipe {
        u32 maker = 0;               // 0: there is no such pipe.
        bool held[2] = {};           // By the maker: each end.
        u32 program[2] = {};         // Each end; 0: none.
        sel::Ring<u8, kBytes> bytes; // Written, and not read.
        sel::Later<stream::Read> waiting_read;
        sel::Later<stream::Write> waiting_write; // Of `text`, until `due`.
        stream::Chunk text;
        u64 due = 0; // Ticks.

        bool open(End end) const { return held[place(end)] || program[place(end)] != 0; }
    };

    struct Waiting {
        u32 maker = 0;
        u64 changes = 1;
        sel::Later<Wait> later;
    };

    static constexpr u32 place(End end) { return static_cast<u32>(end); }

    sel::Result<Pipe *> find(u32 maker, u32 number) {
        if (number >> kLifeShift != life_) {
            return ERR_RESTARTED;
        }
        u32 index = number & kLifeMask;
        return index < kPipes && maker != 0 && pipe_[index].maker == maker
                   ? sel::Result<Pipe *>{&pipe_[index]}
                   : ERR_ARG;
    }

    // The pipe of which this program has such an end.
    Pipe *bound(u32 client, End end) {
        u32 index = client - kFirst;
        bool has = index < of_.size() && of_[index][place(end)] != kNone;
        return has ? &pipe_[of_[index][place(end)]] : nullptr;
    }

    static stream::Input peek(const Pipe &pipe) {
        stream::Input input;
        while (input.data.size < stream::kChunk && input.data.size < pipe.bytes.size()) {
            input.data.byte[input.data.size] = pipe.bytes[input.data.size];
            input.data.size++;
        }
        return input;
    }

    static u32 put(Pipe &pipe, const stream::Chunk &text) {
        u32 count = 0;
        for (u8 byte : text.span()) {
            if (!pipe.bytes.put(byte)) {
                break;
            }
            count++;
        }
        return count;
    }

    // After anything has changed there: goes on as far as it can.
    void serve(Pipe &pipe) {
        bool on = true;
        while (on) {
            on = serve_writer(pipe);
            on = serve_reader(pipe) || on;
        }
        if (pipe.maker != 0 && !pipe.open(End::READER) && !pipe.open(End::WRITER)) {
            pipe.maker = 0;
            pipe.bytes.clear();
        }
    }

    bool serve_writer(Pipe &pipe) {
        if (!pipe.waiting_write) {
            return false;
        }
        if (!pipe.open(End::READER)) {
            pipe.waiting_write.answer(ERR_GONE);
            return false;
        }
        if (pipe.bytes.room() == 0) {
            return false;
        }
        pipe.waiting_write.answer(put(pipe, pipe.text));
        changed(pipe.maker);
        return true;
    }

    bool serve_reader(Pipe &pipe) {
        if (!pipe.waiting_read || (pipe.bytes.empty() && pipe.open(End::WRITER))) {
            return false;
        }
        stream::Input input = peek(pipe);
        if (!pipe.waiting_read.answer(input)) {
            return false; // Whoever gave up takes nothing.
        }
        pipe.bytes.drop(input.data.size);
        changed(pipe.maker);
        return true;
    }

    void changed(u32 maker) {
        for (Waiting &waiting : waiting_) {
            if (waiting.maker == maker && maker != 0) {
                waiting.changes++;
                if (waiting.later) {
                    waiting.later.answer(waiting.changes);
                }
            }
        }
    }

    Waiting *waiting_of(u32 maker) {
        Waiting *free = nullptr;
        for (Waiting &waiting : waiting_) {
            if (waiting.maker == maker) {
                return &waiting;
            }
            free = waiting.maker == 0 ? &waiting : free;
        }
        if (free != nullptr) {
            free->maker = maker;
        }
        return free;
    }

    u32 life_;
    std::array<Pipe, kPipes> pipe_;
    std::array<Waiting, kMakers> waiting_;
    // Which pipe each program at run time has at each end.
    std::array<std::array<u8, 2>, sel::Environment::kPrograms - sel::Environment::kSystemPrograms>
        of_ = filled();

    static constexpr decltype(of_) filled() {
        decltype(of_) none{};
        for (auto &ends : none) {
            ends.fill(kNone);
        }
        return none;
    }
};

} // namespace piping
