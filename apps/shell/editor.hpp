// LineEditor: keys become a line, and what the terminal has to show for it.
// SPDX-License-Identifier: BSD-2-Clause
//
//   left, ctrl-b   right, ctrl-f   home, ctrl-a   end, ctrl-e     move
//   backspace   delete, ctrl-d   ctrl-k to the end   ctrl-u to the start   ctrl-w one word back
//   up, ctrl-p   down, ctrl-n     history
//   ctrl-r search in the history: letters are what is looked for, ctrl-r the one before, ctrl-c or ctrl-g nothing of
//   it; all other keys take what was found
//   tab complete   ctrl-c drop the line   ctrl-l clear the screen
// All other keys ring the bell.
// Only backspaces, spaces and text are sent, so every terminal can show it; a line that is longer
// than the terminal is wide cannot be shown rightly while it is edited in the middle.
#pragma once

#include <string_view>

#include "completion.hpp"
#include "lexer.hpp"
#include "output.hpp"

namespace shell {

class History {
  public:
    static constexpr u32 kLines = 64;
    using Entry = sel::Text<kLineMax>;

    // Empty lines and repetitions of the newest are not kept.
    void add(std::string_view line);
    u32 size() const { return size_; }
    // 0: the newest.
    std::string_view line(u32 age) const { return entry_[(next_ - 1 - age) % kLines].view(); }

  private:
    static_assert((kLines & (kLines - 1)) == 0, "indices wrap around");
    Entry entry_[kLines];
    u32 next_ = 0;
    u32 size_ = 0;
};

class LineEditor {
  public:
    enum class Event : u8 { None, Line, Dropped };

    LineEditor(std::string_view prompt, Completer &completer)
        : prompt_{prompt}, completer_{completer} {}

    void set_prompt(std::string_view prompt) { prompt_ = prompt; }
    // Shows the prompt and starts a new line.
    void begin(Output &screen);

    // One byte from the keyboard. Line: the line is complete, see line() and problem(). Dropped: it was given up,
    // and there is no new one until begin().
    Event type(u8 byte, Output &screen);

    std::string_view line() const { return line_.view(); }
    // Why the line must not be run (too long, binary); empty: it is good.
    Message problem() const;
    const History &history() const { return history_; }
    History &history() { return history_; }

  private:
    enum class Escape : u8 { None, Started, Sequence, Letter };

    void clear();
    Event type_key(u8 byte, Output &screen);
    Event type_control(u8 byte, Output &screen);
    void begin_search(Output &screen);
    bool type_search(u8 byte, Output &screen);
    void find(u32 age, Output &screen);
    void show_search(Output &screen);
    void end_search(std::string_view text, Output &screen);
    void type_escape(u8 byte, Output &screen);
    void end_sequence(u8 byte, Output &screen);
    void insert(char c, Output &screen);
    void insert_text(std::string_view text, Output &screen);
    void erase(std::size_t from, std::size_t to, Output &screen);
    void move_to(std::size_t place, Output &screen);
    void replace(std::string_view text, Output &screen);
    void recall(u32 age, Output &screen);
    void complete(Output &screen);
    void list_candidates(Output &screen);
    void redraw(Output &screen);
    void show_tail(std::size_t erased_columns, Output &screen);

    std::size_t left_of(std::size_t place) const;
    std::size_t right_of(std::size_t place) const;
    std::size_t word_before(std::size_t place) const;
    std::size_t columns(std::size_t from, std::size_t to) const;

    std::string_view prompt_;
    Completer &completer_;
    sel::Text<kLineMax> line_;
    std::size_t cursor_ = 0;
    bool too_long_ = false;
    bool after_return_ = false;
    Escape escape_ = Escape::None;
    u32 parameter_ = 0; // Of the escape sequence.
    u32 age_ = 0;       // 0: the new line; else history line age_ - 1.
    sel::Text<kLineMax> draft_;
    bool searching_ = false; // The line shows what is looked for, and where it was found:
    sel::Text<64> query_;
    u32 found_ = 0; // in history line found_ - 1; 0: nowhere.
    History history_;
    Candidates candidates_;
};

} // namespace shell
