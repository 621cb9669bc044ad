// Expansion: a word with marks first, then its fields.
// SPDX-License-Identifier: BSD-2-Clause
#include "expansion.hpp"

#include "glob.hpp"
#include "lexer.hpp"

namespace shell {
namespace {

// Marks in a word, besides kLiteral.
constexpr char kParted = '\x02';      // Here it is parted.
constexpr char kQuotes = '\x03';      // Here were quotes: the field is there, even if it is empty,
constexpr char kNoArguments = '\x04'; // but not if they are around an empty "$@".

constexpr bool is_mark(char c) {
    return c == kLiteral || c == kParted || c == kQuotes || c == kNoArguments;
}
constexpr bool is_special(char c) {
    return is_mark(c) || c == '*' || c == '?' || c == '[' || c == ']' || c == '-' || c == '!';
}

// Takes the marks off, in place.
std::string_view without_marks(std::span<char> marked) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < marked.size(); i++) {
        if (marked[i] == kQuotes || marked[i] == kNoArguments) {
            continue;
        }
        i += marked[i] == kLiteral && i + 1 < marked.size() ? 1 : 0;
        marked[size++] = marked[i];
    }
    return {marked.data(), size};
}

} // namespace

bool Expansion::put(char c) {
    if (size_ == block_.size()) {
        return fail("a word becomes longer than 4096 bytes");
    }
    block_[size_++] = c;
    return true;
}

// A letter that stands for itself.
bool Expansion::put_plain(char c) {
    return (!is_special(c) || put(kLiteral)) && put(c);
}

bool Expansion::put_value(std::string_view value) {
    for (char c : value) {
        bool blank = is_blank(c) || c == '\n';
        bool active = parts_ && !quoted_ && !is_mark(c);
        if (!(active ? put(blank ? kParted : c) : put_plain(c))) {
            return false;
        }
    }
    return true;
}

bool Expansion::put_arguments() {
    bool first = true;
    if (values_.arguments().empty() && quoted_) {
        return put(kNoArguments);
    }
    for (std::string_view argument : values_.arguments()) {
        if ((!first && !put(parts_ ? kParted : ' ')) || (quoted_ && !put(kQuotes)) ||
            !put_value(argument)) {
            return false;
        }
        first = false;
    }
    return true;
}

bool Expansion::put_name(std::string_view name) {
    return name == "@" || name == "*" ? put_arguments() : put_value(values_.value(name));
}

bool Expansion::put_substitution(std::string_view text) {
    std::span<char> memory = arena_.make_array<char>(kWordMax);
    if (memory.data() == nullptr) {
        return fail("there is no room for what $(...) prints");
    }
    MemoryOutput out{memory};
    std::size_t kept = arena_.used();
    bool done = values_.substitute(text, out);
    arena_.release(kept);
    std::string_view printed = out.view();
    while (printed.ends_with('\n')) {
        printed.remove_suffix(1);
    }
    if (done && out.cut()) {
        done = fail("$(...) prints more than 4096 bytes");
    }
    done = done && put_value(printed);
    arena_.shrink(memory, 0);
    return done;
}

// At a `$`.
bool Expansion::put_dollar(std::string_view typed, std::size_t &at) {
    std::string_view rest = typed.substr(at + 1);
    if (rest.starts_with('(')) {
        std::string_view inside = substitution(typed.substr(at));
        at += inside.size() + 3;
        return put_substitution(inside);
    }
    if (rest.starts_with('{')) {
        std::size_t close = rest.find('}');
        at += close + 2;
        return put_name(rest.substr(1, close - 1));
    }
    std::size_t size = name_length(rest);
    if (size == 0 && !rest.empty() &&
        (is_digit(rest[0]) || rest[0] == '?' || rest[0] == '#' || rest[0] == '@' ||
         rest[0] == '*')) {
        size = 1;
    }
    at += 1 + size;
    return size == 0 ? put_plain('$') : put_name(rest.substr(0, size));
}

