// Shell: wires the shell to the servers.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "ask.hpp"
#include "derivation.hpp"
#include "shell.caps.hpp"
#include "shell.hpp"

#include "sel/clock.hpp"
#include "sel/trace.hpp"
#include "sel/try.hpp"

namespace {

using shell::ask;
using shell::CapabilityRow;
using shell::Ending;
using shell::ProgramRow;

constexpr u64 kSyncMs = 60'000; // For all disks.
constexpr u64 kLookMs = 50;     // Between looks for a ^C.
constexpr u64 kKillMs = 2'000;  // For the supervisor.

// Who is in front, and what is typed there that is not the shell's. A thread of its own waits for ^C and ^Z, while the
// shell waits for something else.
class Foreground {
  public:
    sel::Result<> start() {
        if (sel::Result<> made = caps::bell.mint(ring_.cptr(), RIGHT_WRITE, 1); !made) {
            return made;
        }
        auto entry = [](void *self) { static_cast<Foreground *>(self)->watch(); };
        return caps::watcher.start(entry, this);
    }

    void begin() {
        interrupted_ = false;
        reader_ = 0;
        job_ = ++jobs_;
        [[maybe_unused]] auto woken = ring_.signal();
    }
    void end() {
        take_back();
        clear();
    }
    // The shell reads, in the middle of a job.
    template <typename Read>
    void pause(Read read) {
        take_back();
        if (read()) {
            interrupted_ = true;
        }
        job_ = ++jobs_;
        [[maybe_unused]] auto woken = ring_.signal();
    }
    bool interrupted() const { return interrupted_; }

    // Whoever is added when ^C was typed is ended by who adds it: of the two one sees the other.
    void add(u32 program, bool reads, bool stops) {
        for (std::atomic<u32> &place : program_) {
            if (place == 0) {
                place = program;
                break;
            }
        }
        stops_ = stops;
        if (reads) {
            reader_ = program;
            tell_reader();
        }
        if (interrupted_) {
            end(program);
        }
    }
    void remove(u32 program) {
        for (std::atomic<u32> &place : program_) {
            u32 there = program;
            place.compare_exchange_strong(there, 0);
        }
    }
    void clear() {
        for (std::atomic<u32> &place : program_) {
            place = 0;
        }
    }

    static void end(u32 program) {
        if (program > sel::Environment::kSystemPrograms) {
            [[maybe_unused]] auto ended = ask(caps::programs, loader::End{.number = program});
        } else {
            [[maybe_unused]] auto ended = caps::supervisor.call_within(
                sel::milliseconds(kKillMs), supervisor::Kill{.number = program});
        }
    }

  private:
    void watch() {
        for (;;) {
            u32 job = job_;
            auto typed = job == 0 ? sel::Result<stream::Typed>{ERR_EMPTY}
                                  : caps::front.call(stream::Lend{.job = job});
            if (typed.ok()) {
                take(typed->signal);
            } else if (typed.error() == ERR_RESTARTED) {
                tell_reader();
            } else {
                [[maybe_unused]] auto rung = caps::bell.wait();
            }
        }
    }

    void take(stream::Signal signal) {
        if (signal == stream::Signal::INTERRUPT) {
            interrupted_ = true;
        }
        for (std::atomic<u32> &place : program_) {
            u32 program = place;
            if (program != 0 && signal == stream::Signal::INTERRUPT) {
                end(program);
            } else if (program > sel::Environment::kSystemPrograms &&
                       signal == stream::Signal::STOP && stops_) {
                [[maybe_unused]] auto stopped =
                    ask(caps::programs, loader::Stop{.number = program, .stop = 1});
            }
        }
    }

    void take_back() {
        u32 job = job_.exchange(0);
        [[maybe_unused]] auto taken = ask(caps::front, stream::TakeBack{.job = job});
    }

    void tell_reader() {
        [[maybe_unused]] auto told =
            ask(caps::front, stream::SetReader{.job = job_, .client = reader_});
    }

