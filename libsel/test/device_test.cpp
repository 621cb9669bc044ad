// DmaMemory: it knows where its pages lie, and what is not there.
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

TEST_CASE("memory has the pages of its window, as long as it is mapped for a device") {
    Frames frames{~u64{0}};
    alignas(8) static u8 bytes[4 * PAGE_BYTES];
    const sel::PciDevice device{{}, 0, 0};
    const sel::Window window{reinterpret_cast<u64>(bytes), sizeof bytes, {20, 4}};
    sel::DmaMemory memory;
    CHECK(memory.pages() == 0);
    CHECK(memory.physical(0) == 0);
    REQUIRE(memory.map(device, window).ok());
    CHECK(memory.pages() == 4);
    CHECK(memory.physical(0) == 980 * PAGE_BYTES);
    CHECK(memory.physical(3) == 977 * PAGE_BYTES);
    CHECK(memory.physical(4) == 0);
    CHECK(memory.at<u8>(2, 5) == bytes + 2 * PAGE_BYTES + 5);
    CHECK(memory.map(device, window).error() == ERR_BUSY);
    memory.unmap();
    CHECK(memory.pages() == 0);
    CHECK(memory.physical(0) == 0);
    CHECK(memory.map(device, window).ok());
}

TEST_CASE("memory of which a Frame is missing, or that is too large, is not mapped") {
    Frames frames{22};
    const sel::PciDevice device{{}, 0, 0};
    sel::DmaMemory memory;
    CHECK(memory.map(device, {0, 4 * PAGE_BYTES, {20, 4}}).error() == ERR_CAP);
    CHECK(memory.pages() == 0);
    CHECK(memory.physical(0) == 0);
    u32 most = sel::DmaMemory::kPagesMax;
    Frames more{~u64{0}};
    CHECK(memory.map(device, {0, u64{most + 1} * PAGE_BYTES, {20, most + 1}}).error() == ERR_ARG);
    CHECK(memory.map(device, {0, u64{most} * PAGE_BYTES, {20, most}}).ok());
    CHECK(memory.pages() == most);
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
