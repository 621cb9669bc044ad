// The headers that user code sees are valid C++20 and mean the same in C and C++.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "abi/boot_info.h"
#include "abi/call.h"
#include "abi/capability.h"
#include "abi/error.h"
#include "abi/trace.h"
#include "abi/types.h"

TEST_CASE("boot info fits its page and has no gaps that C and C++ could fill differently") {
    STATIC_REQUIRE(sizeof(boot_info_t) <= PAGE_BYTES);
    STATIC_REQUIRE(sizeof(boot_untyped_t) == 24);
    STATIC_REQUIRE(sizeof(boot_module_t) == 32);
    STATIC_REQUIRE(sizeof(boot_info_t) % alignof(boot_info_t) == 0);
}

TEST_CASE("the first capabilities do not overlap") {
    CHECK(BOOT_CAP_CNODE > 0);
    CHECK(BOOT_CAP_TRACE + TRACE_FRAMES <= BOOT_CAP_UNTYPED);
    CHECK(BOOT_CAP_UNTYPED + BOOT_UNTYPED_MAX <= BOOT_CAP_FREE);
    CHECK(BOOT_CAP_FREE < BOOT_CNODE_SLOTS);
}
