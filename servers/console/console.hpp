// Console: the serial line, and screen and keyboard, as one terminal that its clients share. Holds no capability but
// through Ports.
// SPDX-License-Identifier: BSD-2-Clause
//
// Writers are served in the order of their arrival; one that finds the output ring full waits for
// its answer until there is room, or too long: so nobody can fill more than the ring. What is shown is text: control
// characters and bytes that are no UTF-8 become `?`, so only the terminal itself commands the screen.
//
// Who reads: while the terminal is lent to a job, the reader of that job; else a program of boot/system.toml that may.
// All others wait. Who has died or given up meanwhile holds no place, prints nothing and takes no input.
#pragma once

#include "line.hpp"
#include "question.hpp"

#include "servers/stream/api.hpp"

#include "sel/clock.hpp"
#include "sel/printable.hpp"
#include "sel/static_vector.hpp"

namespace console {

template <typename Ports>
class Console {
  public:
    static constexpr u32 kWriters = 12;  // That can wait for room,
    static constexpr u32 kPerClient = 4; // and of one client.
    static constexpr u32 kReaders = 8;

    explicit Console(Ports ports) : uart_{ports} {}

    void start() { uart_.start(); }

    void interrupted() {
        uart_.interrupted();
        go_on();
    }

    void on(const stream::Write &m, sel::Caller caller, sel::Later<stream::Write> writer) {
        if (m.data.size == 0) {
            writer.answer(0u);
        } else if (writers_.empty() && can_write()) {
            writer.answer(put(m.data, caller.client));
        } else if (has_room(caller.client)) {
            u64 due = sel::now() + sel::milliseconds(stream::kRoomMs);
            [[maybe_unused]] bool kept =
                writers_.push_back({m.data, caller.client, due, std::move(writer)});
        } else {
            writer.answer(ERR_FULL);
        }
    }

    // A second Read of the same client takes the place of the first: it was restarted.
    void on(const stream::Read &, sel::Caller caller, sel::Later<stream::Read> reader) {
        if (loan_ && caller.client == holder_) {
            end_loan(stream::Signal::NONE);
        }
        forget_reader(caller.client);
        if (may_read(caller.client) && somebody_reads()) {
            reader.answer(ERR_BUSY);
            return;
        }
        if (readers_.full()) {
            drop_left_readers();
        }
        if (readers_.full()) {
            reader.answer(ERR_FULL);
            return;
        }
        [[maybe_unused]] bool kept = readers_.push_back({caller.client, std::move(reader)});
        go_on();
    }

    // On a serial line nobody knows.
    sel::Result<stream::Size> on(const stream::GetSize &) {
        return uart_.is_there() ? stream::Size{0, 0} : screen_size_;
    }

    // --- Screen and keyboard.

    // A second Show of the same client takes the place of the first: it was restarted.
    void on(const Show &m, sel::Caller caller, sel::Later<Show> later) {
        if (screen_asks_ && screen_asks_.waits() && screen_client_ != caller.client) {
            later.answer(ERR_BUSY);
            return;
        }
        screen_client_ = caller.client;
        screen_size_ = {m.columns, m.rows};
        screen_at_ = m.life == life() ? m.at : 0;
        screen_asks_ = std::move(later);
        feed_screen();
    }

    sel::Result<u32> on(const Type &m) {
        u32 taken = 0;
        for (u8 byte : m.data.span()) {
            if (!uart_.type(byte)) {
                break;
            }
            taken++;
        }
        go_on();
        return taken;
    }

    void on(const stream::Lend &m, sel::Caller caller, sel::Later<stream::Lend> later) {
        if (loan_ && holder_ != caller.client) {
            later.answer(ERR_BUSY);
            return;
        }
        take_over(caller.client);
        if (m.job <= taken_back_ || reads(holder_)) {
            later.answer(stream::Typed{stream::Signal::NONE});
            return;
        }
        job_ = m.job;
        loan_ = std::move(later);
        seen_ = 0;
        go_on();
    }

    sel::Result<> on(const stream::TakeBack &m, sel::Caller caller) {
        if (loan_ && holder_ != caller.client) {
            return ERR_BUSY;
        }
        take_over(caller.client);
        taken_back_ = m.job > taken_back_ ? m.job : taken_back_;
        if (loan_ && job_ <= taken_back_) {
            end_loan(stream::Signal::NONE);
        }
        return {};
    }