// Outside of single quotes.
bool Expansion::put_letter(std::string_view typed, std::size_t &at) {
    char c = typed[at];
    if (c == '"') {
        quoted_ = !quoted_;
        at++;
        return put(kQuotes);
    }
    if (c == '$') {
        return put_dollar(typed, at);
    }
    if (c == '\\' && at + 1 < typed.size()) {
        char next = typed[at + 1];
        bool escapes = !quoted_ || next == '"' || next == '\\' || next == '$' || next == '\n';
        at += escapes ? 2 : 1;
        return escapes ? next == '\n' || put_plain(next) : put_plain(c);
    }
    at++;
    return quoted_ || is_mark(c) ? put_plain(c) : put(c);
}

bool Expansion::put_in(std::string_view typed, bool parts) {
    size_ = 0;
    quoted_ = false;
    parts_ = parts;
    for (std::size_t at = 0; at < typed.size();) {
        if (typed[at] != '\'' || quoted_) {
            if (!put_letter(typed, at)) {
                return false;
            }
            continue;
        }
        std::size_t close = typed.find('\'', at + 1);
        if (!put(kQuotes)) {
            return false;
        }
        for (char c : typed.substr(at + 1, close - at - 1)) {
            if (!put_plain(c)) {
                return false;
            }
        }
        at = close + 1;
    }
    return true;
}

bool Expansion::add(std::string_view text) {
    Field *field = arena_.make<Field>(text, nullptr);
    if (field == nullptr) {
        return fail("the words do not fit in memory");
    }
    (last_ == nullptr ? first_ : last_->next) = field;
    last_ = field;
    count_++;
    return true;
}

bool Expansion::add_field(std::span<char> marked, bool quoted) {
    if (marked.empty() && !quoted) {
        return true;
    }
    std::string_view pattern{marked.data(), marked.size()};
    if (is_pattern(pattern)) {
        sel::Result<Matches> found = match_files(system_, arena_, values_.directory(), pattern);
        if (!found) {
            return fail("the names that a pattern stands for do not fit in memory");
        }
        for (const Name *name = found->first; name != nullptr; name = name->next) {
            if (!add(name->text)) {
                return false;
            }
        }
        if (found->count != 0) {
            return true;
        }
    }
    return add(without_marks(marked));
}

// The word that lies in the block, field by field.
bool Expansion::part(std::span<char> marked) {
    std::size_t size = 0; // Of the field, which is moved together without kQuotes.
    std::size_t start = 0;
    bool quoted = false, none = false;
    for (std::size_t i = 0; i < marked.size(); i++) {
        if (marked[i] == kParted) {
            if (!add_field(marked.subspan(start, size), quoted && !none)) {
                return false;
            }
            start = i + 1;
            size = 0;
            quoted = none = false;
        } else if (marked[i] == kQuotes || marked[i] == kNoArguments) {
            quoted = true;
            none = none || marked[i] == kNoArguments;
        } else {
            bool literal = marked[i] == kLiteral && i + 1 < marked.size();
            marked[start + size++] = marked[i];
            if (literal) {
                marked[start + size++] = marked[++i];
            }
        }
    }
    return add_field(marked.subspan(start, size), quoted && !none);
}

bool Expansion::words(const Word *typed, std::span<const std::string_view> &all) {
    first_ = last_ = nullptr;
    count_ = 0;
    for (; typed != nullptr; typed = typed->next) {
        block_ = arena_.make_array<char>(kWordMax);
        if (block_.data() == nullptr) {
            return fail("the words do not fit in memory");
        }
        if (!put_in(typed->text, true)) {
            return false;
        }
        arena_.shrink(block_, size_);
        if (!part(block_.first(size_))) {
            return false;
        }
    }
    std::span<std::string_view> words = arena_.make_array<std::string_view>(count_);
    if (words.size() != count_) {
        return fail("the words do not fit in memory");
    }
    std::size_t i = 0;
    for (const Field *field = first_; field != nullptr; field = field->next) {
        words[i++] = field->text;
    }
    all = words;
    return true;
}

bool Expansion::text(std::string_view typed, std::string_view &out) {
    block_ = arena_.make_array<char>(kWordMax);
    if (block_.data() == nullptr) {
        return fail("the words do not fit in memory");
    }
    if (!put_in(typed, false)) {
        return false;
    }
    arena_.shrink(block_, size_);
    out = without_marks(block_.first(size_));
    return true;
}

} // namespace shell
