// System: everything outside the shell that its commands need. main.cpp binds it to the servers,
// the tests to a small model.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>
#include <string_view>

#include "servers/file/api.hpp"
#include "servers/loader/api.hpp"
#include "servers/log/api.hpp"
#include "servers/pci/api.hpp"
#include "servers/random/api.hpp"
#include "servers/stream/api.hpp"
#include "servers/supervisor/api.hpp"
#include "servers/talk/api.hpp"
#include "servers/vfs/api.hpp"

#include "abi/trace_event.h"

namespace shell {

using ProgramName = sel::Text<16>;

struct ProgramRow {
    u32 number;
    ProgramName name;
    bool alive;
    u32 state; // thread_state_t
    u32 priority;
    u64 cpu_ns;       // Used in all its life.
    u64 memory_bytes; // Its untyped memory.
    u32 starts;       // How often it has been started.
    u32 starter = 0;  // Number of the program that has started it; 0: it belongs to the system.
};

struct MemoryRow {
    u64 ram_bytes, free_bytes;
};

// Memory that a program has let go and others still use (root::Held).
struct HeldRow {
    u32 owner, user;
    bool device; // By devices of the user, which has ended.
    u64 bytes;
    u32 next;
};

struct CapabilityRow {
    u32 depth; // In the derivation tree, below what root gave.
    u32 type;  // cap_type_t
    u32 rights;
    u64 address; // cptr
    u64 data; // Endpoint, Notification: badge. CNode: slots. IoPort: first | last << 16. IrqHandler:
              // line.
    sel::Text<24> name; // In the manifest; empty: made by the program.
};

// Exit codes of programs that ended by a fault.
constexpr bool is_fault(s32 code) {
    constexpr s32 kFault = 128;
    return code > kFault && code <= kFault + FAULT_BUDGET;
}

// How an application ended.
struct Ending {
    enum How : u8 { Exit, Fault, Stopped };
    How how; // Stopped: its time was over.
    int code;
};

struct IrqRow {
    u32 line; // With IRQ_* flags.
    u32 program;
    ProgramName name; // In its manifest.
};

class System {
  public:
    // Memory for what most lines do not need (workspace.hpp): zeroed, and made when it is asked for. Once.
    static constexpr std::size_t kWorkBytes = 1024 * 1024;
    virtual sel::Result<std::span<u8>> make_work_memory() = 0;

    // The terminal.
    virtual void print(std::string_view text) = 0;
    // As the terminal shows what is of this style; at most kStyledMax bytes. ERR_BUSY: it has no room for that now.
    virtual sel::Result<> print_styled(stream::Style style, std::string_view text) = 0;
    virtual void show_prompt(std::string_view text) = 0;
    virtual void clear_screen() = 0;
    virtual stream::Size terminal_size() = 0;
    // A key that is typed while a job runs: for a command of the shell that asks for one. ^C interrupts.
    virtual sel::Result<char> read_key() = 0;

    // Has the terminal ask whether `who` may have `what`, this once. ERR_BUSY: it asks already.
    virtual sel::Result<bool> ask_person(std::string_view who, std::string_view what) = 0;

    // What is typed between these is not the shell's: ^C interrupts, and ends the programs in front.
    virtual void begin_job() = 0;
    virtual void end_job() = 0;
    virtual bool interrupted() = 0; // ^C was typed since the job began.
    // This program is in front until wait() has told of its end: ^C ends it. `reads`: it gets what is typed. `stops`:
    // ^Z stops all that are in front.
    virtual void put_in_front(u32 program, bool reads, bool stops) = 0;
    virtual void clear_front() = 0; // Nobody is.

    // Files: servers/file/api.hpp says what the errors mean.
    virtual sel::Result<file::Info> stat(std::string_view path) = 0;
    virtual sel::Result<file::Path> resolve(std::string_view path) = 0;
    virtual sel::Result<u32> open(std::string_view path, u32 flags) = 0;
    virtual sel::Result<> close(u32 handle) = 0;
    virtual sel::Result<u32> read(u32 handle, u64 offset, std::span<char> out) = 0;
    virtual sel::Result<> append(u32 handle, std::string_view text) = 0;
    // Some of them, from `position` on; ERR_EMPTY: there are no more.
    virtual sel::Result<file::Entries> list(std::string_view path, u32 position) = 0;
    virtual sel::Result<> make_directory(std::string_view path) = 0;
    virtual sel::Result<> remove(std::string_view path) = 0;
    virtual sel::Result<> rename(std::string_view from, std::string_view to) = 0;