    sel::Result<> on(const stream::SetReader &m, sel::Caller caller) {
        if (loan_ && holder_ != caller.client) {
            return ERR_BUSY;
        }
        take_over(caller.client);
        reader_ = m.client;
        reader_job_ = m.job;
        go_on();
        return {};
    }

    void on(const stream::Ask &m, sel::Caller caller, sel::Later<stream::Ask> later) {
        if (question_.is_open() || (loan_ && holder_ != caller.client)) {
            later.answer(ERR_BUSY);
            return;
        }
        question_.ask(m, caller.client, std::move(later));
        go_on();
    }

    sel::Result<> on(const stream::Prompt &m) {
        prompt_.clear();
        append_printable(prompt_, m.data);
        go_on();
        return {};
    }

    sel::Result<> on(const stream::Styled &m) {
        constexpr std::string_view kPlain = "\x1b[39m"; // ECMA-48: SGR, the colour of text.
        sel::Text<stream::kStyledMax + 2 * kPlain.size()> text;
        text.append(m.style == stream::Style::Error ? "\x1b[91m" : "\x1b[94m");
        append_printable(text, m.data);
        text.append(kPlain);
        if (uart_.room() < text.size || !can_write() || !writers_.empty()) {
            return ERR_BUSY;
        }
        uart_.write(text);
        feed_screen();
        return {};
    }

    sel::Result<> on(const stream::Clear &) {
        constexpr std::string_view kHomeAndErase = "\x1b[H\x1b[2J"; // ECMA-48
        if (uart_.room() < kHomeAndErase.size()) {
            return ERR_BUSY;
        }
        uart_.write(kHomeAndErase);
        feed_screen();
        return {};
    }

    void on_ended(u32 client) {
        question_.forget(client);
        if (client == holder_) {
            end_loan(stream::Signal::NONE);
            take_over(0);
        }
        reader_ = client == reader_ ? 0 : reader_;
        if (client == screen_client_) {
            screen_asks_ = {};
            screen_client_ = 0;
            screen_size_ = {};
        }
        forget_reader(client);
        go_on();
    }

    u64 deadline() const {
        u64 due = writers_.empty() ? sel::kForever : writers_[0].due;
        return due < question_.due() ? due : question_.due();
    }

    // An interrupt may have been lost; who has waited long enough asks again.
    void on_timeout() {
        uart_.service();
        go_on();
        while (!writers_.empty() && writers_[0].due <= sel::now()) {
            writers_[0].later.answer(ERR_BUSY);
            writers_.remove(0);
        }
    }

  private:
    static constexpr u8 kInterruptKey = 3, kEndKey = 4, kStopKey = 26; // ^C, ^D, ^Z

    struct Writer {
        stream::Chunk data;
        u32 client;
        u64 due; // Ticks.
        sel::Later<stream::Write> later;
    };
    struct Reader {
        u32 client;
        sel::Later<stream::Read> later;
    };

    static bool is_system(u32 client) { return client <= sel::Environment::kSystemPrograms; }

    // --- Output.

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

    bool can_write() const {
        return uart_.can_write() && !question_.is_open() && prompt_.size == 0;
    }

    // Bold (ECMA-48), and normal again. Its holder's text is in the ring already; others wait.
    void show_prompt() {
        constexpr std::string_view kMark = "\x1b[1m", kEnd = "\x1b[22m";
        if (prompt_.size != 0 && !question_.is_open() &&
            uart_.room() >= kMark.size() + 2 * prompt_.kCapacity + kEnd.size()) {
            uart_.write(kMark);
            uart_.write(prompt_);
            uart_.write(kEnd);
            prompt_.clear();
        }
    }

    // As many bytes as there is room for, however they are shown. A character whose end is not there yet is sent
    // again with what follows; one that stands alone is none.
    u32 put(const stream::Chunk &data, u32 client) {
        sel::Printable printable{is_system(client) ? "\a\b\t\n\r" : "\t\n", '?'};
        char text[stream::kChunk];
        std::size_t size = 0, most = uart_.room() / 2;
        auto show = [&](char c) { text[size++] = c; };
        u32 taken = 0, i = 0;
        for (u8 byte : data.span()) {
            if (i == most) {
                break;
            }
            printable.put(static_cast<char>(byte), show);
            i++;
            taken = printable.holds() ? taken : i;
        }
        if (taken == 0) {
            printable.end(show);
            taken = i;
        }
        uart_.write({text, size});
        feed_screen();
        return taken;
    }

