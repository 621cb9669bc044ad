// Root: who runs, what they hold, and starting and ending them. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// Programs are named by number: their place in boot/system.toml, from 1; those that are started at run time
// have higher ones (sel/environment.hpp). Unless said otherwise, ERR_NAME: there is no such program.
#pragma once

#include <span>

#include "sel/client.hpp"

namespace root {

using Name = sel::Text<15>;

// AWAITED: stopped, and its clients wait for it.
enum class State : u8 { STOPPED, RUNNING, AWAITED };
enum class Restart : u8 { NEVER, ALWAYS, BACKOFF };

struct Program {
    u32 number;
    u32 starter;     // Number of the program that has started it; 0: root.
    u32 incarnation; // How often it has been started.
    State state;
    Restart restart; // What its manifest asks for; the supervisor does it.
    u8 tries;
    u8 priority;
    u8 thread_state; // thread_state_t of its first thread, if it runs.
    u8 vector, boot; // 0 or 1.
    u8 reserved;
    s32 exit_code;  // Of its last life.
    u64 ticks_used; // Of the processor, by its first thread, in this life.
    u64 memory,
        used; // Bytes it was given, with what it may lend; bytes of them that root used to start it.
    Name data;

    bool sound() const { return state <= State::AWAITED && restart <= Restart::BACKOFF; }
};

// --- View: looking, without any power.

// The program with this number; counts up from 1 to ERR_NAME behind the last one. ERR_EMPTY: nobody has this
// number now.
struct GetProgram : sel::Asks<Program> {
    u32 number;
};

// Its number; the lowest, if several have this name.
struct Find : sel::Asks<u32> {
    Name data;
};

struct Memory {
    u64 ram;      // Bytes of RAM that the kernel left.
    u64 programs; // Of these, given to programs.
    u64 root;     // Used by root for itself, endpoints and tables.
    u64 lost;     // Did not come back from a program that ended: a bug of the kernel.
    u64 free;     // Not given to anybody.
};
struct GetMemory : sel::Asks<Memory> {};

// A region that its owner has let go, and others have not: it cannot be made anew.
struct Held {
    u32 owner;
    u32 user;   // One of them.
    u32 device; // 1: that has ended, and its devices may still write.
    u32 next;   // Place to ask for behind it.
    u64 bytes;
};
// The first one from `place` on, from 0; ERR_EMPTY: there is none.
struct GetHeld : sel::Asks<Held> {
    u32 place;

    bool accepts(const Held &held) const { return held.next > place; }
};

// A capability that a program holds in its CSpace.
struct Slot {
    u32 slot;
    u8 type; // cap_type_t
    u8 rights;
    u8 sibling; // 1: `relative` is its elder sibling; 0: its parent.
    u8 reserved;
    u32 id; // Of this capability, until it moves,
    u32 relative; // and of the one before it in the derivation tree (CALL_CAP_INFO): it may be another program's.
    u64 data;      // Badge, slots, ports, or the line that root asked for, by type.
    char name[16]; // What the manifest calls it; empty if the program got it later. Ends with 0.
};
struct SlotList {
    static constexpr u32 kMax = 23;
    u32 next; // Ask again from here; 0: that was all.
    u32 count;
    Slot slot[kMax];

    bool sound() const { return count <= kMax; }
};
// What a running program holds, from slot `first` on (0: from the start): a list may end before it is full, so that
// nobody has to wait for root. ERR_EMPTY: it does not run.
struct GetSlots : sel::Asks<SlotList> {
    u32 number;
    u32 first;

    bool accepts(const SlotList &list) const { return list.next == 0 || list.next > first; }
};

// The last refused call of a running program. ERR_EMPTY: it does not run.
struct GetDenial : sel::Asks<denial_t> {
    u32 number;
};

// Interrupt lines and who has them; ERR_NAME behind the last one.
struct Irq {
    u32 line; // With IRQ_* flags.
    u32 program;
    Name data; // Name in its manifest.
};
struct GetIrq : sel::Asks<Irq> {
    u32 place;
};

// Which PCI devices a program may have: scripts/manifest.py makes it from "pci:1af4:1042|1af4:1001" or
// "pci:class=01.08.02".
struct DeviceMatch {
    static constexpr u64 kByClass = u64{0xffff} << 48; // There is no vendor 0xffff.
    u64 value;