    sel::Notification ring_{caps::ring.first};
    std::atomic<u32> job_ = 0; // 0: the shell reads.
    std::atomic<bool> interrupted_ = false, stops_ = false;
    std::atomic<u32> reader_ = 0;
    std::array<std::atomic<u32>, 2 * shell::Job::kPrograms> program_{}; // 0: free.
    u32 jobs_ = 0;
};

class Servers final : public shell::System {
  public:
    sel::Result<> start() { return front_.start(); }

    sel::Result<std::span<u8>> make_work_memory() override {
        return caps::work.make(sel::kForever, kWorkBytes);
    }

    void print(std::string_view text) override {
        [[maybe_unused]] auto printed = stream::put_all(caps::terminal, text);
    }
    sel::Result<> print_styled(stream::Style style, std::string_view text) override {
        return ask(caps::front, stream::Styled{.style = style, .data = text});
    }
    void show_prompt(std::string_view text) override {
        [[maybe_unused]] auto shown = ask(caps::front, stream::Prompt{.data = text});
    }
    void clear_screen() override { [[maybe_unused]] auto done = ask(caps::front, stream::Clear{}); }

    stream::Size terminal_size() override {
        return ask(caps::terminal, stream::GetSize{}).value_or(stream::Size{0, 0});
    }
    sel::Result<char> read_key() override {
        constexpr char kInterruptKey = 3;
        sel::Result<char> key{ERR_EMPTY};
        front_.pause([&]() {
            // A ^C from before the pause has gone to the watcher, which may only come to it now.
            while (!has_key() && !front_.interrupted()) {
                auto input = caps::keyboard.call_within(sel::milliseconds(kLookMs), stream::Read{});
                typed_ = input ? input->data : stream::Chunk{};
                key_ = 0;
                if (!input && input.error() != ERR_TIMEOUT && input.error() != ERR_RESTARTED) {
                    return false;
                }
            }
            key = has_key() ? next_key() : key;
            return key.ok() && *key == kInterruptKey;
        });
        return key;
    }
    bool has_key() const { return key_ < typed_.span().size(); }
    // A byte that was typed.
    sel::Result<char> next_key() {
        while (!has_key()) {
            auto input = caps::keyboard.call(stream::Read{});
            if (!input && input.error() != ERR_RESTARTED) {
                return input.error();
            }
            typed_ = input ? input->data : stream::Chunk{};
            key_ = 0;
        }
        return static_cast<char>(typed_.span()[key_++]);
    }

    sel::Result<bool> ask_person(std::string_view who, std::string_view what) override {
        stream::Ask m{.what = what, .data = who};
        auto consent = ask(caps::front, m);
        return consent ? sel::Result{consent->given == 1} : consent.error();
    }

    void begin_job() override { front_.begin(); }
    void end_job() override { front_.end(); }
    bool interrupted() override { return front_.interrupted(); }
    void put_in_front(u32 program, bool reads, bool stops) override {
        front_.add(program, reads, stops);
    }
    void clear_front() override { front_.clear(); }

    // --- Files.
    sel::Result<file::Info> stat(std::string_view path) override {
        return ask(caps::files, file::Stat{.data = path});
    }
    sel::Result<u32> open(std::string_view path, u32 flags) override {
        return ask(caps::files, file::Open{.flags = flags, .data = path});
    }
    sel::Result<file::Path> resolve(std::string_view path) override {
        auto spelling = ask(caps::files, file::Resolve{.data = path});
        return spelling.ok() ? sel::Result{spelling->data} : spelling.error();
    }
    sel::Result<> close(u32 handle) override {
        return caps::files.call(file::Close{.handle = handle});
    }
    sel::Result<u32> read(u32 handle, u64 offset, std::span<char> out) override {
        u32 count = static_cast<u32>(std::min<std::size_t>(out.size(), file::kChunk));
        auto content =
            caps::files.call(file::Read{.handle = handle, .count = count, .offset = offset});
        if (!content) {
            return content.error();
        }
        std::memcpy(out.data(), content->data.byte, content->data.size);
        return content->data.size;
    }
    sel::Result<> append(u32 handle, std::string_view text) override {
        sel::Result<> done;
        while (done && !text.empty()) {
            file::Append m{.handle = handle, .data = {}};
            m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
            text.remove_prefix(m.data.size);
            done = caps::files.call(m);
        }
        return done;
    }
    sel::Result<file::Entries> list(std::string_view path, u32 position) override {
        return ask(caps::files, file::List{.position = position, .data = path});
    }
    sel::Result<> make_directory(std::string_view path) override {
        return ask(caps::files, file::MakeDirectory{.data = path});
    }
    sel::Result<> remove(std::string_view path) override {
        return ask(caps::files, file::Remove{.data = path});
    }
    sel::Result<> rename(std::string_view from, std::string_view to) override {
        return ask(caps::files, file::Rename{.from = from, .data = to});
    }

