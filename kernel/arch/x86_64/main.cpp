// The order of booting.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot_data.hpp"
#include "arch/x86_64/leaf_impl.h"
#include "arch/x86_64/serial.hpp"
#include "core/view.h"

using namespace arch;

namespace {
BootData boot_data;
}
machine_t machine;
extern "C" [[noreturn]] void kernel_main(u32 magic, u32 address) {
    serial_init();
    print("\nTRustOS\n");
    Memory memory{{reinterpret_cast<const u8 *>(PHYSICAL_WINDOW), 1ull << 32}, 0};
    Refusal wrong = magic == MULTIBOOT2_MAGIC ? read_multiboot(memory, address, boot_data)
                                              : read_pvh(memory, address, boot_data);
    if (wrong != nullptr) {
        boot_stop(wrong);
    }
    print("memory ", boot_data.ram.bytes() >> 10, " KiB, modules ", u64{boot_data.module_count},
          "\n");
    stop();
}