    // `id`: vendor << 16 | device. `code`: class << 16 | subclass << 8 | programming interface.
    constexpr bool fits(u32 id, u32 code) const {
        return (value & kByClass) == kByClass
                   ? (value & 0xffffff) == code
                   : id != 0 && (id == static_cast<u32>(value) || id == value >> 32);
    }
};
struct DeviceGrant {
    DeviceMatch match;
    u64 physical; // Of the first registers that it has been given in this life; 0: none.
};
// A `pci` need of a program, with its number from 0 on. ERR_EMPTY: it has not as many.
inline constexpr u32 kDevices = 8; // Of a program, at most.
struct GetDeviceGrant : sel::Asks<DeviceGrant> {
    u32 number;
    u32 need;
};

// What the boot loader and the kernel found.
struct Machine {
    u64 tsc_hz, ram_bytes, kernel_bytes, boot_tsc;
};
struct GetMachine : sel::Asks<Machine> {};

// --- Devices: for the server that finds them. ERR_RIGHT: the manifest of the program has no `pci` need with
// this number. ERR_EMPTY: it does not run.

// Maps registers in the program's window, and puts their Frames into its slots. Answer: the page of the
// window where they begin. ERR_FULL: no room there (64 pages, 6 parts). ERR_ARG: no device memory.
// ERR_OCCUPIED: they are those of another program, or of this one already, or a boot module.
inline constexpr u32 kDeviceParts = 6;
struct GiveMemory : sel::Asks<u32> {
    u32 number;
    u32 need;
    u32 pages;
    u64 physical;
};

// Puts an IrqHandler into the program's slot, bound to its notification. `line`: as abi/call.h
// (CALL_IRQ_GET) says. Answer: what the device must write where, if `line` is IRQ_MSI. ERR_OCCUPIED: it
// has one already, or somebody else has the line.
struct GiveInterrupt : sel::Asks<sel::MsiInfo> {
    u32 number;
    u32 need;
    u32 line;
};

// The devices that the program has had in an earlier life write no more; with 0: those of all programs. What only
// they used is free (adr/0094).
struct Quieted : sel::Asks<> {
    u32 number;
};

// --- Control: power over all programs.

using Arguments = sel::Text<900>;

// Starts a program that is stopped. ERR_BUSY: it runs. ERR_IO, ERR_SYNTAX: its file in the archive
// is missing, damaged or no program. ERR_MEMORY: its memory is too small for it. After a failure its
// clients get ERR_GONE.
struct Start : sel::Asks<> {
    u32 number;
    Arguments data;
};

// Ends a program, if it runs, and takes everything back that it had. Clients that wait for its
// answer get ERR_RESTARTED. With `keep` later ones wait for its next start; without, they get
// ERR_GONE until then. Those who Wait get `code`.
struct Stop : sel::Asks<> {
    u32 number;
    s32 code;
    u32 keep;
};

// Stop with `keep`, and Start with the same arguments.
struct Again : sel::Asks<> {
    u32 number;
    s32 code;
};

// Answers when the program ends (at once if it does not run), with its exit code.
struct Wait : sel::Asks<s32, sel::kNoLimit> {
    u32 number;
};

// Registers of the first thread: of use while it is stopped by a fault.
struct GetRegisters : sel::Asks<regs_t> {
    u32 number;
};

// Memory of a running program, for stack traces. ERR_ARG: nothing of its image or stack is there, or root has not
// started it.
struct MemoryPart {
    sel::Bytes<256> data;
};
struct Peek : sel::Asks<MemoryPart> {
    u32 number;
    u32 count;
    u64 address;

