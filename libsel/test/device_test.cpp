// DmaPool: it knows where its pages lie, and what is not there.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "sel/device.hpp"
#include "sel/host.hpp"

namespace {

// Frame n of the pool lies at (1000 - n) pages; from `end` on there is none.
struct Frames {
    explicit Frames(cptr_t end) {
        sel::host::kernel = [end](sel::Regs &r) {
            bool there = r.number == CALL_FRAME_INFO && r.cptr >= 20 && r.cptr < end;
            r.word[0] = (1000 - r.cptr) * PAGE_BYTES;
            r.number = there ? OK : ERR_CAP;
        };
    }
    ~Frames() { sel::host::kernel = nullptr; }
};

} // namespace

TEST_CASE("a pool has the pages of its window") {
    Frames frames{~u64{0}};
    alignas(8) static u8 memory[4 * PAGE_BYTES];
    sel::DmaPool pool{{reinterpret_cast<u64>(memory), sizeof memory, {20, 4}}};
    CHECK(pool.pages() == 4);
    CHECK(pool.physical(0) == 980 * PAGE_BYTES);
    CHECK(pool.physical(3) == 977 * PAGE_BYTES);
    CHECK(pool.physical(4) == 0);
    CHECK(pool.at<u8>(2, 5) == memory + 2 * PAGE_BYTES + 5);
}

TEST_CASE("a pool ends where a Frame is missing, and at its bound") {
    Frames frames{22};
    CHECK(sel::DmaPool{{0, 4 * PAGE_BYTES, {20, 4}}}.pages() == 2);
    Frames more{~u64{0}};
    u32 most = sel::DmaPool::kPagesMax;
    CHECK(sel::DmaPool{{0, u64{most + 9} * PAGE_BYTES, {20, most + 9}}}.pages() == most);
}

TEST_CASE("a device has its interrupt in the first slot, and registers in its window") {
    u32 memory[4] = {0, 7, 0, 0};
    sel::PciDevice device{{30, 65}, reinterpret_cast<u64>(memory), 0x8};
    CHECK(device.interrupt().cptr() == 30);
    CHECK(device.interrupt().bit == 0x8);
    CHECK(device.at<u32>(4) == 7);
    device.at<u16>(8) = 3;
    CHECK(memory[2] == 3);
}
