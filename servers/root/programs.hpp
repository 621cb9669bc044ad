// Programs: the life of each program, from its first start to its last end.
// SPDX-License-Identifier: BSD-2-Clause
//
//   STOPPED --start--> RUNNING --stop--> STOPPED, or with `keep` AWAITED --start--> RUNNING
// The endpoint of a server is made from root's memory, so its clients' capabilities outlive it: they
// wait while it is being restarted. close() takes the endpoint away instead, so that its clients get
// an error; the next start makes a new one and gives it to all of them again.
// Stopping is one revoke of the program's untyped: all that was made of it, and every capability it
// was given, is gone. Its servers are told (sel/server.hpp: on_ended()), before it can be started anew.
#pragma once

#include "api.hpp"
#include "children.hpp"
#include "crowd.hpp"
#include "early_console.hpp"
#include "giver.hpp"
#include "regions.hpp"
#include "silence.hpp"
#include "watch.hpp"

#include "sel/archive.hpp"

namespace root {

// What a program has been given in this life of the device of one of its grant::Pci.
struct DeviceGiven {
    DevicePart part[kDeviceParts];
    u32 parts = 0;
    u32 pages = 0; // Of all parts.
    bool interrupt = false;
    u32 line = 0; // With IRQ_* flags.
};

struct Life {
    sel::Process process;
    cptr_t home = 0;     // A page of root's memory for its endpoint, if it serves.
    cptr_t endpoint = 0; // In it, if it is open.
    State state = State::STOPPED;
    bool open = false;  // Its endpoint exists.
    bool lost = false;  // Its memory did not come back at its last end.
    bool again = false; // It was let run into its fault again: settle_faults().
    u32 incarnation = 0;
    u32 ends = 0; // How often it has ended.
    s32 exit_code = 0;
    DeviceGiven device[kDevices];
    Watch watch;
    u32 budget_us = 0; // That it has now.
    Patience patience;
    bool quiet =
        false; // At the last look there was nothing that could go on without its first thread.
    u64 ticks_used = 0; // By that, at the last look.
    Arguments arguments;
};

class Programs {
  public:
    Programs(Kit &kit, Screen &screen, const EarlyConsole &console, const System &system,
             const sel::Archive &archive, const boot_module_t &module, cptr_t root_endpoint)
        : kit_{kit}, console_{console}, system_{system}, archive_{archive},
          giver_{kit, screen, module}, root_endpoint_{root_endpoint} {}

    // Takes slots and memory for all programs. Says what is missing if there is too little.
    sel::Result<> prepare();

    // Starts those of system.toml that run from boot on, the highest priority first: those that are late, or the others.
    // Not those that have run already.
    void start_all(bool late = false);

    sel::Result<> start(u32 number, std::string_view arguments);

    // Stops it, if it runs. Without `keep` its clients get ERR_GONE from now on.
    void stop(u32 number, s32 code, bool keep);

    // Whoever handles faults may have died with some in hand, or there is nobody any more: all programs get
    // the handler that there is now, and those that stand in a fault run into it once more. The number of
    // one that stands there again, so that it may have been the end of the handler; 0: none.
    u32 settle_faults();

    // A watched program has used up its processor time (watch.hpp): it gets what it is to have now. If it
    // loops, the handler of faults hears of the next time; false: that is nobody, or itself.
    bool out_of_time(u32 number);
    // After a look at each server: those that answer again get their whole budget back, those that use much
    // are bounded (crowd.hpp). True: some have less than their manifests say.
    bool look_at_budgets(u32 ms);

    // A server that runs: does it keep somebody waiting (silence.hpp)? `ms`, `ticks`: since the last look at
    // all of them.
    Silence look_at_server(u32 number, u32 ms, u64 ticks);
    // Whoever handles faults hears of it. False: that is nobody, or the server itself, or it is busy.
    bool tell_silent(u32 number, Silence silence);

    // root::Admit, Drop and SetStopped in api.hpp. `cspace`: in a slot of root that is empty afterwards, or not if it was
    // refused.
    sel::Result<Admitted> admit(u32 starter, const Admit &m, sel::CNode cspace);
    sel::Result<s32> drop(u32 starter, u32 number);
    sel::Result<> set_stopped(u32 starter, u32 number, bool stopped);

    // Regions (api.hpp). Number of the one that this capability of Lender is of; ERR_RIGHT: it is none of the
    // caller's.
    sel::Result<u32> region_of(sel::Caller caller) const;
    RegionState region_state(u32 region) const { return regions_.region(region).state; }
    // It is EMPTY before.
    sel::Result<> make_region(u32 region, u64 bytes);
    sel::Result<> release_region(u32 region);
    // `token`: in a slot of root.
    sel::Result<Borrowed> borrow(u32 server, sel::Capability token);
    sel::Result<> give_back(u32 server, u32 place);
    void quieted(u32 program);
    sel::Result<Held> held(u32 place) const;
    u64 lendable(u32 number) const; // Bytes of all regions of a program.
    u32 region_slot(
        u32 number) const; // Of a program at run time: where it has its region; 0: it has none.

    // The fault in which a running program stands and that nobody has in hand.
    fault_t lost_fault(u32 number) const;

