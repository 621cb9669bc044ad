// Plan: what a program is given when it starts: what it asks for, was told to get, and its starter has.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <algorithm>

#include "api.hpp"

#include "servers/file/path.hpp"
#include "servers/root/api.hpp"

#include "sel/format.hpp"
#include "sel/manifest.hpp"

namespace loader {

using Why = decltype(Started::data);

// What the starter has and may pass on.
struct Offer {
    std::string_view word; // The protocol.
    u32 slot;              // Its own capability.
    bool always;           // A program gets it without being told: the terminal.
    u32 piped = 0;         // Its own capability of pipes, where this may be one.
    bool gives = false;    // Capabilities may be sent along.
};

// What a program that was started at run time has, and so may give to those that it starts (adr/0099).
struct Rights {
    u32 offers = 0; // Bits: what of the Offers it has, and not as a pipe.
    bool code = false;
    bool files = false, read_only = false;
    u8 priority = 0;
    u32 programs = 0, permille = 0; // Left of its quota; programs 0: it starts nobody.
    file::Path path;                // Of its files.
};

// What `name` in this subtree, a canonical path, is for those who see all files.
inline sel::Result<file::FullPath> path_within(std::string_view subtree, std::string_view name) {
    auto inside = file::FullPath::parse(name);
    file::FullPath path;
    bool joined = inside.ok() && path.join(subtree) && path.join(inside->view());
    return joined ? sel::Result{path} : ERR_SYNTAX;
}

// Which streams of the program are pipes.
struct Piped {
    bool in, out;
};

class Plan {
  public:
    static constexpr u64 kRegionMax = file::kWindowBytes; // As boot/system.toml keeps for each.
    static constexpr std::string_view kFile = "file", kCode = "code", kIn = "stream.In",
                                      kOut = "stream.Out", kLoader = "loader";
    static constexpr u32 kProgramsMax = 112, kPermilleMax = 800; // As boot/system.toml has it.

    // `has`: what its starter has; nullptr: that is no program at run time, and has all of this.
    explicit Plan(const Rights *has = nullptr) : has_{has} {}

    // False: `why` says what is missing, or too much.
    bool make(const sel::Manifest &manifest, std::span<const Offer> offers, std::string_view give,
              Piped piped, Why &why) {
        in_ = piped.in;
        out_ = piped.out;
        return read(give, why) && check_program(manifest, why) && choose(manifest, offers, why) &&
               all_used(why) && fits_quota(why);
    }

    // What the program will have,
    const Rights &rights() const { return rights_; }
    // and what it takes of its starter's quota: for itself, and for those that it may start.
    u32 programs() const { return own_programs_ + rights_.programs; }
    u32 permille() const { return own_permille_ + rights_.permille; }

    // What it asks for and was not given, where a word says all; empty: nothing.
    std::string_view missing() const { return missing_; }

    const root::Admit &admit() const { return admit_; }
    // The subtree of files that it may name, if it gets files.
    bool has_files() const { return rights_.files; }
    std::string_view path() const { return rights_.path.view(); }
    bool read_only() const { return rights_.read_only; }

  private:
    static constexpr u32 kWords = 8, kNone = kWords;
    static constexpr u64 kProgramBytes = 192
                                         << 10; // A larger one takes as much of a quota as several.

    struct Word {
        std::string_view kind, path;
        bool read_only = false, used = false;
    };

    template <typename... Ts>
    static bool refuse(Why &why, std::string_view pattern, const Ts &...values) {
        why.clear();
        sel::format(why, pattern, values...);
        return false;
    }

    // "file:/disk/photos:ro timer"
    bool read(std::string_view give, Why &why) {
        while (!give.empty()) {
            std::string_view text = give.substr(0, give.find(' '));
            give.remove_prefix(std::min(text.size() + 1, give.size()));
            if (text.empty()) {
                continue;
            }
            if (words_ == kWords) {
                return refuse(why, "is given more than {} things", u32{kWords});
            }
            Word word{text.substr(0, text.find(':')), {}};
            if (word.kind != text) {
                word.path = text.substr(word.kind.size() + 1);
                word.read_only = word.path.ends_with(":ro");
                bool mode = word.read_only || word.path.ends_with(":rw");
                word.path.remove_suffix(mode ? 3 : 0);
            }
            if (word.kind.empty() || (word.kind == kFile) != word.path.starts_with('/') ||
                find(word.kind) != kNone) {
                return refuse(
                    why,
                    "cannot be given {}: expected file:/PATH, file:/PATH:ro or another word, once",
                    text);
            }
            word_[words_++] = word;
        }
        return true;
    }

