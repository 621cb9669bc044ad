// Variables: one after the other.
// SPDX-License-Identifier: BSD-2-Clause
#include "variables.hpp"

#include <algorithm>

namespace shell {

bool Variables::next(u32 &place, Variable &variable) const {
    if (place == used_) {
        return false;
    }
    const char *at = bytes_.data() + place;
    u8 name = static_cast<u8>(at[0]);
    u32 value = static_cast<u32>(static_cast<u8>(at[1])) << 8 | static_cast<u8>(at[2]);
    u32 name_size = name & ~kExported;
    variable = {{at + kHead, name_size}, {at + kHead + name_size, value}, (name & kExported) != 0};
    place += kHead + name_size + value;
    return true;
}

bool Variables::find(std::string_view name, u32 &place, Variable &variable) const {
    for (u32 at = 0;;) {
        place = at;
        if (!next(at, variable)) {
            return false;
        }
        if (variable.name == name) {
            return true;
        }
    }
}

std::string_view Variables::value(std::string_view name) const {
    u32 place = 0;
    Variable variable{};
    return find(name, place, variable) ? variable.value : std::string_view{};
}

bool Variables::set(std::string_view name, std::string_view value) {
    u32 place = 0;
    Variable old{};
    bool there = find(name, place, old);
    std::size_t before = there ? kHead + old.name.size() + old.value.size() : 0;
    if (name.empty() || name.size() > kNameMax ||
        kHead + name.size() + value.size() > kBytes - (used_ - before)) {
        return false;
    }
    bool exported = there && old.exported;
    remove(name);
    char *at = bytes_.data() + used_;
    at[0] = static_cast<char>(name.size() | (exported ? kExported : 0));
    at[1] = static_cast<char>(value.size() >> 8);
    at[2] = static_cast<char>(value.size() & 0xff);
    std::copy(name.begin(), name.end(), at + kHead);
    std::copy(value.begin(), value.end(), at + kHead + name.size());
    used_ += kHead + static_cast<u32>(name.size() + value.size());
    return true;
}

bool Variables::export_to_programs(std::string_view name) {
    u32 place = 0;
    Variable variable{};
    if (!find(name, place, variable)) {
        return false;
    }
    bytes_[place] = static_cast<char>(static_cast<u8>(bytes_[place]) | kExported);
    return true;
}

bool Variables::remove(std::string_view name) {
    u32 place = 0;
    Variable variable{};
    if (!find(name, place, variable)) {
        return false;
    }
    u32 size = kHead + static_cast<u32>(variable.name.size() + variable.value.size());
    std::copy(bytes_.begin() + place + size, bytes_.begin() + used_, bytes_.begin() + place);
    used_ -= size;
    return true;
}

} // namespace shell
