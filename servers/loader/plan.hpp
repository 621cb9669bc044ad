// Plan: what a program is given when it starts: what it asks for, was told to get, and its starter has.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <algorithm>

#include "api.hpp"

#include "servers/file/api.hpp"
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

// Which streams of the program are pipes.
struct Piped {
    bool in, out;
};

class Plan {
  public:
    static constexpr u64 kRegionMax = file::kWindowBytes; // As boot/system.toml keeps for each.
    static constexpr std::string_view kFile = "file", kCode = "code", kIn = "stream.In",
                                      kOut = "stream.Out";

    // False: `why` says what is missing, or too much.
    bool make(const sel::Manifest &manifest, std::span<const Offer> offers, std::string_view give,
              Piped piped, Why &why) {
        in_ = piped.in;
        out_ = piped.out;
        return read(give, why) && check_program(manifest, why) && choose(manifest, offers, why) &&
               all_used(why);
    }

    // What it asks for and was not given, where a word says all; empty: nothing.
    std::string_view missing() const { return missing_; }

    const root::Admit &admit() const { return admit_; }
    // The subtree of files that it may name, if it gets files.
    bool has_files() const { return file_ != kNone; }
    std::string_view path() const { return word_[file_].path; }
    bool read_only() const { return word_[file_].read_only; }

  private:
    static constexpr u32 kWords = 8, kNone = kWords;

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
            missing_ = use(kCode) ? std::string_view{} : kCode;
            return missing_.empty() ||
                   refuse(why, "asks for memory to make objects of: --give code");
        }
        return std::find(std::begin(kOwn), std::end(kOwn), need.kind()) != std::end(kOwn) ||
               refuse(why, "asks for {}, which a program from a file cannot get", need.kind());
    }

    bool choose_region(const sel::ManifestNeed &need, Why &why) {
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
            missing_ = need.kind() == kFile ? std::string_view{} : offer->word;
            return refuse(why, "asks for {}: --give {}{}", need.kind(), need.kind(),
                          need.kind() == kFile ? ":/PATH" : "");
        }
        if (admit_.count == root::Admit::kMax) {
            return refuse(why, "asks for more than {} servers", u32{root::Admit::kMax});
        }
        file_ = need.kind() == kFile ? find(kFile) : file_;
        bool piped = take(need.kind() == kIn, in_) || take(need.kind() == kOut, out_);
        admit_.entry[admit_.count++] = {
            need.slot, static_cast<u16>(piped ? offer->piped : offer->slot), need.give};
        return true;
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

    root::Admit admit_{};
    Word word_[kWords];
    u32 words_ = 0;
    std::string_view missing_; // Of kOffers, or kCode.
    u32 file_ = kNone;
    bool in_ = false, out_ = false; // It is still to get a pipe there.
};

} // namespace loader