    // Of boot/system.toml; or one that was started at run time and is not dropped yet.
    bool is_system(u64 number) const { return system_.is_program(number); }
    bool is_child(u64 number) const { return children_.has(number); }
    bool is_program(u64 number) const { return is_system(number) || is_child(number); }
    bool runs(u32 number) const {
        return is_system(number) ? life(number).state == State::RUNNING : children_.runs(number);
    }
    std::string_view title(u32 number) const {
        return is_system(number) ? system_.program(number).title()
                                 : children_.child(number).name.view();
    }
    s32 exit_code(u32 number) const {
        return is_system(number) ? life(number).exit_code : children_.child(number).exit_code;
    }
    // Its first thread; its CSpace, with so many slots. While it runs.
    sel::Tcb tcb(u32 number) const {
        return is_system(number) ? life(number).process.tcb() : sel::Tcb{slots_of(number).tcb};
    }
    sel::CNode cspace(u32 number) const {
        return is_system(number) ? life(number).process.cspace()
                                 : sel::CNode{slots_of(number).cspace};
    }
    u32 slots(u32 number) const {
        return is_system(number) ? system_.program(number).slots : children_.child(number).slots;
    }

    const System &system() const { return system_; }
    const Children &children() const { return children_; }
    // Of boot/system.toml.
    const Life &life(u32 number) const { return life_[number - 1]; }

    // What its manifest asks for as `pci`: number `need` of these; nullptr: there are not as many.
    const Grant *device_grant(u32 number, u32 need) const;

    // root::GiveMemory and root::GiveInterrupt in api.hpp.
    sel::Result<u32> give_registers(u32 number, u32 need, u64 physical, u32 pages);
    sel::Result<sel::MsiInfo> give_interrupt(u32 number, u32 need, u32 line);

    // Bytes that programs had and that did not come back.
    u64 lost() const;

  private:
    Life &life_of(u32 number) { return life_[number - 1]; }
    sel::Result<> reserve(u32 number, sel::PageWindow window);
    sel::Result<> build(u32 number, std::string_view arguments);
    sel::Result<> prepare_thread(u32 number);
    sel::Result<sel::Elf> read_file(const ProgramRecord &record) const;
    sel::Result<> refuse(u32 number, const char *what, error_t error) const;
    sel::Result<> open(u32 number);
    void close(u32 number);
    void rewire(u32 server);
    sel::Result<> bind_fault(u32 number);
    void bind_time_out(u32 number, bool to_root);
    u32 budget(u32 number) const;
    bool set_budget(u32 number);
    u64 answers(u32 number);
    ServerLook look_into(u32 number, const ThreadLook &first);
    bool helpers_work(u32 number) const;
    bool receives(u32 number) const;
    sel::Result<> give_client(u32 number, const Grant &grant);
    sel::Result<> give_faults(u32 number, const Grant &grant);
    sel::Result<> give_starter(u32 number, const Grant &grant);
    cptr_t endpoint_of(u64 number) const;
    sel::Result<> mint_fault(u32 number, cptr_t to) const;
    u32 handler_of(u32 number) const;
    sel::Environment environment(u32 number, std::string_view arguments) const;
    void empty(u32 number);
    void tell_servers(u32 client);
    sel::Result<> prepare_pools();
    bool is_taken(u64 physical, u64 bytes) const;
    bool stands_again(u32 number, bool &again);
    static u64 badge_of(u32 number, const grant::Client &client);

    // Of root's, for each program that is started at run time.
    struct ChildSlots {
        cptr_t cspace, tcb; // Copies of what its starter has.
        cptr_t time;        // Its SchedContext.
        cptr_t given;       // One for each entry of root::Admit, of which it has a copy.
    };
    static constexpr u32 kChildSlots = 3 + Admit::kMax;
    static constexpr s32 kDropped = 137; // Exit code of one that runs until it is dropped.
    sel::Result<> prepare_children();
    ChildSlots slots_of(u32 number) const;
    const grant::Client *passed_on(u32 starter, u32 own, grant::Client &client) const;
    sel::Result<> give_child(u32 number, u32 place);
    sel::Result<> set_up_child(u32 number, const Admit &m, sel::CNode cspace);
    void strip(u32 number);
    void end_child(u32 number, s32 code, bool tell_starter);
    void drop_children(u32 starter);

    // Of root's, for each region.
    struct RegionSlots {
        cptr_t memory; // Its Untyped.
        cptr_t frames; // A CNode with its Frames, from slot 1 on.
        cptr_t token;  // Of which all others are copies.
        // If its owner is a program at run time:
        cptr_t lender; // Of which its own is a copy.
        cptr_t space;  // Its address space.
    };
    static constexpr u32 kRegionSlots = 5;
    sel::Result<> prepare_regions();
    sel::Result<> reserve_regions(u32 program, const Grant &grant);
    sel::Result<> reserve_region(u32 number);
    RegionSlots slots_of_region(u32 region) const;
    u64 frame_of_region(u32 region) const; // Bytes of each of its Frames.
    sel::Result<> give_region(u32 number, const Grant &grant);
    sel::Result<> give_room(u32 number, const Grant &grant);
    sel::Result<> give_child_region(u32 number, const Admit &m);
    sel::Result<> fill_region(u32 region, u64 bytes);
    sel::Result<> map_region(u32 region, cptr_t first, u64 count);
    void strip_region(u32 region);
    void empty_region(u32 region);
    void end_regions(u32 number);
    void leave_regions(u32 number);
    const Grant *room_of(u32 server) const;

    Kit &kit_;
    const EarlyConsole &console_;
    const System &system_;
    const sel::Archive &archive_;
    Giver giver_;
    cptr_t root_endpoint_;
    cptr_t scratch_ = 0;
    bool at_work_[PROGRAM_MAX] = {}; // At the last look.
    u32 used_[PROGRAM_MAX] = {};     // Of the processor, between the last two looks: crowd.hpp.
    Crowd crowd_;
    Life life_[PROGRAM_MAX];
    Children children_;
    cptr_t child_slots_ = 0;
    RegionTable regions_;
    cptr_t region_slots_ = 0;
    bool region_lost_[REGION_MAX] = {}; // Its memory did not come back.
};

} // namespace root