    // File systems: servers/vfs/api.hpp says what the errors mean.
    virtual sel::Result<vfs::Volume> volume(u32 place) = 0;
    virtual sel::Result<> mount(std::string_view path) = 0;
    virtual sel::Result<> unmount(std::string_view path) = 0;
    virtual sel::Result<> sync() = 0; // ERR_TIMEOUT: a disk does not answer.
    virtual sel::Result<file::Checked> check(std::string_view path, u32 step) = 0;

    // Programs, by number from 1 on; ERR_NAME: there are no more. ERR_EMPTY: nobody has this number.
    virtual sel::Result<ProgramRow> program(u32 number) = 0;
    virtual sel::Result<MemoryRow> memory() = 0;
    // From `place` on; ERR_EMPTY: there is none.
    virtual sel::Result<HeldRow> held(u32 place) = 0;
    // Capability `index` of a program; ERR_NAME: there are no more.
    virtual sel::Result<CapabilityRow> capability(u32 program, u32 index) = 0;
    // Handled line number `place`; ERR_NAME: there are no more.
    virtual sel::Result<IrqRow> irq(u32 place) = 0;
    // Device number `place` on PCI; ERR_NAME: there are no more.
    virtual sel::Result<pci::Device> device(u32 place) = 0;
    virtual sel::Result<u32> devices_left_out() = 0;
    virtual sel::Result<denial_t> denial(u32 program) = 0;
    virtual sel::Result<> kill(u32 program) = 0;
    virtual sel::Result<> restart(u32 program) = 0;
    // The report on the last fault, from byte `offset` on; empty behind its end.
    virtual sel::Result<supervisor::ReportPart> report(u32 offset) = 0;
    // Starts a program; its number. ERR_NAME: there is none. ERR_BUSY: it runs.
    virtual sel::Result<u32> start(std::string_view name, std::string_view arguments) = 0;
    // Starts an application and waits for its end, at most `limit_ns`; then it is stopped.
    // ERR_NAME: there is none.
    static constexpr u64 kNoLimit = ~u64{0};
    virtual sel::Result<Ending> run(std::string_view name, std::string_view arguments,
                                    u64 limit_ns) = 0;

    // Pipes, of which the shell has both ends (servers/pipe/api.hpp): what cannot be done now is ERR_BUSY.
    virtual sel::Result<u32> make_pipe() = 0;
    virtual sel::Result<u32> read_pipe(u32 pipe, std::span<char> out) = 0;
    virtual sel::Result<u32> write_pipe(u32 pipe, std::string_view text) = 0;
    virtual void release(u32 pipe, piping::End end) = 0;
    // Has this program an end of one?
    virtual bool is_bound(u32 program) = 0;
    // Until programs have read, written or let go of an end since the last time.
    virtual void wait_for_pipes() = 0;

    // Programs from files: servers/loader/api.hpp.
    virtual sel::Result<loader::Started> start(const loader::Start &m) = 0;
    virtual sel::Result<loader::Status> wait(u32 program) = 0; // Until it has ended or is stopped.
    virtual sel::Result<loader::Status> look(u32 program) = 0;
    virtual void end(u32 program) = 0;
    virtual void go_on(u32 program) = 0; // If it is stopped.
    virtual sel::Result<loader::Description> describe(std::string_view path) = 0;

    virtual sel::Result<logging::Line> log(u64 since, sel::Level level) = 0;

    // The answer of a server that speaks talk::Api; ERR_NAME: there is none of this name.
    virtual sel::Result<talk::Text> talk(std::string_view server, std::string_view line) = 0;

    // The newest events of the kernel, oldest first; how many there were.
    virtual u32 trace(std::span<trace_event_t> out) = 0;
    virtual u64 trace_ns(u64 tsc) = 0;

    virtual sel::Result<u64> uptime_ns() = 0;
    virtual sel::Result<u64> date() = 0;                 // Seconds since 1970.
    virtual sel::Result<> random(std::span<u8> out) = 0; // At most rng::kBytesMost.
    virtual sel::Result<> sleep(u64 ns) = 0;

    // These return only if the machine refuses.
    virtual sel::Result<> halt() = 0;
    virtual sel::Result<> reboot() = 0;

  protected:
    ~System() = default;
};

// What `show` is to see of a directory, as long as it says so; an error is that of the first answer that is none.
template <typename Show>
sel::Result<> each_entry(System &system, std::string_view path, Show show) {
    u32 position = 0;
    for (;;) { // Positions grow.
        sel::Result<file::Entries> entries = system.list(path, position);
        if (!entries) {
            return entries.error() == ERR_EMPTY ? OK : entries.error();
        }
        file::Entry entry;
        for (u32 at = 0; entries->take(at, entry); position = entry.next) {
            if (!show(entry)) {
                return OK;
            }
        }
    }
}

} // namespace shell
