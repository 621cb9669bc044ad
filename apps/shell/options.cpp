// Options: one word after the other.
// SPDX-License-Identifier: BSD-2-Clause
#include "options.hpp"

#include <algorithm>

namespace shell {
namespace {

enum class Known : u8 { No, Plain, WithValue };

Known look_up(std::string_view known, std::string_view name) {
    known.remove_prefix(known.starts_with('+') ? 1 : 0);
    while (!known.empty()) {
        std::string_view one = known.substr(0, known.find(','));
        known.remove_prefix(std::min(one.size() + 1, known.size()));
        bool value = one.ends_with(':');
        one.remove_suffix(value ? 1 : 0);
        if (one == name) {
            return value ? Known::WithValue : Known::Plain;
        }
    }
    return Known::No;
}

template <typename... Ts>
bool fail(Message &error, std::string_view pattern, const Ts &...values) {
    error.clear();
    sel::format(error, pattern, values...);
    return false;
}

} // namespace

bool Options::has(std::string_view name) const {
    return std::any_of(option_.begin(), option_.begin() + count_,
                       [&](const Option &option) { return option.name == name; });
}

std::string_view Options::value(std::string_view name) const {
    std::string_view value;
    for (const Option &option : all()) {
        value = option.name == name ? option.value : value;
    }
    return value;
}

bool Options::add(std::string_view name, std::string_view value, Message &error) {
    if (count_ == kMost) {
        return fail(error, "more than {} options", kMost);
    }
    option_[count_++] = {name, value};
    return true;
}

bool Options::read_letters(std::string_view known, std::span<const std::string_view> words,
                           std::size_t &at, Message &error) {
    std::string_view word = words[at];
    bool number = std::all_of(word.begin() + 1, word.end(), is_digit);
    if (number && look_up(known, "n") == Known::WithValue) {
        return add("n", word.substr(1), error);
    }
    for (std::size_t i = 1; i < word.size(); i++) {
        std::string_view letter = word.substr(i, 1), rest = word.substr(i + 1);
        Known kind = look_up(known, letter);
        if (kind == Known::No) {
            return fail(error, "unknown option -{}", word.size() == 2 ? letter : word.substr(1));
        }
        if (kind == Known::Plain) {
            if (!add(letter, {}, error)) {
                return false;
            }
            continue;
        }
        if (rest.empty() && at + 1 == words.size()) {
            return fail(error, "expected a value after -{}", letter);
        }
        return add(letter, rest.empty() ? words[++at] : rest, error);
    }
    return true;
}

// An option at `at`, which becomes the place of its last word.
bool Options::read_word(std::string_view known, std::span<const std::string_view> words,
                        std::size_t &at, Message &error) {
    std::string_view word = words[at];
    std::string_view name = word.substr(word.starts_with("--") ? 2 : 1);
    std::size_t equals = name.find('=');
    std::string_view value = equals == name.npos ? std::string_view{} : name.substr(equals + 1);
    name = name.substr(0, equals);
    Known kind = name.size() > 1 ? look_up(known, name) : Known::No;
    if (kind == Known::No) {
        return word.starts_with("--") ? fail(error, "unknown option {}", word)
                                      : read_letters(known, words, at, error);
    }
    if (kind == Known::Plain) {
        return equals == name.npos ? add(name, {}, error)
                                   : fail(error, "--{} takes no value", name);
    }
    if (equals != word.npos) {
        return add(name, value, error);
    }
    return at + 1 == words.size() ? fail(error, "expected a value after --{}", name)
                                  : add(name, words[++at], error);
}

bool Options::read(std::string_view known, std::span<const std::string_view> words,
                   std::span<std::string_view> operands, Message &error) {
    bool open = true; // Options may come.
    for (std::size_t at = 0; at < words.size(); at++) {
        std::string_view word = words[at];
        if (word == "--help" && open && (known != "*" || words.size() == 1)) {
            help_ = true;
        } else if (known == "*" || !open || word.size() < 2 || word[0] != '-') {
            operands[operands_++] = word;
            open = open && !known.starts_with('+');
        } else if (word == "--") {
            open = false;
        } else if (!read_word(known, words, at, error)) {
            return false;
        }
    }
    return true;
}

} // namespace shell