    bool accepts(const MemoryPart &part) const { return part.data.size <= count; }
};

// --- Starter: for who starts programs at run time, out of the quota that boot/system.toml gives (adr/0090).

// Number and place in time (sel/environment.hpp) of a program that the caller has made and that does not run yet.
// The capability of its CSpace comes along, with its thread in SLOT_SELF. Root gives the thread its processor time
// and priority, and tells the handler of faults of its faults; into each slot of the list goes the server that the
// caller reaches by its own slot, with the same rights and part, for a client with this number. It may send capabilities
// along if `give` says so and the caller may. With a region it can lend memory (Lender): its address space stands in the
// slot of the token, and has page tables for the window.
// ERR_FULL: the quota is used up. ERR_PRIORITY: above the quota. ERR_RIGHT: it has no server there, or root itself.
// ERR_ARG: impossible times, or a region, more slots than a CSpace has, `above` is none of the caller's, or no CSpace came
// along. Others: of the kernel.
// After all of them it has no number, and nothing was given.
struct Admitted {
    u32 number;
    u32 incarnation;
};
struct Admit : sel::Asks<Admitted> {
    static constexpr bool kBrings = true;
    static constexpr u32 kMax = 8;
    struct Entry {
        u16 slot, own;
        u32 give; // 0 or 1.
    };
    u32 slots; // Of its CSpace.
    u32 budget_us, period_us;
    u32 priority;
    u64 memory; // For those who look.
    u32 count;
    u32 above;          // The program of the caller for which it starts this one; 0: none.
    u32 region_slot;    // Of Lender.
    u64 region_bytes;   // 0: it has none.
    u64 region_address; // Of its window.
    Entry entry[kMax];
    Name data;

    bool sound() const { return count <= kMax; }
};

// A program of the caller is gone: its number is free, and its part of the quota. Answer: its exit code. The caller
// has taken back the memory that it was made of before. Who starts programs is told of the end of each, as its
// servers are (sel/server.hpp: on_ended()), and then drops it; one that still runs is ended. ERR_NAME: it is none
// of the caller's.
struct Drop : sel::Asks<s32> {
    u32 number;
};

// Takes its processor time from a program of the caller, or gives it back: a program without stands where it is, and
// so does what it has asked for. ERR_NAME: it is none of the caller's, or has ended. ERR_OCCUPIED: it has its time.
struct SetStopped : sel::Asks<> {
    u32 number;
    u32 stopped; // 0 or 1.
};

// --- Lender: a region, memory of its own quota that a program lends to servers (adr/0094). A need `region:SIZE` gives
// it, and the class Region below, which is all that its owner needs of this.

// Makes it, zeroed, and maps it where its window begins. Answers when all who used it as it was before have let go.
// ERR_ARG: no bytes, more than the quota, or no multiple of its Frames. ERR_EXISTS: it is there. ERR_BUSY: another
// thread waits for it. ERR_FULL: too many wait. Others: of the kernel.
struct MakeRegion : sel::Asks<void, sel::kNoLimit> {
    u64 bytes;
};

// The owner has it no more, and nobody can borrow it. Who has borrowed it keeps it until it lets go. ERR_EMPTY: it is
// not there.
struct ReleaseRegion : sel::Asks<> {};

// --- Borrower: what clients lend, for servers with a need `regions:PLACES/SIZE`, and the class RegionRoom below.

// Maps the region whose token came along. One that the server has already stays where it is. ERR_ARG: no token, or the
// region is larger than a place, or of other Frames. ERR_GONE: its owner has let go. ERR_FULL: no place, or too many have
// borrowed it. Others: of the kernel.
struct Borrowed {
    u64 place;
    u64 bytes;
};
struct Borrow : sel::Asks<Borrowed> {
    static constexpr bool kBrings = true;
};

// Neither the server nor a device of it touches it any more: it is gone there. ERR_EMPTY: nothing is in this place.
struct Return : sel::Asks<> {
    u32 place;
};

enum class Power : u32 { HALT, REBOOT };
// Ends QEMU with `code` (its exit status is then code * 2 + 1), switches off by ACPI (adr/0098), or resets. It answers
// only if nothing came of it: ERR_IO.
struct SetPower : sel::Asks<> {
    Power power;
    u32 code;
};

// The prompt is there: starts those that were not to keep anybody waiting for it (`start = "late"`) and that have not
// run yet. Until then their clients wait.
struct StartLate : sel::Asks<> {};

using View = sel::Protocol<GetProgram, Find, GetMemory, GetSlots, GetDenial, GetIrq, GetMachine,
                           GetDeviceGrant, GetHeld>;
using Devices = sel::Protocol<GiveMemory, GiveInterrupt, Quieted>;
using Lender = sel::Protocol<MakeRegion, ReleaseRegion>;
using Borrower = sel::Protocol<Borrow, Return>;
using Starter = sel::Protocol<Admit, Drop, SetStopped>;
using Control = sel::Protocol<Start, Stop, Again, Wait, GetRegisters, Peek, SetPower, StartLate>;

// --- What stands in NAME.caps.hpp.

inline constexpr u32 kRegionPlaces = 16; // Of a server, at most.

class Region {
  public:
    constexpr Region(cptr_t first, u64 address, u64 bytes)
        : first_{first}, address_{address}, bytes_{bytes} {}

