// Reads what the boot loader passed: Multiboot2 tags or PVH start info.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/boot_data.hpp"

#include "arch/x86_64/boot/elf.hpp"

namespace arch {
namespace {

constexpr u64 MAP_ENTRY_BYTES = 24; // base, length: 64 bits; type, reserved: 32 bits. Both ABIs.
constexpr u64 MAP_ENTRIES_MAX = 512;
constexpr u64 MEMORY_END = 1ull << 39; // What the physical window can show.
constexpr u64 PHYSICAL_END = 1ull << 46;

struct MemoryMap {
    Bytes bytes;
    u64 stride;

    u64 count() const { return bytes.size() / stride; }
    u32 type(u64 i) const { return bytes.get<u32>(i * stride + 16); }
    Range range(u64 i) const {
        u64 base = bytes.get<u64>(i * stride);
        u64 length = bytes.get<u64>(i * stride + 8);
        base = base < MEMORY_END ? base : MEMORY_END;
        length = length < MEMORY_END - base ? length : MEMORY_END - base;
        return {base, base + length};
    }
};

// Usable is what some entry calls RAM and no entry calls anything else. Page 0 stays out: frame
// number 0 means "none", and firmware keeps its own data there.
Refusal read_memory_map(const MemoryMap &map, Ranges &ram) {
    constexpr u32 RAM = 1;
    if (map.stride < MAP_ENTRY_BYTES || map.count() == 0) {
        return "the memory map is empty or its entries are too short";
    }
    if (map.count() > MAP_ENTRIES_MAX) {
        return "the memory map has more than 512 entries";
    }
    bool fits = true;
    for (u64 i = 0; i < map.count(); i++) {
        Range range = map.range(i);
        if (map.type(i) == RAM) {
            fits = ram.add(page_up(range.base), page_down(range.end)) && fits;
        }
    }
    for (u64 i = 0; i < map.count(); i++) {
        Range range = map.range(i);
        if (map.type(i) != RAM && range.base < range.end) {
            fits = ram.remove(page_down(range.base), page_up(range.end)) && fits;
        }
    }
    fits = ram.remove(0, PAGE_BYTES) && fits;
    return fits ? nullptr : "the memory map has more than 128 separate areas of RAM";
}

Refusal add_module(u64 base, u64 end, Bytes name, BootData &out) {
    if (out.module_count == BOOT_MODULE_MAX) {
        return "more than 8 modules";
    }
    if (base >= end) {
        return "a module is empty or ends before it begins";
    }
    if (base % PAGE_BYTES != 0) {
        return "a module does not begin on a page boundary";
    }
    boot_module_t &module = out.module[out.module_count++];
    module.base = base;
    module.bytes = end - base;
    copy_text(name, module.name);
    return nullptr;
}

void read_framebuffer(Bytes tag, boot_framebuffer_t &out) {
    constexpr u8 DIRECT_COLOUR = 1, EGA_TEXT = 2;
    constexpr u32 CELL_BITS = 16, VGA_BASE = 0xa0000, VGA_END = 0xc0000;
    boot_framebuffer_t screen = {};
    screen.address = tag.get<u64>(8);
    screen.pitch = tag.get<u32>(16);
    screen.width = tag.get<u32>(20);
    screen.height = tag.get<u32>(24);
    screen.bits = tag.get<u8>(28);
    screen.text = tag.get<u8>(29) == EGA_TEXT ? 1 : 0;
    u64 end = screen.address + u64{screen.pitch} * screen.height;
    bool sane = screen.width != 0 && screen.height != 0 && screen.width <= 16384 &&
                screen.height <= 16384 && screen.pitch <= 65536 * 4 && screen.pitch % 4 == 0;
    if (screen.text != 0) {
        screen.bits = CELL_BITS;
        sane = sane && tag.has(0, 32) && screen.pitch >= 2 * screen.width &&
               screen.address >= VGA_BASE && end <= VGA_END;
    } else {
        screen.red_shift = tag.get<u8>(32);
        screen.green_shift = tag.get<u8>(34);
        screen.blue_shift = tag.get<u8>(36);
        sane = sane && tag.has(0, 38) && tag.get<u8>(29) == DIRECT_COLOUR && screen.bits == 32 &&
               screen.pitch >= 4 * screen.width && screen.red_shift <= 24 &&
               screen.green_shift <= 24 && screen.blue_shift <= 24 && screen.address < PHYSICAL_END;
    }
    if (sane) {
        out = screen;
    }
}

// One tag, header included; `address` is its own.
Refusal read_tag(u32 type, Bytes tag, u64 address, BootData &out) {
    enum {
        COMMAND_LINE = 1,
        MODULE = 3,
        MEMORY_MAP = 6,
        FRAMEBUFFER = 8,
        RSDP_1 = 14,
        RSDP_2 = 15
    };
    switch (type) {
    case COMMAND_LINE:
        copy_text(tag.part(8, tag.size() - 8), out.command_line);
        return nullptr;
    case MODULE:
        if (!tag.has(0, 16)) {
            return "a module tag is too short";
        }
        return add_module(tag.get<u32>(8), tag.get<u32>(12), tag.part(16, tag.size() - 16), out);
    case MEMORY_MAP:
        if (!tag.has(0, 16) || tag.get<u32>(8) < MAP_ENTRY_BYTES) {
            return "the memory map tag is too short";
        }
        return read_memory_map({tag.part(16, tag.size() - 16), tag.get<u32>(8)}, out.ram);
    case FRAMEBUFFER:
        read_framebuffer(tag, out.framebuffer);
        return nullptr;
    case RSDP_1:
        out.rsdp = out.rsdp == 0 ? address + 8 : out.rsdp;
        return nullptr;
    case RSDP_2:
        out.rsdp = address + 8;
        return nullptr;
    default:
        return nullptr;
    }
}

// What can be said only when everything has been read.
Refusal check(BootData &out) {
    if (out.ram.count() == 0) {
        return "the boot loader passed no memory map";
    }
    if (out.module_count == 0) {
        return "no modules: expected the root task and the boot archive";
    }
    for (u32 i = 0; i < out.module_count; i++) {
        u64 base = out.module[i].base;
        u64 end = page_up(base + out.module[i].bytes);
        if (!out.ram.contains(base, end)) {
            return "a module lies outside usable memory";
        }
        if (!out.reserved.add(base, end)) {
            return "too many modules";
        }
    }
    return nullptr;
}

} // namespace

Refusal read_multiboot(const Memory &memory, u64 address, BootData &out) {
    constexpr u32 TAGS_MAX = 256;
    constexpr u32 BYTES_MAX = 1 << 20;
    u32 total = memory.at(address, 8).get<u32>(0);
    Bytes data = memory.at(address, total);
    if (address % 8 != 0 || total < 16 || total > BYTES_MAX || data.size() == 0) {
        return "the Multiboot2 data has an impossible address or size";
    }
    u64 offset = 8;
    Refusal wrong = nullptr;
    for (u32 i = 0; i < TAGS_MAX; i++) {
        u32 type = data.get<u32>(offset);
        u32 size = data.get<u32>(offset + 4);
        if (size < 8 || !data.has(offset, size)) {
            return wrong != nullptr ? wrong
                                    : "a Multiboot2 tag is too short or leaves the boot data";
        }
        if (type == 0) {
            if (!out.reserved.add(page_down(address), page_up(address + total))) {
                return "too many modules";
            }
            return wrong != nullptr ? wrong : check(out);
        }
        Refusal refused = read_tag(type, data.part(offset, size), address + offset, out);
        wrong = wrong != nullptr ? wrong : refused;
        offset += (size + 7ull) & ~7ull;
    }
    return wrong != nullptr ? wrong : "the Multiboot2 data has more than 256 tags";
}

bool is_font(const boot_module_t &module) {
    constexpr char NAME[] = "font";
    u32 i = 0;
    for (; i < sizeof NAME - 1 && module.name[i] == NAME[i]; i++) {
    }
    return module.name[i] == NAME[i];
}

Font read_font(Bytes module) {
    u32 height = module.get<u32>(4);
    u64 count = module.get<u32>(8), first = sizeof(boot_font_t) + count * sizeof(u32);
    bool sound = module.get<u32>(0) == BOOT_FONT_MAGIC && height != 0 &&
                 height <= BOOT_FONT_HEIGHT_MAX && count >= BOOT_FONT_ASCII &&
                 module.size() <= BOOT_FONT_BYTES_MAX && module.has(first, count * height);
    return sound ? Font{module.data() + first, height} : Font{};
}

Refusal read_pvh(const Memory &memory, u64 address, BootData &out) {
    constexpr u32 MAGIC = 0x336ec578;
    constexpr u64 COMMAND_MAX = 4096;
    Bytes info = memory.at(address, 56);
    if (info.get<u32>(0) != MAGIC || info.get<u32>(4) < 1) {
        return "neither Multiboot2 nor PVH (version 1) boot data was passed";
    }
    u64 count = info.get<u32>(48);
    Bytes entries = memory.at(info.get<u64>(40), count * MAP_ENTRY_BYTES);
    if (Refusal wrong = read_memory_map({entries, MAP_ENTRY_BYTES}, out.ram)) {
        return wrong;
    }
    out.rsdp = info.get<u64>(32);
    u64 command = info.get<u64>(24);
    if (command != 0) {
        copy_text(memory.at(command, COMMAND_MAX), out.command_line);
    }
    if (info.get<u32>(12) == 0) {
        return check(out);
    }
    Bytes list = memory.at(info.get<u64>(16), 32);
    u64 base = list.get<u64>(0);
    u64 size = list.get<u64>(8);
    Bytes module = memory.at(base, size);
    if (size == 0 || module.size() == 0) {
        return "a module is empty or lies outside memory";
    }
    u64 root = page_up(elf_extent(module));
    root = root != 0 && root < size ? root : size;
    constexpr u8 ROOT[] = "root", ARCHIVE[] = "archive"; // As boot/grub.cfg calls them.
    Refusal wrong = add_module(base, base + root, {ROOT, sizeof ROOT}, out);
    if (wrong == nullptr && root < size) {
        wrong = add_module(base + root, base + size, {ARCHIVE, sizeof ARCHIVE}, out);
    }
    return wrong != nullptr ? wrong : check(out);
}

} // namespace arch
