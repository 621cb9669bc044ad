// Windows: memory that clients lend to a file system, for the content of files.
// SPDX-License-Identifier: BSD-2-Clause
//
// Room is where regions are mapped (root::RegionRoom; tests: a model), with
//   Result<Lent> borrow()        the region whose token has arrived, with `place` and `window`; the token is gone
//   Result<> give_back(place)
// A region that several lend, or one under several numbers, has one place, and goes back when the last of them lets go.
#pragma once

#include <array>

#include "api.hpp"

#include "sel/device.hpp"

namespace file {

template <typename Room>
class Windows {
  public:
    explicit Windows(Room &room) : room_{room} {}

    // file::Lend.
    sel::Result<> lend(u32 number, sel::Caller caller) {
        if (!caller.capability) {
            take_back([&](const Window &w) { return w.is(caller, number); });
            return {};
        }
        auto lent = room_.borrow();
        if (!lent) {
            return lent.error();
        }
        Window *window = find(caller, number);
        window = window != nullptr ? window : find_free();
        if (window == nullptr || number >= kWindows) {
            give_back_unused(lent->place);
            return window == nullptr ? ERR_FULL : ERR_ARG;
        }
        Window before = *window;
        *window = {.used = true,
                   .part = caller.part,
                   .client = caller.client,
                   .number = number,
                   .place = lent->place,
                   .memory = lent->window};
        if (before.used) {
            give_back_unused(before.place);
        }
        return {};
    }

    // `count` bytes from `place` on. ERR_RIGHT: the caller has lent nothing under this number.
    sel::Result<std::span<u8>> find(sel::Caller caller, u32 number, u32 place, u32 count) const {
        for (const Window &w : window_) {
            if (w.is(caller, number)) {
                bool inside = count <= kBulk && u64{place} + count <= w.memory.bytes;
                return inside ? sel::Result{std::span{w.memory.template at<u8>(place), count}}
                              : ERR_ARG;
            }
        }
        return ERR_RIGHT;
    }

    // With all its parts.
    void forget(u32 client) {
        take_back([&](const Window &w) { return w.client == client; });
    }
    void forget(sel::Caller caller) {
        take_back(
            [&](const Window &w) { return w.client == caller.client && w.part == caller.part; });
    }

  private:
    struct Window {
        bool used = false;
        u8 part = 0;
        u32 client = 0, number = 0, place = 0;
        sel::Window memory{};

        bool is(sel::Caller caller, u32 wanted) const {
            return used && client == caller.client && part == caller.part && number == wanted;
        }
    };

    Window *find(sel::Caller caller, u32 number) {
        for (Window &w : window_) {
            if (w.is(caller, number)) {
                return &w;
            }
        }
        return nullptr;
    }
    Window *find_free() {
        for (Window &w : window_) {
            if (!w.used) {
                return &w;
            }
        }
        return nullptr;
    }

    template <typename Is>
    void take_back(Is is) {
        for (Window &w : window_) {
            if (w.used && is(w)) {
                w.used = false;
                give_back_unused(w.place);
            }
        }
    }
    void give_back_unused(u32 place) {
        for (const Window &w : window_) {
            if (w.used && w.place == place) {
                return;
            }
        }
        [[maybe_unused]] auto returned = room_.give_back(place);
    }

    Room &room_;
    std::array<Window, kWindows> window_{};
};

} // namespace file