    bool check_program(const sel::Manifest &manifest, Why &why) {
        const sel::ManifestHead &head = manifest.head();
        if (manifest.has(sel::MANIFEST_SERVES)) {
            return refuse(why, "is a server: boot/system.toml starts these");
        }
        if (has_ != nullptr && head.priority > has_->priority) {
            return refuse(why, "asks for priority {}: its starter has {}", head.priority,
                          u32{has_->priority});
        }
        rights_.priority = head.priority;
        own_programs_ = static_cast<u32>((head.memory + kProgramBytes - 1) / kProgramBytes);
        own_permille_ = head.period_us == 0
                            ? 1000
                            : static_cast<u32>((u64{head.budget_us} * 1000 + head.period_us - 1) /
                                               head.period_us);
        admit_ = {.slots = head.slots,
                  .budget_us = head.budget_us,
                  .period_us = head.period_us,
                  .priority = head.priority,
                  .memory = head.memory,
                  .count = 0,
                  .data = manifest.name()};
        return true;
    }

    bool choose(const sel::Manifest &manifest, std::span<const Offer> offers, Why &why) {
        for (u32 i = 0; i < manifest.count(); i++) {
            sel::ManifestNeed need = manifest.need(i);
            if (need.own != 0 ? !choose_own(need, why) : !choose_server(need, offers, why)) {
                return false;
            }
        }
        return true;
    }

    bool choose_own(const sel::ManifestNeed &need, Why &why) {
        constexpr std::string_view kOwn[] = {"cnode", "doorbell", "notification", "slots",
                                             "vspace"};
        if (need.kind() == "region") {
            return choose_region(need, why);
        }
        if (need.kind() == "untyped") {
            rights_.code = use(kCode);
            missing_ = rights_.code ? std::string_view{} : kCode;
            if (!rights_.code) {
                return refuse(why, "asks for memory to make objects of: --give code");
            }
            return has_ == nullptr || has_->code || lacks(kCode, why);
        }
        return std::find(std::begin(kOwn), std::end(kOwn), need.kind()) != std::end(kOwn) ||
               refuse(why, "asks for {}, which a program from a file cannot get", need.kind());
    }

    bool choose_region(const sel::ManifestNeed &need, Why &why) {
        if (has_ != nullptr) {
            return refuse(why, "asks for a region, which a program cannot give");
        }
        if (admit_.region_bytes != 0 || need.slots != 2) {
            return refuse(why, "asks for more than one region");
        }
        admit_.region_slot = need.slot;
        admit_.region_bytes = need.value[1];
        admit_.region_address = need.value[2];
        return (admit_.region_bytes != 0 && admit_.region_bytes <= kRegionMax) ||
               refuse(why, "asks for a region of {} K: {} K may be given",
                      admit_.region_bytes >> 10, kRegionMax >> 10);
    }

    bool choose_server(const sel::ManifestNeed &need, std::span<const Offer> offers, Why &why) {
        const Offer *offer = std::find_if(offers.data(), offers.data() + offers.size(),
                                          [&](const Offer &o) { return o.word == need.kind(); });
        if (offer == offers.data() + offers.size() || need.slots != 1 ||
            (need.give != 0 && !offer->gives)) {
            return refuse(why, "asks for {}{}, which is not there to be given", need.kind(),
                          need.give != 0 ? "+give" : "");
        }
        if (!use(need.kind()) && !offer->always) {
            bool more = need.kind() == kFile || need.kind() == kLoader;
            missing_ = more ? std::string_view{} : offer->word;
            return refuse(why, "asks for {}: --give {}{}", need.kind(), need.kind(),
                          need.kind() == kFile ? ":/PATH"
                          : more               ? ":PROGRAMS/PERCENT%"
                                               : "");
        }
        u32 bit = 1u << (offer - offers.data());
        if (has_ != nullptr && (has_->offers & bit) == 0) {
            return lacks(need.kind(), why);
        }
        if (admit_.count == root::Admit::kMax) {
            return refuse(why, "asks for more than {} servers", u32{root::Admit::kMax});
        }
        if ((need.kind() == kFile && !choose_files(why)) ||
            (need.kind() == kLoader && !choose_quota(why))) {
            return false;
        }
        bool piped = take(need.kind() == kIn, in_) || take(need.kind() == kOut, out_);
        admit_.entry[admit_.count++] = {
            need.slot, static_cast<u16>(piped ? offer->piped : offer->slot), need.give};
        rights_.offers |= piped ? 0 : bit;
        return true;
    }

