// Root task: the first program. It holds everything, and hands out what boot/system.toml says.
// SPDX-License-Identifier: BSD-2-Clause
//
// main() goes through the boot in order; whatever is wrong with what the boot loader brought is said
// in one line on the serial port and the screen, and the system stops there.
#include "root.hpp"

namespace root {
namespace {

EarlyConsole console{sel::IoPort{BOOT_CAP_IO_PORT}};

// Somebody has said why.
[[noreturn]] void stop() {
    console.line("the system stops here");
    for (;;) {
        [[maybe_unused]] auto stopped = sel::Tcb{BOOT_CAP_TCB}.suspend();
    }
}

const boot_info_t &read_boot_info() {
    auto &boot = *reinterpret_cast<const boot_info_t *>(BOOT_INFO_ADDRESS);
    if (boot.version != BOOT_INFO_VERSION) {
        console.line("boot info has version {}, expected {}", boot.version,
                     static_cast<u32>(BOOT_INFO_VERSION));
        stop();
    }
    return boot;
}

// The system runs without one, too.
void prepare_screen(Screen &screen) {
    if (auto prepared = screen.prepare(); !prepared) {
        console.line("the screen cannot be used: {}", sel::describe(prepared.error()));
    }
    console.show_on(screen);
}

const boot_module_t &find_archive(const boot_info_t &boot) {
    for (u32 i = 0; i < boot.module_count; i++) {
        if (std::string_view(boot.module[i].name) == "archive") {
            return boot.module[i];
        }
    }
    console.line("no boot module is called `archive` (see boot/grub.cfg); there are {} modules",
                 boot.module_count);
    stop();
}

// Maps the module into root's own space. Its frames stand in a CNode of their own.
std::span<const u8> map_archive(Kit &kit, const boot_module_t &module) {
    u64 pages = (module.bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    if (module.bytes == 0 || module.bytes > ARCHIVE_MAX) {
        console.line("archive: has {} bytes, expected 1 to {}", module.bytes, u64{ARCHIVE_MAX});
        stop();
    }
    cptr_t book = kit.slots();
    sel::Result<> done = kit.make(CAP_CNODE, pages + 1, book);
    if (done.ok()) {
        done = kit.make_device_frames(module.base, pages, sel::in_cnode(book, 1));
    }
    for (u32 i = 0; i < pages && done.ok(); i++) {
        sel::Frame frame{sel::in_cnode(book, i + 1)};
        done = kit.map(frame, kArchiveWindow + i * u64{PAGE_BYTES}, RIGHT_READ);
    }
    if (!done) {
        console.line("archive: cannot be mapped: {}", sel::describe(done.error()));
        stop();
    }
    return {reinterpret_cast<const u8 *>(kArchiveWindow), module.bytes};
}

sel::Archive open_archive(std::span<const u8> memory) {
    auto archive = sel::Archive::open(memory);
    if (archive.ok()) {
        return *archive;
    }
    switch (archive.error()) {
    case ERR_EMPTY:
        console.line("archive: the module is not an archive made by scripts/pack_archive.py");
        break;
    case ERR_MEMORY:
        console.line("archive: is cut off after {} bytes", memory.size());
        break;
    default:
        console.line("archive: its table is damaged (wrong sum)");
    }
    stop();
}

System open_system(const sel::Archive &archive) {
    auto file = archive.find("system");
    if (!file) {
        console.line("archive file system: {}",
                     file.error() == ERR_NAME ? "is missing" : "is damaged (wrong sum)");
        stop();
    }
    auto system = System::open(file->content);
    if (!system) {
        console.line("archive file system: is not a table made by scripts/manifest.py");
        stop();
    }
    return *system;
}

// Root's own endpoint and Reply objects; one Reply is bound already.
sel::Service make_service(Kit &kit) {
    cptr_t endpoint = kit.slots(), replies = kit.slots(kRootReplies);
    sel::Result<> made = kit.make(CAP_ENDPOINT, 0, endpoint);
    for (u32 i = 0; i < kRootReplies && made.ok(); i++) {
        made = kit.make(CAP_REPLY, 0, replies + i);
    }
    if (made.ok()) {
        made = sel::Tcb{BOOT_CAP_TCB}.bind(TCB_SLOT_REPLY, sel::Reply{replies});
    }
    if (!made) {
        console.line("too little memory for the endpoint of root");
        stop();
    }
    return {sel::Endpoint{endpoint}, sel::Tcb{BOOT_CAP_TCB}, {replies, kRootReplies}};
}

} // namespace
} // namespace root

int main() {
    using namespace root;
    const boot_info_t &boot = read_boot_info();
    static Kit kit{boot};
    static Screen screen{kit};
    prepare_screen(screen);
    const boot_module_t &module = find_archive(boot);
    static sel::Archive archive = open_archive(map_archive(kit, module));
    static System system = open_system(archive);
    static sel::Service service = make_service(kit);
    static Programs programs{
        kit, screen, console, system, archive, module, service.endpoint.cptr()};
    if (!programs.prepare()) {
        stop();
    }
    console.line("starting the programs of boot/system.toml; there are {}", system.count());
    programs.start_all();
    cptr_t received = kit.slots();
    sel::receive_slot(received);
    static Root root{programs, kit, console, received};
    sel::serve<View, Control, Devices, Starter, Lender, Borrower>(service, root);
}
