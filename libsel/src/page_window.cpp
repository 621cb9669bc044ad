// PageWindow: a copy of the Frame is mapped, used, and removed, which unmaps it.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/page_window.hpp"

#include <cstring>

#include "sel/try.hpp"

namespace sel {

Result<> PageWindow::open(Frame frame, u64 rights) const {
    SEL_TRY(frame.copy(slot_, rights));
    Result<> mapped = Frame{slot_}.map(space_, address_, rights);
    if (!mapped) {
        [[maybe_unused]] auto removed = Frame{slot_}.remove();
    }
    return mapped;
}

Result<> PageWindow::fill(Frame frame, u64 offset, std::span<const u8> from) const {
    SEL_TRY(open(frame, RIGHT_READ | RIGHT_WRITE));
    std::memcpy(reinterpret_cast<u8 *>(address_) + offset, from.data(), from.size());
    return Frame{slot_}.remove();
}

Result<> PageWindow::look(Frame frame, u64 offset, std::span<u8> to) const {
    SEL_TRY(open(frame, RIGHT_READ));
    std::memcpy(to.data(), reinterpret_cast<const u8 *>(address_) + offset, to.size());
    return Frame{slot_}.remove();
}

} // namespace sel
