// Names: what those that stand in rights mean: the address that net's first look gave, and no other one (adr/0115).
// SPDX-License-Identifier: BSD-2-Clause
//
// Who rules over a name in the DNS could else lead a client that may reach it to anywhere, also inside the network.
#pragma once

#include "api.hpp"

#include <optional>

namespace net {

// Letters of both cases are the same.
constexpr bool same_name(std::string_view a, std::string_view b) {
    auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; };
    bool same = a.size() == b.size();
    for (std::size_t i = 0; same && i < a.size(); i++) {
        same = low(a[i]) == low(b[i]);
    }
    return same;
}

// Labels of letters, digits and '-' with dots between; the last one is no number, so it is no address.
constexpr bool is_name(std::string_view text) {
    constexpr std::size_t kLabel = 63;
    if (text.size() > Name::kCapacity) {
        return false;
    }
    for (;;) {
        std::string_view label = text.substr(0, text.find('.'));
        bool letter = false;
        for (char c : label) {
            bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!is_letter && c != '-' && !(c >= '0' && c <= '9')) {
                return false;
            }
            letter = letter || is_letter;
        }
        if (label.empty() || label.size() > kLabel || label[0] == '-' || label.back() == '-') {
            return false;
        }
        if (label.size() == text.size()) {
            return letter;
        }
        text.remove_prefix(label.size() + 1);
    }
}

class Names {
  public:
    static constexpr u32 kNames = 32; // In all rights together.

    // False: there are too many. The text must stay.
    constexpr bool add(std::string_view name) {
        if (find(name) != nullptr) {
            return true;
        }
        if (count_ == kNames) {
            return false;
        }
        entry_[count_++].name = name;
        return true;
    }
    // The first address stays; of names in nobody's rights nothing is kept.
    constexpr void learn(std::string_view name, const Address &address) {
        for (u32 i = 0; i < count_; i++) {
            if (same_name(entry_[i].name, name) && !entry_[i].known) {
                entry_[i].known = true;
                entry_[i].address = address;
            }
        }
    }
    constexpr std::optional<Address> address_of(std::string_view name) const {
        const Entry *found = find(name);
        return found != nullptr && found->known ? std::optional{found->address} : std::nullopt;
    }

  private:
    struct Entry {
        std::string_view name;
        Address address{};
        bool known = false;
    };

    constexpr const Entry *find(std::string_view name) const {
        for (u32 i = 0; i < count_; i++) {
            if (same_name(entry_[i].name, name)) {
                return &entry_[i];
            }
        }
        return nullptr;
    }

    u32 count_ = 0;
    Entry entry_[kNames];
};

} // namespace net
