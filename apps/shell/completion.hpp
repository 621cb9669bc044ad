// Completion: what the word before the cursor could become.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

#include "sel/bytes.hpp"
#include "sel/static_vector.hpp"

namespace shell {

// The candidates for the word that starts at byte `start` of the line; those beyond kMost are left
// out. A candidate replaces the whole word; a name that ends with '/' can be continued.
class Candidates {
  public:
    static constexpr u32 kMost = 48;
    static constexpr u32 kNameMax = 255;
    using Name = sel::Text<kNameMax>;

    void begin(std::size_t start, std::string_view word) {
        start_ = start;
        word_ = word;
        names_.clear();
    }

    // Takes `name` if the word is the beginning of it.
    void offer(std::string_view name) {
        if (name.starts_with(word_) && name.size() <= kNameMax) {
            [[maybe_unused]] bool kept = names_.push_back(Name{name});
        }
    }

    std::size_t start() const { return start_; }
    std::string_view word() const { return word_; }
    u32 count() const { return names_.size(); }
    std::string_view name(u32 i) const { return names_[i].view(); }

    // The longest text that all names begin with.
    std::string_view common() const {
        std::string_view common = count() == 0 ? word_ : name(0);
        for (u32 i = 1; i < count(); i++) {
            std::size_t same = 0;
            while (same < common.size() && same < name(i).size() && common[same] == name(i)[same]) {
                same++;
            }
            common = common.substr(0, same);
        }
        return common;
    }

  private:
    std::size_t start_ = 0;
    std::string_view word_;
    sel::StaticVector<Name, kMost> names_;
};

// The command that the end of `text` belongs to: where its last word starts, and which command it is a word of (empty: it
// is the command itself; kFileExpected: it stands behind < or >). Quotes are not looked into.
struct LastWord {
    std::size_t start;
    std::string_view command;
};
inline constexpr std::string_view kFileExpected = ">";
LastWord last_word(std::string_view text);

class Completer {
  public:
    virtual void complete(std::string_view before_cursor, Candidates &candidates) = 0;

  protected:
    ~Completer() = default;
};

} // namespace shell
