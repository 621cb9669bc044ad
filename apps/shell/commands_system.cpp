// Commands about programs, memory, capabilities, devices, numbers and events: caps irq kill log lspci mem random
// report restart trace why.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>

#include "calendar.hpp"
#include "interpreter.hpp"

#include "sel/explain.hpp"

namespace shell {
namespace {

int no_program(Context &c, std::string_view name, error_t error) {
    return error == ERR_EXISTS
               ? c.fail("several programs are called {}: say a number; 'ps' lists them", name)
               : c.fail("there is no program {}; 'ps' lists them", name);
}

// Calls `show(row)` for the program named by the first argument, or for all programs.
template <typename Show>
int for_programs(Context &c, Show show) {
    if (!c.args.empty()) {
        sel::Result<ProgramRow> row = find_program(c.system, c.args[0]);
        if (!row) {
            return no_program(c, c.args[0], row.error());
        }
        show(*row);
        return 0;
    }
    sel::Result<ProgramRow> row = next_program(c.system, 1);
    for (; row; row = next_program(c.system, row->number + 1)) {
        show(*row);
    }
    return row.error() == ERR_NAME ? 0 : c.fail("{}", sel::describe(row.error()));
}

// "line 4", or "msi": a message of the device, without a line.
sel::Text<16> irq_text(u32 line) {
    sel::Text<16> text;
    if ((line & IRQ_MSI) != 0) {
        text.append("msi");
    } else {
        sel::format(text, "line {}", line & IRQ_LINE);
    }
    return text;
}

// What stands in `data`, in the words of the type.
void put_data(sel::Text<160> &line, const CapabilityRow &row) {
    switch (row.type) {
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
        if (row.data != 0) {
            sel::format(line, "  badge 0x{:x}", row.data);
        }
        break;
    case CAP_CNODE:
        sel::format(line, "  {} slots", row.data);
        break;
    case CAP_UNTYPED:
        sel::format(line, "  {}", size_text(row.data).view());
        break;
    case CAP_IO_PORT:
        sel::format(line, "  ports 0x{:x} to 0x{:x}", row.data & 0xffff, row.data >> 16 & 0xffff);
        break;
    case CAP_IRQ_HANDLER:
        sel::format(line, "  {}", irq_text(static_cast<u32>(row.data)).view());
        break;
    default:
        break;
    }
}

// Rows that differ only in their address, one after the other, are shown as one.
void show_capabilities(Context &c, const CapabilityRow &row, u64 last) {
    sel::Text<160> line;
    for (u32 i = 0; i <= std::min(row.depth, u32{16}); i++) {
        line.append("  ");
    }
    sel::format(line, "{:<14} {:<3}", sel::type_name(row.type),
                sel::rights_text(row.rights).view());
    sel::format(line, "  at 0x{:x}", row.address);
    if (last != row.address) {
        sel::format(line, " to 0x{:x}", last);
    }
    put_data(line, row);
    if (row.name.size != 0) {
        sel::format(line, "  ({})", row.name.view());
    }
    line.append('\n');
    c.out.write(line);
}

bool same_but_address(const CapabilityRow &a, const CapabilityRow &b) {
    // Where a Frame is mapped is not shown.
    bool same_data = a.data == b.data || a.type == CAP_FRAME;
    return a.depth == b.depth && a.type == b.type && a.rights == b.rights && same_data &&
           a.name.view() == b.name.view();
}

// All that `program` holds; the error that ended the list, ERR_NAME: its end.
error_t show_program(Context &c, u32 program) {
    sel::Result<CapabilityRow> first = c.system.capability(program, 0);
    if (!first) {
        return first.error();
    }
    u64 last = first->address;
    for (u32 i = 1;; i++) {
        sel::Result<CapabilityRow> row = c.system.capability(program, i);
        if (row && same_but_address(*row, *first) && row->address == last + 1) {
            last = row->address;
            continue;
        }
        show_capabilities(c, *first, last);
        if (!row) {
            return row.error();
        }
        first = row;
        last = row->address;
    }
}

ProgramName name_of(Context &c, u32 program) {
    sel::Result<ProgramRow> row = c.system.program(program);
    ProgramName name;
    if (row) {
        name = row->name;
    } else {
        sel::format(name, "#{}", program);
    }
    return name;
}

constexpr std::string_view level_name(sel::Level level) {
    switch (level) {
    case sel::Level::ERROR:
        return "error";
    case sel::Level::WARNING:
        return "warning";
    case sel::Level::INFO:
        return "info";
    default:
        return "debug";
    }
}

void show_event(Context &c, const trace_event_t &event) {
    sel::Text<160> line;
    u64 us = c.system.trace_ns(event.tsc) / 1000;
    sel::format(line, "{:6}.{:06} ", us / 1'000'000, us % 1'000'000);
    switch (event.kind) {
    case TRACE_CALL:
        sel::format(line, "call  {} 0x{:x}", sel::call_name(event.call), event.argument);
        // A long call that is restarted leaves its own number instead of an error.
        if (event.error != OK) {
            sel::format(line, " {}",
                        event.error > ERR_GONE ? "goes on" : sel::error_name(event.error));
        }
        break;
    case TRACE_IRQ:
        sel::format(line, "irq   line {}", event.argument);
        break;
    case TRACE_FAULT:
        sel::format(line, "fault {} 0x{:x}", event.call, event.argument);
        break;
    case TRACE_TIMER:
        line.append("timer");
        break;
    default:
        sel::format(line, "event {}", event.kind);
        break;
    }
    sel::format(line, "  thread 0x{:x}", event.thread);
    if (event.next != event.thread) {
        sel::format(line, " -> 0x{:x}", event.next);
    }
    line.append('\n');
    c.out.write(line);
}

// kill and restart.
int change_program(Context &c, sel::Result<> (System::*change)(u32), std::string_view done) {
    sel::Result<ProgramRow> row = find_program(c.system, c.args[0]);
    if (!row) {
        return no_program(c, c.args[0], row.error());
    }
    sel::Result<> changed = (c.system.*change)(row->number);
    if (!changed) {
        return c.fail_on(c.args[0], changed.error());
    }
    c.out.print("{} {}\n", row->name.view(), done);
    return 0;
}

} // namespace

int command_mem(Context &c) {
    sel::Result<MemoryRow> memory = c.system.memory();
    if (!memory) {
        return c.fail("{}", sel::describe(memory.error()));
    }
    c.out.print("ram  {} bytes ({})\n", memory->ram_bytes, size_text(memory->ram_bytes).view());
    c.out.print("free {} bytes ({})\n", memory->free_bytes, size_text(memory->free_bytes).view());
    for (auto held = c.system.held(0); held.ok(); held = c.system.held(held->next)) {
        c.out.print("held {} of {}, by {}{}\n", size_text(held->bytes).view(),
                    name_of(c, held->owner).view(), held->device ? "devices of " : "",
                    name_of(c, held->user).view());
    }
    return for_programs(c, [&](const ProgramRow &row) {
        c.out.print("  {:<12} {}\n", row.name.view(), size_text(row.memory_bytes).view());
    });
}

int command_caps(Context &c) {
    error_t error = ERR_NAME;
    int status = for_programs(c, [&](const ProgramRow &row) {
        c.out.print("{}\n", row.name.view());
        error_t ended = show_program(c, row.number);
        error = ended == ERR_NAME ? error : ended;
    });
    if (status == 0 && error != ERR_NAME) {
        return c.fail("{}", sel::describe(error));
    }
    return status;
}

int command_irq(Context &c) {
    c.out.write("LINE HANDLED BY\n");
    for (u32 place = 0;; place++) {
        sel::Result<IrqRow> row = c.system.irq(place);
        if (!row) {
            return row.error() == ERR_NAME ? 0 : c.fail("{}", sel::describe(row.error()));
        }
        if ((row->line & IRQ_MSI) != 0) {
            c.out.write(" msi");
        } else {
            c.out.print("{:4}", row->line & IRQ_LINE);
        }
        c.out.print(" {} ({})\n", name_of(c, row->program).view(), row->name.view());
    }
}

int command_lspci(Context &c) {
    constexpr std::string_view kSignals[] = {"no interrupt", "line", "msi", "msi-x"};
    for (u32 place = 0;; place++) {
        sel::Result<pci::Device> device = c.system.device(place);
        if (!device && device.error() != ERR_NAME) {
            return c.fail("{}", sel::describe(device.error()));
        }
        if (!device) {
            break;
        }
        u32 at = device->address, signal = static_cast<u32>(device->signal);
        c.out.print("{:02x}:{:02x}.{} {:04x}:{:04x} ", at >> 8, at >> 3 & 31, at & 7,
                    device->id >> 16, device->id & 0xffff);
        if (device->program == 0) {
            c.out.print("{}\n", device->data.view());
        } else {
            c.out.print("{:<32} {} ({})\n", device->data.view(), name_of(c, device->program).view(),
                        kSignals[signal & 3]);
        }
    }
    sel::Result<u32> left_out = c.system.devices_left_out();
    if (left_out && *left_out != 0) {
        c.out.print("and {} more, that are left alone\n", *left_out);
    }
    return 0;
}

int command_why(Context &c) {
    bool any = false, old = false;
    error_t error = OK;
    Refusals &refusals = c.interpreter.refusals();
    int status = for_programs(c, [&](const ProgramRow &row) {
        sel::Result<denial_t> denial = c.system.denial(row.number);
        if (!denial) {
            error = row.alive ? denial.error() : error;
        } else if (denial->count != 0 && (!c.args.empty() || refusals.is_new(row, *denial))) {
            any = true;
            c.out.print("{}: {}", row.name.view(), sel::explain_denial(*denial).view());
            refusals.see(row, *denial);
        } else {
            old = old || denial->count != 0;
        }
    });
    if (status != 0) {
        return status;
    }
    if (error != OK) {
        return c.fail("{}", sel::describe(error));
    }
    if (!any && old) {
        c.out.write("nothing new: `why SERVER` shows what the kernel refused one last\n");
    } else if (!any) {
        c.out.write("the kernel has refused nothing\n");
    }
    return 0;
}

int command_log(Context &c) {
    sel::Level level = sel::Level::INFO;
    u64 most = 20;
    level = c.has("d")   ? sel::Level::DEBUG
            : c.has("w") ? sel::Level::WARNING
            : c.has("e") ? sel::Level::ERROR
                         : level;
    if (!c.args.empty() && !parse_number(c.args[0], 10'000, most)) {
        return c.usage("-e, -w or -d, and a number up to 10000");
    }
    // Twice through, so that the newest are shown and yet in the order of their coming.
    u64 count = 0;
    u64 since = 0;
    sel::Result<logging::Line> line = c.system.log(0, level);
    for (; line; line = c.system.log(since, level)) {
        since = line->sequence + 1;
        count++;
    }
    if (line.error() != ERR_EMPTY) {
        return c.fail("{}", sel::describe(line.error()));
    }
    u64 end = since;
    u64 skip = count > most ? count - most : 0;
    since = 0;
    while (since < end && (line = c.system.log(since, level))) {
        since = line->sequence + 1;
        if (skip > 0) {
            skip--;
            continue;
        }
        u64 us = line->time_ns / 1000;
        c.out.print("{:6}.{:06} {:<10} {:<7} {}\n", us / 1'000'000, us % 1'000'000,
                    name_of(c, line->source).view(), level_name(line->level), line->data.view());
    }
    return 0;
}

int command_trace(Context &c) {
    u64 most = 20;
    if (!c.args.empty() && !parse_number(c.args[0], TRACE_EVENTS, most)) {
        return c.usage("a number of events, at most 512");
    }
    static_assert(TRACE_EVENTS == 512);
    static trace_event_t events[TRACE_EVENTS];
    u32 count = c.system.trace({events, most});
    for (u32 i = 0; i < count; i++) {
        show_event(c, events[i]);
    }
    return 0;
}

int command_report(Context &c) {
    u32 offset = 0;
    for (;;) {
        sel::Result<supervisor::ReportPart> part = c.system.report(offset);
        if (!part) {
            return c.fail("{}", sel::describe(part.error()));
        }
        if (part->data.size == 0) {
            break;
        }
        c.out.write(part->data);
        offset += part->data.size;
    }
    if (offset == 0) {
        c.out.write("no program has failed\n");
    }
    return 0;
}

int command_kill(Context &c) {
    return change_program(c, &System::kill, "was ended");
}

int command_restart(Context &c) {
    return change_program(c, &System::restart, "was started again");
}

int command_random(Context &c) {
    constexpr u64 kMost = 4096;
    u64 left = 0;
    if (!parse_number(c.args[0], kMost, left) || left == 0) {
        return c.usage("a number of bytes, from 1 to 4096");
    }
    u8 bytes[rng::kBytesMost] = {};
    while (left != 0) {
        std::span<u8> part{bytes, left < sizeof bytes ? left : sizeof bytes};
        sel::Result<> got = c.system.random(part);
        if (!got) {
            return c.fail("{}", got.error() == ERR_BUSY
                                    ? "no source of random numbers has given enough; see `log`"
                                    : sel::describe(got.error()));
        }
        for (u8 byte : part) {
            c.out.print("{:02x}", byte);
        }
        left -= part.size();
    }
    c.out.write("\n");
    return 0;
}

} // namespace shell
