// Root: answers those who may look at programs, or start and end them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "programs.hpp"

#include "servers/restart/policy.hpp"

#include "sel/clock.hpp"
#include "sel/server.hpp"
#include "sel/static_vector.hpp"

namespace root {

class Root {
  public:
    // `received`: the slot for capabilities that come with messages, empty.
    Root(Programs &programs, Kit &kit, const EarlyConsole &console, cptr_t received)
        : programs_{programs}, kit_{kit}, console_{console}, received_{received} {}

    // View
    sel::Result<Program> on(const GetProgram &m);
    sel::Result<u32> on(const Find &m);
    sel::Result<Memory> on(const GetMemory &m);
    sel::Result<SlotList> on(const GetSlots &m);
    sel::Result<denial_t> on(const GetDenial &m);
    sel::Result<Irq> on(const GetIrq &m);
    sel::Result<Machine> on(const GetMachine &m);
    sel::Result<DeviceGrant> on(const GetDeviceGrant &m);
    sel::Result<Held> on(const GetHeld &m);

    // Devices
    sel::Result<u32> on(const GiveMemory &m);
    sel::Result<sel::MsiInfo> on(const GiveInterrupt &m);
    sel::Result<> on(const Quieted &m);

    // Lender
    void on(const MakeRegion &m, sel::Caller caller, sel::Later<MakeRegion> later);
    sel::Result<> on(const ReleaseRegion &m, sel::Caller caller);

    // Borrower
    sel::Result<Borrowed> on(const Borrow &m, sel::Caller caller);
    sel::Result<> on(const Return &m, sel::Caller caller);

    // Starter
    sel::Result<Admitted> on(const Admit &m, sel::Caller caller);
    sel::Result<s32> on(const Drop &m, sel::Caller caller);
    sel::Result<> on(const SetStopped &m, sel::Caller caller);

    // Control
    sel::Result<> on(const Start &m);
    sel::Result<> on(const Stop &m);
    sel::Result<> on(const Again &m);
    void on(const Wait &m, sel::Caller caller, sel::Later<Wait> later);
    sel::Result<regs_t> on(const GetRegisters &m);
    sel::Result<MemoryPart> on(const Peek &m);
    sel::Result<> on(const SetPower &m);
    sel::Result<> on(const StartLate &);

    // Faults of the program that handles those of the others; of all while there is none.
    bool on_fault(const sel::Fault &fault);

    // Programs that root itself brings back.
    u64 deadline();
    void on_timeout();

  private:
    struct Waiter {
        u32 number;
        sel::Later<Wait> later;
    };
    static constexpr u32 kWaiters = 8;

    // Who waits until a region can be made anew.
    struct Maker {
        u64 bytes = 0;
        sel::Later<MakeRegion> later;
    };

    void end(u32 number, s32 code, bool keep);
    bool has_room();
    sel::Result<> begin(u32 number, std::string_view arguments);
    sel::Result<> start(u32 number, std::string_view arguments);
    void fell(u32 number, s32 code);
    void settle();
    bool uses_time(u32 number);
    void look(u64 now_ns);
    void silent(u32 number, Silence silence);
    bool end_by_policy(u32 number, s32 code);
    u64 now_ns() const { return clock_.nanoseconds(sel::now()); }
    void empty_hand();
    void answer_waiters();
    void answer_makers();
    std::string_view name_of_child_slot(u32 number, u32 slot) const;
    Slot describe_slot(u32 number, u32 slot, const sel::CapabilityInfo &info) const;

    Programs &programs_;
    Kit &kit_;
    const EarlyConsole &console_;
    cptr_t received_;
    sel::StaticVector<Waiter, kWaiters> waiters_;
    Maker maker_[REGION_MAX];
    u32 makers_ = 0; // Bits: those where somebody may wait.
    sel::Clock clock_{kit_.boot().tsc_hz};
    restart::Policy policy_;
    u64 looked_ns_ = now_ns(); // At all servers.
    u64 look_ns_ = looked_ns_; // When to do that next.
};

// One for each waiter, some for those who make regions, one to receive with.
inline constexpr u32 kRootReplies = 17;

} // namespace root