    // --- File systems.
    sel::Result<vfs::Volume> volume(u32 place) override {
        return ask(caps::volumes, vfs::GetVolume{.place = place});
    }
    sel::Result<> mount(std::string_view path) override {
        return ask(caps::mounting, vfs::Mount{.data = path});
    }
    sel::Result<> unmount(std::string_view path) override {
        return ask(caps::mounting, vfs::Unmount{.data = path});
    }
    sel::Result<> sync() override {
        return caps::files.call_within(sel::milliseconds(kSyncMs), file::SyncAll{}).error();
    }
    sel::Result<file::Checked> check(std::string_view path, u32 step) override {
        return ask(caps::files, file::Check{.step = step, .data = path});
    }

    // --- Programs.
    sel::Result<ProgramRow> program(u32 number) override {
        auto p = ask(caps::view, root::GetProgram{.number = number});
        if (!p) {
            return p.error();
        }
        return ProgramRow{number,          p->data.view(), p->state == root::State::RUNNING,
                          p->thread_state, p->priority,    clock_.nanoseconds(p->ticks_used),
                          p->memory,       p->incarnation, p->starter};
    }
    sel::Result<shell::MemoryRow> memory() override {
        auto memory = ask(caps::view, root::GetMemory{});
        if (!memory) {
            return memory.error();
        }
        return shell::MemoryRow{memory->ram, memory->free};
    }
    sel::Result<shell::HeldRow> held(u32 place) override {
        auto held = ask(caps::view, root::GetHeld{.place = place});
        if (!held) {
            return held.error();
        }
        return shell::HeldRow{held->owner, held->user, held->device != 0, held->bytes, held->next};
    }
    // Rows are fetched in lists; the last list is kept. A list may be empty.
    sel::Result<CapabilityRow> capability(u32 program, u32 index) override {
        if (index == 0) {
            SEL_TRY(load_derivation(program));
        }
        while (index - slots_before_ == slots_.count && slots_.next != 0) {
            slots_before_ = index;
            SEL_TRY(load_slots(program, slots_.next));
        }
        if (index - slots_before_ >= slots_.count) {
            return ERR_NAME;
        }
        return row(slots_.slot[index - slots_before_]);
    }
    sel::Result<shell::IrqRow> irq(u32 place) override {
        auto irq = ask(caps::view, root::GetIrq{.place = place});
        if (!irq) {
            return irq.error();
        }
        return shell::IrqRow{irq->line, irq->program, irq->data.view()};
    }
    sel::Result<pci::Device> device(u32 place) override {
        return ask(caps::pci, pci::GetDevice{.place = place});
    }
    sel::Result<u32> devices_left_out() override { return ask(caps::pci, pci::GetLeftOut{}); }
    sel::Result<denial_t> denial(u32 program) override {
        return ask(caps::view, root::GetDenial{.number = program});
    }
    sel::Result<> kill(u32 program) override {
        return change(program, supervisor::Kill{.number = program});
    }
    sel::Result<> restart(u32 program) override {
        return change(program, supervisor::Restart{.number = program});
    }
    sel::Result<supervisor::ReportPart> report(u32 offset) override {
        return ask(caps::reports, supervisor::GetReport{.offset = offset});
    }
    sel::Result<u32> start(std::string_view name, std::string_view arguments) override {
        auto number = ask(caps::view, root::Find{.data = name});
        if (!number) {
            return number;
        }
        auto started = caps::control.call(root::Start{.number = *number, .data = arguments});
        return started.ok() ? number : started.error();
    }
    sel::Result<Ending> run(std::string_view name, std::string_view arguments,
                            u64 limit_ns) override {
        sel::Result<u32> number = start(name, arguments);
        if (!number) {
            return number.error();
        }
        u64 ticks = limit_ns == kNoLimit ? sel::kForever : clock_.ticks(limit_ns);
        front_.add(*number, true, false);
        auto code = caps::control.call_within(ticks, root::Wait{.number = *number});
        front_.remove(*number);
        if (code.error() == ERR_TIMEOUT) {
            // The supervisor sees to its device, too; root ends it in any case.
            sel::Result<> stopped = caps::supervisor.call_within(
                sel::milliseconds(kKillMs), supervisor::Kill{.number = *number});
            if (!stopped) {
                stopped = caps::control.call(
                    root::Stop{.number = *number, .code = supervisor::kKilled, .keep = 0});
            }
            return stopped.ok() ? sel::Result{Ending{Ending::Stopped, supervisor::kKilled}}
                                : stopped.error();
        }
        if (!code) {
            return code.error();
        }
        return Ending{shell::is_fault(*code) ? Ending::Fault : Ending::Exit, *code};
    }

