// Console: shares the serial port among its clients. Holds no capability but through Ports.
// SPDX-License-Identifier: BSD-2-Clause
//
// Writers are served in the order of their arrival; one that finds the output ring full waits for
// its answer until there is room, or too long: so nobody can fill more than the ring. One client at a time may
// wait for input. Who has died or given up meanwhile holds no place, prints nothing and takes no input.
#pragma once

#include "api.hpp"
#include "uart.hpp"

#include "sel/clock.hpp"
#include "sel/static_vector.hpp"

namespace console {

template <typename Ports>
class Console {
  public:
    static constexpr u32 kWriters = 12;  // That can wait for room,
    static constexpr u32 kPerClient = 4; // and of one client.

    explicit Console(Ports ports) : uart_{ports} {}

    void start() { uart_.start(); }

    void interrupted() {
        uart_.interrupted();
        feed_writers();
        feed_reader();
    }

    void on(const Write &m, sel::Caller caller, sel::Later<Write> writer) {
        if (m.data.size == 0) {
            writer.answer(0u);
        } else if (writers_.empty() && uart_.can_write()) {
            writer.answer(put(m.data));
        } else if (has_room(caller.client)) {
            u64 due = sel::now() + sel::milliseconds(kRoomMs);
            [[maybe_unused]] bool kept =
                writers_.push_back({m.data, caller.client, due, std::move(writer)});
        } else {
            writer.answer(ERR_FULL);
        }
    }

    // A second Read of the same client takes the place of the first: it was restarted.
    void on(const Read &, sel::Caller caller, sel::Later<Read> reader) {
        if (reader_client_ != caller.client && reader_.waits()) {
            reader.answer(ERR_BUSY);
            return;
        }
        reader_ = std::move(reader);
        reader_client_ = caller.client;
        feed_reader();
    }

    sel::Result<Status> on(const GetStatus &) { return Status{uart_.lost(), writers_.size()}; }

    u64 deadline() const { return writers_.empty() ? sel::kForever : writers_[0].due; }

    // An interrupt may have been lost; who has waited long enough asks again.
    void on_timeout() {
        uart_.service();
        feed_writers();
        while (deadline() <= sel::now()) {
            writers_[0].later.answer(ERR_BUSY);
            writers_.remove(0);
        }
    }

  private:
    struct Writer {
        Chunk data;
        u32 client;
        u64 due; // Ticks.
        sel::Later<Write> later;
    };

    u32 waiting_of(u32 client) const {
        u32 count = 0;
        for (const Writer &w : writers_) {
            count += w.client == client ? 1 : 0;
        }
        return count;
    }

    bool has_room(u32 client) {
        if (writers_.full() || waiting_of(client) == kPerClient) {
            drop_left();
        }
        return !writers_.full() && waiting_of(client) < kPerClient;
    }

    void drop_left() {
        for (u32 i = writers_.size(); i-- != 0;) {
            if (!writers_[i].later.waits()) {
                writers_.remove(i);
            }
        }
    }

    u32 put(const Chunk &data) { return static_cast<u32>(uart_.write(data.span())); }

    void feed_writers() {
        while (!writers_.empty() && uart_.can_write()) {
            if (writers_[0].later.waits()) {
                writers_[0].later.answer(put(writers_[0].data));
            }
            writers_.remove(0);
        }
    }

    void feed_reader() {
        if (reader_ && uart_.can_read()) {
            Input input;
            input.data.size = static_cast<u32>(uart_.peek({input.data.byte, kChunk}));
            if (reader_.answer(input)) {
                uart_.drop(input.data.size);
            }
        }
    }

    Uart<Ports> uart_;
    sel::StaticVector<Writer, kWriters> writers_;
    sel::Later<Read> reader_;
    u32 reader_client_ = 0;
};

} // namespace console