    static bool lacks(std::string_view what, Why &why) {
        return refuse(why, "asks for {}, which its starter does not have", what);
    }

    // Its root is the subtree: what a starter names lies in its own.
    bool choose_files(Why &why) {
        const Word &word = word_[find(kFile)];
        auto path = path_within(has_ != nullptr ? has_->path.view() : "/", word.path);
        if (!path) {
            return refuse(why, "cannot be given {}: it is no path", word.path);
        }
        if (has_ != nullptr && has_->read_only && !word.read_only) {
            return refuse(why, "cannot be given {} to write: its starter can only read it",
                          word.path);
        }
        rights_.files = true;
        rights_.read_only = word.read_only;
        rights_.path = path->view();
        return true;
    }

    // "loader:4/20%": so many programs at a time, so much of the processor, together.
    bool choose_quota(Why &why) {
        std::string_view text = word_[find(kLoader)].path;
        std::string_view programs = text.substr(0, text.find('/'));
        std::string_view percent = text.substr(std::min(programs.size() + 1, text.size()));
        bool good = percent.ends_with('%');
        percent.remove_suffix(good ? 1 : 0);
        rights_.programs = number(programs, kProgramsMax);
        rights_.permille = 10 * number(percent, kPermilleMax / 10);
        return (good && rights_.programs != 0 && rights_.permille != 0) ||
               refuse(why, "cannot be given loader:{}: expected PROGRAMS/PERCENT%, at most {}/{}%",
                      text, kProgramsMax, kPermilleMax / 10);
    }

    // 0: it is none of 1 to `most`.
    static u32 number(std::string_view text, u32 most) {
        u32 value = 0;
        for (char c : text) {
            if (c < '0' || c > '9' || value > most) {
                return 0;
            }
            value = 10 * value + static_cast<u32>(c - '0');
        }
        return value <= most ? value : 0;
    }

    bool fits_quota(Why &why) const {
        return has_ == nullptr || (programs() <= has_->programs && permille() <= has_->permille) ||
               refuse(why,
                      "takes {} programs and {}.{} % of the processor: its starter has {} and "
                      "{}.{} % left",
                      programs(), permille() / 10, permille() % 10, has_->programs,
                      has_->permille / 10, has_->permille % 10);
    }

    // Is it this stream, and a pipe? It is given once.
    static bool take(bool is_this, bool &piped) {
        bool taken = is_this && piped;
        piped = piped && !taken;
        return taken;
    }

    bool all_used(Why &why) const {
        if (in_ || out_) {
            return refuse(why, "does not {}, so it cannot stand in a pipe there",
                          in_ ? "read a stream" : "write a stream");
        }
        for (u32 i = 0; i < words_; i++) {
            if (!word_[i].used) {
                return refuse(why, "does not ask for {}", word_[i].kind);
            }
        }
        return true;
    }

    u32 find(std::string_view kind) const {
        u32 i = 0;
        while (i < words_ && word_[i].kind != kind) {
            i++;
        }
        return i < words_ ? i : kNone;
    }

    bool use(std::string_view kind) {
        u32 i = find(kind);
        if (i != kNone) {
            word_[i].used = true;
        }
        return i != kNone;
    }

    const Rights *has_;
    Rights rights_;
    u32 own_programs_ = 0, own_permille_ = 0;
    root::Admit admit_{};
    Word word_[kWords];
    u32 words_ = 0;
    std::string_view missing_;      // Of kOffers, or kCode.
    bool in_ = false, out_ = false; // It is still to get a pipe there.
};

} // namespace loader