    // --- Pipes.
    sel::Result<u32> make_pipe() override { return ask(caps::pipes, piping::Make{}); }
    sel::Result<u32> read_pipe(u32 pipe, std::span<char> out) override {
        auto input = caps::pipes.call(piping::TryRead{.pipe = pipe});
        if (!input) {
            return input.error();
        }
        u32 count = std::min(input->data.size, static_cast<u32>(out.size()));
        std::memcpy(out.data(), input->data.byte, count);
        return count;
    }
    sel::Result<u32> write_pipe(u32 pipe, std::string_view text) override {
        piping::TryWrite m{.pipe = pipe, .data = {}};
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        return caps::pipes.call(m);
    }
    void release(u32 pipe, piping::End end) override {
        [[maybe_unused]] auto released =
            caps::pipes.call(piping::Release{.pipe = pipe, .end = end});
    }
    bool is_bound(u32 program) override {
        return ask(caps::pipes, piping::IsBound{.client = program}).value_or(0) != 0;
    }
    void wait_for_pipes() override {
        seen_ = caps::pipes.call(piping::Wait{.seen = seen_}).value_or(0);
    }

    // --- Programs from files.
    sel::Result<loader::Started> start(const loader::Start &m) override {
        return caps::programs.call(m);
    }
    sel::Result<loader::Status> wait(u32 program) override {
        auto status = caps::programs.call(loader::Wait{.number = program});
        front_.remove(program);
        return status;
    }
    sel::Result<loader::Status> look(u32 program) override {
        return ask(caps::programs, loader::GetStatus{.number = program});
    }
    void end(u32 program) override { Foreground::end(program); }
    void go_on(u32 program) override {
        [[maybe_unused]] auto done =
            ask(caps::programs, loader::Stop{.number = program, .stop = 0});
    }
    sel::Result<loader::Description> describe(std::string_view path) override {
        return ask(caps::programs, loader::Describe{.data = path});
    }

    // --- Events and time.
    sel::Result<logging::Line> log(u64 since, sel::Level level) override {
        return ask(caps::log,
                   logging::Read{.since = since, .level = level, .source = logging::kAnySource});
    }
    u32 trace(std::span<trace_event_t> out) override {
        return sel::TraceRing{caps::trace.at<const trace_record_t>(0)}.read(out);
    }
    u64 trace_ns(u64 tsc) override { return clock_.nanoseconds(tsc >> CLOCK_SHIFT); }
    sel::Result<talk::Text> talk(std::string_view server, std::string_view line) override {
        for (const auto &named : caps::talkers) {
            if (named.name == server) {
                return named.client.call(talk::Line{.data = line}); // Who knows what it does.
            }
        }
        return ERR_NAME;
    }
    sel::Result<u64> uptime_ns() override { return ask(caps::timer, timer::Uptime{}); }
    sel::Result<u64> date() override { return ask(caps::timer, timer::Date{}); }
    sel::Result<> random(std::span<u8> out) override {
        sel::Result<rng::Numbers> numbers =
            ask(caps::random, rng::Bytes{.count = static_cast<u32>(out.size())});
        if (numbers) {
            std::memcpy(out.data(), numbers->data.byte, out.size());
        }
        return numbers.error();
    }
    sel::Result<> sleep(u64 ns) override { return ask(caps::timer, timer::Sleep{.ns = ns}); }

