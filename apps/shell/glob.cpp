// Patterns: one part of a path after the other, all that fit so far at the same time.
// SPDX-License-Identifier: BSD-2-Clause
#include "glob.hpp"

#include <algorithm>

#include "servers/file/absolute.hpp"

namespace shell {
namespace {

constexpr bool continues(char c) { // Inside of a UTF-8 sequence.
    return (static_cast<u8>(c) & 0xc0) == 0x80;
}

// A set at the start of `pattern`, "[a-z_]": its length, 0: it is none, and [ stands for itself. `fits`: c is in it.
std::size_t match_set(std::string_view pattern, char c, bool &fits) {
    std::size_t at = 1;
    bool negated = pattern.substr(at).starts_with('!');
    at += negated ? 1 : 0;
    bool found = false;
    for (bool first = true; at < pattern.size() && (first || pattern[at] != ']'); first = false) {
        at += pattern[at] == kLiteral && at + 1 < pattern.size() ? 1 : 0;
        char low = pattern[at++], high = low;
        if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
            high = pattern[at + 1];
            at += 2;
        }
        found = found || (low <= c && c <= high);
    }
    fits = found != negated;
    return at < pattern.size() ? at + 1 : 0;
}

// One part of the pattern, not `*`, against the start of `name`: how much of both it takes; false: it does not fit.
bool match_one(std::string_view pattern, std::string_view name, std::size_t &in_pattern,
               std::size_t &in_name) {
    in_pattern = in_name = 1;
    if (name.empty()) {
        return false;
    }
    if (pattern.front() == '?') {
        while (in_name < name.size() && continues(name[in_name])) {
            in_name++;
        }
        return true;
    }
    if (pattern.front() == '[') {
        bool fits = false;
        std::size_t size = match_set(pattern, name.front(), fits);
        if (size != 0) {
            in_pattern = size;
            return fits;
        }
    }
    if (pattern.front() == kLiteral && pattern.size() > 1) {
        in_pattern = 2;
    }
    return pattern[in_pattern - 1] == name.front();
}

// The arena keeps these one after the other; data() is nullptr if it is full.
std::string_view join(Arena &arena, std::string_view a, std::string_view b, std::string_view c) {
    std::span<char> text = arena.make_array<char>(a.size() + b.size() + c.size());
    std::size_t size = 0;
    for (std::string_view part : {a, b, c}) {
        size += text.data() != nullptr ? part.copy(text.data() + size, part.size()) : 0;
    }
    return {text.data(), size};
}

class FileMatcher {
  public:
    FileMatcher(System &system, Arena &arena, std::string_view directory)
        : system_{system}, arena_{arena}, directory_{directory} {}

    sel::Result<Matches> run(std::string_view pattern) {
        if (!add("")) {
            return ERR_MEMORY;
        }
        swap();
        while (!pattern.empty()) {
            std::size_t part = pattern.find('/');
            std::size_t rest = part == pattern.npos ? part : pattern.find_first_not_of('/', part);
            std::string_view name = pattern.substr(0, part);
            std::string_view slashes =
                part == pattern.npos ? std::string_view{} : pattern.substr(part, rest - part);
            pattern = rest == pattern.npos ? std::string_view{} : pattern.substr(rest);
            for (const Name *one = from_; one != nullptr; one = one->next) {
                if (!(is_pattern(name) ? list(one->text, name, slashes)
                                       : keep(one->text, name, slashes))) {
                    return ERR_MEMORY;
                }
            }
            swap();
        }
        return sort();
    }

  private:
    bool add(std::string_view text) {
        Name *name = text.data() == nullptr ? nullptr : arena_.make<Name>(text, to_);
        to_ = name != nullptr ? name : to_;
        count_ += name != nullptr ? 1 : 0;
        return name != nullptr;
    }
    void swap() {
        from_ = to_;
        to_ = nullptr;
        count_kept_ = count_;
        count_ = 0;
    }

    bool list(std::string_view before, std::string_view pattern, std::string_view slashes) {
        sel::Result<file::Path> path =
            file::absolute(directory_, before.empty() ? std::string_view{"."} : before);
        if (!path) {
            return true;
        }
        bool room = true;
        [[maybe_unused]] auto listed = each_entry(system_, *path, [&](const file::Entry &entry) {
            bool fits = matches(pattern, entry.name) &&
                        (slashes.empty() || entry.info.kind == file::Kind::Directory);
            room = !fits || add(join(arena_, before, entry.name, slashes));
            return room && !system_.interrupted();
        });
        return room;
    }

    // A part without a pattern: whether it is there is looked at, once all of it is known.
    bool keep(std::string_view before, std::string_view name, std::string_view slashes) {
        std::span<char> plain = arena_.make_array<char>(name.size());
        if (plain.data() == nullptr) {
            return false;
        }
        std::size_t size = 0;
        for (std::size_t i = 0; i < name.size(); i++) {
            i += name[i] == kLiteral && i + 1 < name.size() ? 1 : 0;
            plain[size++] = name[i];
        }
        std::string_view whole = join(arena_, before, {plain.data(), size}, slashes);
        if (whole.data() == nullptr) {
            return false;
        }
        sel::Result<file::Path> path = file::absolute(directory_, whole);
        return !path || !system_.stat(*path).ok() || add(whole);
    }

    sel::Result<Matches> sort() {
        std::span<std::string_view> all = arena_.make_array<std::string_view>(count_kept_);
        std::span<Name> chain = arena_.make_array<Name>(count_kept_);
        if (all.size() != count_kept_ || chain.size() != count_kept_) {
            return ERR_MEMORY;
        }
        u32 i = 0;
        for (const Name *one = from_; one != nullptr; one = one->next) {
            all[i++] = one->text;
        }
        std::sort(all.begin(), all.end());
        for (i = 0; i < count_kept_; i++) {
            chain[i] = {all[i], i + 1 < count_kept_ ? &chain[i + 1] : nullptr};
        }
        return Matches{count_kept_ != 0 ? &chain[0] : nullptr, count_kept_};
    }

    System &system_;
    Arena &arena_;
    std::string_view directory_;
    const Name *from_ = nullptr, *to_ = nullptr;
    u32 count_ = 0, count_kept_ = 0; // Of to_ and from_.
};

} // namespace

bool is_pattern(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] == kLiteral) {
            i++;
        } else if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
            return true;
        }
    }
    return false;
}

bool matches(std::string_view pattern, std::string_view name) {
    if (name.starts_with('.') && !pattern.starts_with('.')) {
        return false;
    }
    // Where to go on if what follows the last * does not fit: it takes one byte more.
    std::size_t star = pattern.npos, star_name = 0;
    std::size_t p = 0, n = 0;
    while (n < name.size() || p < pattern.size()) {
        std::size_t in_pattern = 0, in_name = 0;
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_name = n;
        } else if (p < pattern.size() &&
                   match_one(pattern.substr(p), name.substr(n), in_pattern, in_name)) {
            p += in_pattern;
            n += in_name;
        } else if (star != pattern.npos && star_name < name.size()) {
            p = star + 1;
            n = ++star_name;
        } else {
            return false;
        }
    }
    return true;
}

sel::Result<Matches> match_files(System &system, Arena &arena, std::string_view directory,
                                 std::string_view pattern) {
    return FileMatcher{system, arena, directory}.run(pattern);
}

} // namespace shell
