// LineEditor: keys, the line, and the screen.
// SPDX-License-Identifier: BSD-2-Clause
#include "editor.hpp"

namespace shell {
namespace {

constexpr u8 ctrl(char letter) {
    return static_cast<u8>(letter & 0x1f);
}
constexpr u8 kEscape = 0x1b;
constexpr u8 kDelete = 0x7f;
constexpr u8 kBackspace = 8;

bool continues(char c) {
    return (static_cast<u8>(c) & 0xc0) == 0x80;
} // Inside a UTF-8 sequence.

// The last character of `text` has begun, and its end has not come.
bool misses_bytes(std::string_view text) {
    std::size_t size = 1;
    while (size < text.size() && continues(text[text.size() - size])) {
        size++;
    }
    u8 first = text.empty() ? 0 : static_cast<u8>(text[text.size() - size]);
    return size < (first >= 0xf0 ? 4u : first >= 0xe0 ? 3u : first >= 0xc0 ? 2u : 1u);
}

} // namespace

void History::add(std::string_view line) {
    if (line.empty() || (size_ > 0 && this->line(0) == line)) {
        return;
    }
    entry_[next_ % kLines] = Entry{line};
    next_++;
    size_ = size_ < kLines ? size_ + 1 : kLines;
}

void LineEditor::begin(Output &screen) {
    clear();
    screen.prompt(prompt_);
}

void LineEditor::clear() {
    line_.clear();
    draft_.clear();
    cursor_ = 0;
    age_ = 0;
    too_long_ = searching_ = false;
    escape_ = Escape::None;
}

Message LineEditor::problem() const {
    Message message;
    if (too_long_) {
        sel::format(message, "the line is longer than {} bytes", kLineMax);
    } else {
        message = refuse(line_.view());
    }
    return message;
}

LineEditor::Event LineEditor::type(u8 byte, Output &screen) {
    bool second_half = after_return_ && byte == '\n';
    after_return_ = byte == '\r';
    if (second_half || byte == '\0') { // telnet sends CR NUL (RFC 854); terminals pad with NUL.
        return Event::None;
    }
    if (searching_ && type_search(byte, screen)) {
        return Event::None;
    }
    return type_key(byte, screen);
}

LineEditor::Event LineEditor::type_key(u8 byte, Output &screen) {
    if (byte == '\r' || byte == '\n') {
        move_to(line_.size, screen);
        screen.write("\n");
        if (problem().size == 0) {
            history_.add(line_.view());
        }
        return Event::Line;
    }
    bool letter = byte > kDelete; // No part of a sequence of keys.
    escape_ = letter ? Escape::None : escape_;
    if (escape_ != Escape::None) {
        type_escape(byte, screen);
        return Event::None;
    }
    if (byte < ' ' || byte == kDelete) {
        return type_control(byte, screen);
    }
    insert(static_cast<char>(byte), screen);
    return Event::None;
}

LineEditor::Event LineEditor::type_control(u8 byte, Output &screen) {
    switch (byte) {
    case ctrl('a'):
        move_to(0, screen);
        break;
    case ctrl('b'):
        move_to(left_of(cursor_), screen);
        break;
    case ctrl('c'):
        screen.write("^C\n");
        clear();
        return Event::Dropped;
    case ctrl('d'):
        erase(cursor_, right_of(cursor_), screen);
        break;
    case ctrl('e'):
        move_to(line_.size, screen);
        break;
    case ctrl('f'):
        move_to(right_of(cursor_), screen);
        break;
    case kBackspace:
    case kDelete:
        erase(left_of(cursor_), cursor_, screen);
        break;
    case '\t':
        complete(screen);
        break;
    case ctrl('k'):
        erase(cursor_, line_.size, screen);
        break;
    case ctrl('l'):
        screen.clear();
        redraw(screen);
        break;
    case ctrl('n'):
        recall(age_ - 1, screen);
        break;
    case ctrl('p'):
        recall(age_ + 1, screen);
        break;
    case ctrl('r'):
        begin_search(screen);
        break;
    case ctrl('u'):
        erase(0, cursor_, screen);
        break;
    case ctrl('w'):
        erase(word_before(cursor_), cursor_, screen);
        break;
    case kEscape:
        escape_ = Escape::Started;
        break;
    default:
        screen.write("\a");
        break;
    }
    return Event::None;
}

// --- Search.

void LineEditor::begin_search(Output &screen) {
    draft_ = line_;
    age_ = 0;
    searching_ = true;
    query_.clear();
    found_ = 0;
    show_search(screen);
}

// False: the key ends the search, and is meant for what was found.
bool LineEditor::type_search(u8 byte, Output &screen) {
    if (byte == ctrl('r')) {
        find(found_ + 1, screen);
    } else if (byte == kBackspace || byte == kDelete) {
        while (query_.size > 0 && continues(query_.byte[query_.size - 1])) {
            query_.size--;
        }
        query_.size -= query_.size > 0 ? 1 : 0;
        find(1, screen);
    } else if (byte == ctrl('c') || byte == ctrl('g')) {
        end_search(draft_, screen);
    } else if (byte >= ' ') {
        constexpr u32 kLongest = 4; // Bytes of a character: it is not parted.
        char c = static_cast<char>(byte);
        bool room = query_.size + kLongest <= query_.kCapacity;
        if (continues(c) ? misses_bytes(query_) : room) {
            query_.append(c);
        }
        find(found_ == 0 ? 1 : found_, screen);
    } else {
        end_search(found_ == 0 ? draft_.view() : history_.line(found_ - 1), screen);
        return false;
    }
    return true;
}

// From history line `age` - 1 on into the past; the bell, if there is nothing.
void LineEditor::find(u32 age, Output &screen) {
    u32 found = 0;
    for (; query_.size != 0 && found == 0 && age <= history_.size(); age++) {
        found = history_.line(age - 1).find(query_.view()) != std::string_view::npos ? age : 0;
    }
    screen.write(found == 0 && query_.size != 0 ? "\a" : "");
    found_ = found == 0 && query_.size != 0 ? found_ : found;
    show_search(screen);
}

// In place of the line.
void LineEditor::show_search(Output &screen) {
    sel::Text<kLineMax> shown;
    sel::format(shown, "search '{}': ", query_);
    shown.append(found_ == 0 ? std::string_view{} : history_.line(found_ - 1));
    replace(shown, screen);
}

void LineEditor::end_search(std::string_view text, Output &screen) {
    searching_ = false;
    age_ = found_;
    replace(text, screen);
}

// ESC [ number letter, ESC [ letter, ESC O letter (ECMA-48, and what VT100 and xterm send).
void LineEditor::type_escape(u8 byte, Output &screen) {
    if (escape_ == Escape::Started) {
        parameter_ = 0;
        escape_ = byte == '[' ? Escape::Sequence : byte == 'O' ? Escape::Letter : Escape::None;
        return;
    }
    bool parameter = byte >= '0' && byte <= '?';
    if (escape_ == Escape::Sequence && parameter) {
        bool digit = byte <= '9' && parameter_ < 100;
        parameter_ = digit ? parameter_ * 10 + byte - '0' : parameter_;
        return;
    }
    escape_ = Escape::None;
    end_sequence(byte, screen);
}

void LineEditor::end_sequence(u8 byte, Output &screen) {
    switch (byte) {
    case 'A':
        recall(age_ + 1, screen);
        break;
    case 'B':
        recall(age_ - 1, screen);
        break;
    case 'C':
        move_to(right_of(cursor_), screen);
        break;
    case 'D':
        move_to(left_of(cursor_), screen);
        break;
    case 'H':
        move_to(0, screen);
        break;
    case 'F':
        move_to(line_.size, screen);
        break;
    case '~':
        if (parameter_ == 1 || parameter_ == 7) {
            move_to(0, screen);
        } else if (parameter_ == 4 || parameter_ == 8) {
            move_to(line_.size, screen);
        } else if (parameter_ == 3) {
            erase(cursor_, right_of(cursor_), screen);
        }
        break;
    default:
        break;
    }
}

// --- The line.

std::size_t LineEditor::left_of(std::size_t place) const {
    while (place > 0) {
        place--;
        if (!continues(line_.byte[place])) {
            break;
        }
    }
    return place;
}

std::size_t LineEditor::right_of(std::size_t place) const {
    while (place < line_.size) {
        place++;
        if (place == line_.size || !continues(line_.byte[place])) {
            break;
        }
    }
    return place;
}

std::size_t LineEditor::word_before(std::size_t place) const {
    while (place > 0 && line_.byte[place - 1] == ' ') {
        place--;
    }
    while (place > 0 && line_.byte[place - 1] != ' ') {
        place--;
    }
    return place;
}

std::size_t LineEditor::columns(std::size_t from, std::size_t to) const {
    std::size_t count = 0;
    for (; from < to; from++) {
        count += continues(line_.byte[from]) ? 0 : 1;
    }
    return count;
}

void LineEditor::insert(char c, Output &screen) {
    if (line_.full()) {
        too_long_ = true;
        return;
    }
    line_.append(c);
    for (std::size_t i = line_.size - 1; i > cursor_; i--) {
        line_.byte[i] = line_.byte[i - 1];
    }
    line_.byte[cursor_] = c;
    cursor_++;
    screen.write({&c, 1});
    if (cursor_ < line_.size) {
        show_tail(0, screen);
    }
}

void LineEditor::insert_text(std::string_view text, Output &screen) {
    for (char c : text) {
        insert(c, screen);
    }
}

void LineEditor::erase(std::size_t from, std::size_t to, Output &screen) {
    if (from >= to) {
        return;
    }
    std::size_t gone = columns(from, to);
    move_to(from, screen);
    for (std::size_t i = to; i < line_.size; i++) {
        line_.byte[i - (to - from)] = line_.byte[i];
    }
    line_.size -= static_cast<u32>(to - from);
    show_tail(gone, screen);
}

// Writes what stands right of the cursor, erases `erased_columns` behind it, and goes back.
void LineEditor::show_tail(std::size_t erased_columns, Output &screen) {
    screen.write(line_.view().substr(cursor_));
    for (std::size_t i = 0; i < erased_columns; i++) {
        screen.write(" ");
    }
    for (std::size_t i = columns(cursor_, line_.size) + erased_columns; i > 0; i--) {
        screen.write("\b");
    }
}

void LineEditor::move_to(std::size_t place, Output &screen) {
    for (std::size_t i = columns(place, cursor_); i > 0; i--) {
        screen.write("\b");
    }
    if (place > cursor_) {
        screen.write(line_.view().substr(cursor_, place - cursor_));
    }
    cursor_ = place;
}

void LineEditor::replace(std::string_view text, Output &screen) {
    erase(0, line_.size, screen);
    insert_text(text, screen);
}

// --- History.

// `age` wraps around to a huge number when it would go below the new line: nothing happens then.
void LineEditor::recall(u32 age, Output &screen) {
    if (age > history_.size()) {
        return;
    }
    if (age_ == 0) {
        draft_ = line_;
    }
    age_ = age;
    replace(age == 0 ? draft_.view() : history_.line(age - 1), screen);
}

// --- Completion.

void LineEditor::complete(Output &screen) {
    completer_.complete(line_.view().substr(0, cursor_), candidates_);
    std::string_view word = candidates_.word();
    std::string_view common = candidates_.common();
    if (candidates_.count() == 0) {
        screen.write("\a");
    } else if (candidates_.count() == 1) {
        insert_text(common.substr(word.size()), screen);
        if (!common.ends_with('/')) {
            insert(' ', screen);
        }
    } else if (common.size() > word.size()) {
        insert_text(common.substr(word.size()), screen);
    } else {
        list_candidates(screen);
    }
}

void LineEditor::list_candidates(Output &screen) {
    screen.write("\n");
    for (u32 i = 0; i < candidates_.count(); i++) {
        screen.write(candidates_.name(i));
        screen.write(i + 1 == candidates_.count() ? "\n" : "  ");
    }
    redraw(screen);
}

void LineEditor::redraw(Output &screen) {
    screen.prompt(prompt_);
    std::size_t place = cursor_;
    cursor_ = 0;
    move_to(line_.size, screen);
    move_to(place, screen);
}

} // namespace shell