    // So many bytes of it, within so many ticks. ERR_TIMEOUT: somebody still has what it was before.
    sel::Result<std::span<u8>> make(u64 ticks, u64 bytes) const {
        MakeRegion m{.bytes = bytes};
        sel::Result<> made = sel::Client<Lender>{first_}.call_within(ticks, m);
        return made.ok() ? sel::Result{std::span{reinterpret_cast<u8 *>(address_), bytes}}
                         : made.error();
    }
    sel::Result<std::span<u8>> make(u64 ticks) const { return make(ticks, bytes_); }
    sel::Result<> release() const { return sel::Client<Lender>{first_}.call(ReleaseRegion{}); }

    // Goes along with a message to a server, which may borrow the region.
    constexpr cptr_t token() const { return first_ + 1; }
    constexpr u64 bytes() const { return bytes_; } // At most.

  private:
    cptr_t first_;
    u64 address_, bytes_;
};

class RegionRoom {
  public:
    // Each place has so many bytes, of so many Frames; `step`: from one to the next.
    constexpr RegionRoom(cptr_t first, u64 address, u64 bytes, u32 places, u32 frames, u64 step)
        : first_{first}, address_{address}, bytes_{bytes}, step_{step}, places_{places},
          frames_{frames} {}

    constexpr u32 places() const { return places_; }

    // Tokens arrive there: once, before the server receives (sel::receive_slot()).
    constexpr cptr_t arrival() const { return first_ + 1; }
    // The one that came is not for us.
    void drop() const { [[maybe_unused]] auto removed = sel::Capability{arrival()}.remove(); }

    struct Lent {
        u32 place;
        sel::Window window;
    };
    // What came along is borrowed.
    sel::Result<Lent> borrow() const {
        auto borrowed = sel::Client<Borrower>{first_}.call_giving(arrival(), Borrow{});
        drop();
        if (!borrowed) {
            return borrowed.error();
        }
        if (borrowed->place >= places_ || borrowed->bytes > bytes_) {
            return ERR_PROTOCOL;
        }
        u32 place = static_cast<u32>(borrowed->place);
        u32 frames = static_cast<u32>(borrowed->bytes * frames_ / bytes_);
        return Lent{place, {address_ + place * step_, borrowed->bytes, {slot(place), frames}}};
    }
    sel::Result<> give_back(u32 place) const {
        return sel::Client<Borrower>{first_}.call(Return{.place = place});
    }

  private:
    constexpr cptr_t slot(u32 place) const { return first_ + 2 + u64{place} * frames_; }

    cptr_t first_;
    u64 address_, bytes_, step_;
    u32 places_, frames_;
};

} // namespace root