    void feed_writers() {
        show_prompt();
        while (!writers_.empty() && can_write()) {
            if (writers_[0].later.waits()) {
                writers_[0].later.answer(put(writers_[0].data, writers_[0].client));
            }
            writers_.remove(0);
        }
    }

    // --- Input.

    bool may_read(u32 client) const {
        return loan_ ? client == reader_ && job_ == reader_job_ : is_system(client);
    }

    bool reads(u32 client) const {
        for (const Reader &r : readers_) {
            if (r.client == client && r.later.waits()) {
                return true;
            }
        }
        return false;
    }

    // Somebody who may read waits already.
    bool somebody_reads() const {
        for (const Reader &r : readers_) {
            if (may_read(r.client) && r.later.waits()) {
                return true;
            }
        }
        return false;
    }

    void forget_reader(u32 client) {
        for (u32 i = readers_.size(); i-- != 0;) {
            if (readers_[i].client == client) {
                readers_.remove(i);
            }
        }
    }

    void drop_left_readers() {
        for (u32 i = readers_.size(); i-- != 0;) {
            if (!readers_[i].later.waits()) {
                readers_.remove(i);
            }
        }
    }

    // After anything has changed.
    void go_on() {
        question_.go_on(uart_);
        feed_writers();
        feed_screen();
        if (question_.is_open()) {
            return;
        }
        take_signal();
        for (u32 i = 0; i < readers_.size() && uart_.can_read();) {
            if (!may_read(readers_[i].client)) {
                i++;
                continue;
            }
            feed(readers_[i]);
            readers_.remove(i);
        }
    }

    // The first signal among what was typed while the terminal is lent; what was typed before it is gone.
    void take_signal() {
        for (; loan_ && seen_ < uart_.input(); seen_++) {
            u8 byte = uart_.typed(seen_);
            if (byte == kInterruptKey || byte == kStopKey) {
                uart_.drop(seen_ + 1);
                end_loan(byte == kStopKey ? stream::Signal::STOP : stream::Signal::INTERRUPT);
                return;
            }
        }
    }

    // A program gets lines that end with '\n', and ^D as the end.
    void feed(Reader &reader) {
        stream::Input input;
        std::size_t count = uart_.peek({input.data.byte, stream::kChunk}), drop = count;
        if (!is_system(reader.client)) {
            for (std::size_t i = 0; i < count; i++) {
                u8 &byte = input.data.byte[i];
                byte = byte == '\r' ? '\n' : byte;
                if (byte == kEndKey) {
                    drop = i == 0 ? 1 : i;
                    count = i;
                }
            }
        }
        input.data.size = static_cast<u32>(count);
        if (reader.later.answer(input)) {
            uart_.drop(drop);
            seen_ = seen_ < drop ? 0 : seen_ - drop;
        }
    }

    // --- The screen.

    // Positions of other lives are none of this one. 0 is no life.
    static u64 life() { return u64{sel::environment().incarnation} + 1; }

    void feed_screen() {
        if (screen_asks_ && screen_at_ != uart_.end()) {
            Shown answer;
            answer.life = life();
            answer.at = uart_.look(screen_at_, answer.data);
            screen_asks_.answer(answer);
        }
    }

    // --- The loan.

    // Somebody else controls the terminal from now on: it counts its own jobs.
    void take_over(u32 client) {
        if (holder_ != client) {
            holder_ = client;
            taken_back_ = reader_ = reader_job_ = 0;
        }
    }

    void end_loan(stream::Signal signal) {
        if (loan_) {
            loan_.answer(stream::Typed{signal});
        }
    }

    Line<Ports> uart_;
    sel::Later<Show> screen_asks_; // Of the screen that asks, from position screen_at_ on.
    u64 screen_at_ = 0;
    u32 screen_client_ = 0; // Which client that is.
    stream::Size screen_size_{};
    sel::StaticVector<Writer, kWriters> writers_;
    sel::StaticVector<Reader, kReaders> readers_;
    sel::Later<stream::Lend> loan_; // Of the holder, for job_.
    u32 holder_ = 0, job_ = 0;
    u32 taken_back_ = 0; // The newest job that the holder has taken the terminal back from.
    u32 reader_ = 0, reader_job_ = 0;
    Question question_;
    sel::Text<stream::kPromptMax> prompt_; // That is not shown yet.
    std::size_t seen_ = 0;                 // Bytes of the input in which no signal is.
};

} // namespace console