    sel::Result<> halt() override {
        return caps::control.call(root::SetPower{.power = root::Power::HALT, .code = 0});
    }
    sel::Result<> reboot() override {
        return caps::control.call(root::SetPower{.power = root::Power::REBOOT, .code = 0});
    }

  private:
    // The supervisor cannot end itself and answer: root does that.
    template <typename M>
    sel::Result<> change(u32 program, const M &m) {
        auto own = ask(caps::view, root::Find{.data = "supervisor"});
        if (own.ok() && *own == program) {
            return caps::control.call(root::Again{.number = program, .code = supervisor::kKilled});
        }
        return caps::supervisor.call(m);
    }

    sel::Result<> load_slots(u32 program, u32 first) {
        auto list = ask(caps::view, root::GetSlots{.number = program, .first = first});
        if (!list) {
            return list.error() == ERR_EMPTY ? ERR_NAME : list.error();
        }
        slots_ = *list;
        return {};
    }

    // All lists, for how deep each stands, and the first one again.
    sel::Result<> load_derivation(u32 program) {
        derivation_.clear();
        slots_before_ = slots_.next = 0;
        do { // Places grow.
            SEL_TRY(load_slots(program, slots_.next));
            for (const root::Slot &slot : std::span{slots_.slot, slots_.count}) {
                derivation_.add(slot.id, slot.relative, slot.sibling != 0);
            }
        } while (slots_.next != 0);
        return load_slots(program, 0);
    }

    CapabilityRow row(const root::Slot &slot) {
        std::string_view name{slot.name, strnlen(slot.name)};
        return CapabilityRow{
            derivation_.depth(slot.id), slot.type, slot.rights, slot.slot, slot.data, name};
    }
    static std::size_t strnlen(const char (&name)[16]) {
        return static_cast<std::size_t>(std::find(name, name + sizeof name, '\0') - name);
    }

    sel::Clock clock_ = sel::clock();
    Foreground front_;
    stream::Chunk typed_; // What has been read of the keyboard, from byte key_ on to be used.
    u32 key_ = 0;
    u64 seen_ = 0; // Changes of pipes.
    root::SlotList slots_{};
    u32 slots_before_ = 0; // Rows of the lists before.
    shell::Derivation derivation_;
};

// What was typed before there was a prompt: the first bytes of it were lost while the machine started, and what is left
// of a line must not be run. Waits for the end of one that has begun.
void drop_early_keys() {
    constexpr u32 kTries = 4096;
    constexpr u64 kQuietMs = 20, kLineMs = 500;
    bool whole = true;
    for (u32 i = 0; i < kTries; i++) {
        u64 ticks = sel::milliseconds(whole ? kQuietMs : kLineMs);
        auto typed = caps::keyboard.call_within(ticks, stream::Read{});
        if (!typed || typed->data.size == 0) {
            return;
        }
        u8 last = typed->data.byte[typed->data.size - 1];
        whole = last == '\r' || last == '\n';
    }
}

} // namespace

int main() {
    static Servers servers;
    static shell::Shell sh{servers};
    if (!servers.start()) {
        return 1;
    }
    [[maybe_unused]] auto closed = caps::files.call(file::CloseAll{});
    if (sel::environment().incarnation == 1) {
        drop_early_keys();
    }
    sh.start();
    [[maybe_unused]] auto late = caps::control.call(root::StartLate{});
    for (;;) {
        sel::Result<char> key = servers.next_key();
        if (!key) {
            return 1;
        }
        sh.type_key(*key);
        if (!servers.has_key()) {
            sh.flush();
        }
    }
}
