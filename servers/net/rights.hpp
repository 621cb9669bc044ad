// Rights: whom a client may reach and where it may listen, out of the text in boot/system.toml.
// SPDX-License-Identifier: BSD-2-Clause
//
//   "anything"                             all of it
//   "listen=80,connect=10.0.2.2:*"         items with commas between, any number up to kItems
//   listen=PORT, connect=HOST:PORT         PORT: a number from 1 on, FIRST-LAST, or *
//                                          HOST: an address, one with the bits that count (10.0.0.0/8), a name, or *
//   ""                                     nothing
// Echo requests may go where something may be connected to. A name means the address that net itself has found for it,
// none before that (names.hpp); it may be looked up by who has it here, or may connect to anywhere.
#pragma once

#include "names.hpp"

namespace net {

class Rights {
  public:
    static constexpr u32 kItems = 8;

    // False: the text is none, or has one name too many, and there are no rights. Text and names must stay.
    constexpr bool read(std::string_view text, Names &names) {
        *this = {};
        names_ = &names;
        if (text == "anything") {
            anything_ = true;
            return true;
        }
        while (!text.empty()) {
            std::size_t comma = text.find(',');
            if (count_ == kItems || comma + 1 == text.size() ||
                !read_item(text.substr(0, comma), item_[count_], names)) {
                *this = {};
                return false;
            }
            count_++;
            text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
        }
        return true;
    }

    constexpr bool may_listen(u16 port) const {
        return anything_ || any([&](const Item &i) { return i.listens && i.has(port); });
    }
    constexpr bool may_reach(const Endpoint &to) const {
        return anything_ || any([&](const Item &i) {
                   return !i.listens && i.has(to.port) && has(i, to.address);
               });
    }
    // At any port: for echo requests.
    constexpr bool may_reach(const Address &to) const {
        return anything_ || any([&](const Item &i) { return !i.listens && has(i, to); });
    }
    constexpr bool may_look_up(std::string_view name) const {
        return anything_ || any([&](const Item &i) {
                   bool everywhere = i.bits == 0 && i.name.empty();
                   bool named = !i.name.empty() && same_name(i.name, name);
                   return !i.listens && (everywhere || named);
               });
    }
    constexpr bool any_at_all() const { return anything_ || count_ != 0; }

  private:
    struct Item {
        bool listens = false;
        u16 first = 0, last = 0;
        Address address{};
        u32 bits = 0;          // Of the address, that count.
        std::string_view name; // Then there is no address here.

        constexpr bool has(u16 port) const { return first <= port && port <= last; }
        constexpr bool has(const Address &a) const {
            for (u32 i = 0; i < bits; i++) {
                if (((a.byte[i / 8] ^ address.byte[i / 8]) >> (7 - i % 8) & 1) != 0) {
                    return false;
                }
            }
            return true;
        }
    };

    constexpr bool has(const Item &i, const Address &a) const {
        return i.name.empty() ? i.has(a) : names_->address_of(i.name) == a;
    }

    template <typename Is>
    constexpr bool any(Is is) const {
        for (u32 i = 0; i < count_; i++) {
            if (is(item_[i])) {
                return true;
            }
        }
        return false;
    }

    static constexpr bool read_ports(std::string_view text, Item &item) {
        u32 first = 1, last = 65535;
        if (text != "*") {
            std::size_t dash = text.find('-');
            if (!read_number(text.substr(0, dash), 65536, first)) {
                return false;
            }
            last = first;
            if (dash != text.npos && !read_number(text.substr(dash + 1), 65536, last)) {
                return false;
            }
        }
        item.first = static_cast<u16>(first);
        item.last = static_cast<u16>(last);
        return first != 0 && first <= last;
    }

    static constexpr bool read_host(std::string_view text, Item &item, Names &names) {
        constexpr u32 kAll = 128, kV4 = 32;
        if (text == "*") {
            return true;
        }
        if (is_name(text)) {
            item.name = text;
            return names.add(text);
        }
        std::size_t slash = text.find('/');
        u32 bits = kV4;
        if (slash != text.npos && !read_number(text.substr(slash + 1), kV4 + 1, bits)) {
            return false;
        }
        item.bits = kAll - kV4 + bits;
        return read_address(text.substr(0, slash), item.address);
    }

    static constexpr bool read_item(std::string_view text, Item &item, Names &names) {
        constexpr std::string_view kListen = "listen=", kConnect = "connect=";
        item = {};
        if (text.starts_with(kListen)) {
            item.listens = true;
            return read_ports(text.substr(kListen.size()), item);
        }
        std::size_t colon = text.rfind(':');
        return text.starts_with(kConnect) && colon != text.npos && colon >= kConnect.size() &&
               read_host(text.substr(kConnect.size(), colon - kConnect.size()), item, names) &&
               read_ports(text.substr(colon + 1), item);
    }

    const Names *names_ = nullptr;
    bool anything_ = false;
    u32 count_ = 0;
    Item item_[kItems];
};

} // namespace net
