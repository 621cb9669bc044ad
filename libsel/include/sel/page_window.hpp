// PageWindow: a page of the own address space through which the memory of others is filled and read.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>

#include "sel/capability.hpp"

namespace sel {

class PageWindow {
  public:
    // Without a window everything is refused.
    constexpr PageWindow() = default;

    // `space`: the own one. At `address` no page is mapped, but the page tables are there. `slot`: an
    // empty one of the own CSpace.
    constexpr PageWindow(VSpace space, u64 address, cptr_t slot)
        : space_{space}, address_{address}, slot_{slot} {}

    // Copy into, or out of, a 4 KiB Frame that may be mapped elsewhere. `offset` + bytes <=
    // PAGE_BYTES. Nothing stays mapped. Errors: of the kernel, for the Frame and the slot.
    Result<> fill(Frame frame, u64 offset, std::span<const u8> from) const;
    Result<> look(Frame frame, u64 offset, std::span<u8> to) const;

  private:
    Result<> open(Frame frame, u64 rights) const;

    VSpace space_;
    u64 address_ = 0;
    cptr_t slot_ = 0;
};

} // namespace sel
