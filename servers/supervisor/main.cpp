// Supervisor: wires the fault endpoint to root, the console and the log.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <cstring>

#include "report.hpp"
#include "supervisor.hpp"

#include "sel/archive.hpp"
#include "sel/explain.hpp"
#include "sel/log.hpp"
#include "sel/trace.hpp"
#include "supervisor.caps.hpp"

namespace supervisor {
namespace {

constexpr u64 kPatienceMs = 2000; // With a console that does not answer.
constexpr u64 kQuietMs = 200;     // With a pci server that does not answer.
constexpr u32 kStackBytes = 2048; // Of the ended program, that are searched.
constexpr u32 kTraceEvents = 16;

// The program's file in the boot archive; empty: it is not there.
std::span<const u8> file_of(std::string_view program) {
    auto archive = sel::Archive::open_mapped(caps::archive.address);
    if (!archive) {
        return {};
    }
    sel::Text<24> name{"bin/"};
    name.append(program);
    auto file = archive->find(name);
    return file.ok() ? file->content : std::span<const u8>{};
}

class World {
  public:
    sel::Result<root::Program> program(u32 number) {
        return caps::view.call(root::GetProgram{.number = number});
    }
    u32 self() { return sel::environment().program; }
    u64 now_ns() { return clock_.nanoseconds(sel::now()); }
    u64 ticks(u64 ns) { return clock_.ticks(ns) + 1; }

    void stop(u32 number, s32 code, bool keep) {
        quieten(number);
        sel::Result<> stopped =
            caps::control.call(root::Stop{.number = number, .code = code, .keep = keep ? 1u : 0u});
        if (!stopped) {
            note(sel::Level::ERROR, "program {} cannot be ended: {}", number,
                 sel::describe(stopped.error()));
        }
    }
    sel::Result<> start_again(u32 number) {
        return caps::control.call(root::Again{.number = number, .code = kKilled});
    }

    void describe(const sel::Fault &fault, const root::Program &program) {
        Facts facts;
        facts.trace = {trace_, ring_.read(trace_)}; // First: our own calls are events, too.
        facts.program = program.data;
        facts.incarnation = program.incarnation;
        facts.fault = fault;
        auto registers = caps::control.call(root::GetRegisters{.number = fault.program});
        facts.has_registers = registers.ok();
        if (registers) {
            facts.registers = *registers;
            facts.stack = {stack_, read_stack(fault.program, registers->rsp)};
        }
        auto denial = caps::view.call(root::GetDenial{.number = fault.program});
        facts.denial = denial.value_or(denial_t{});
        report_.clear();
        write_report(report_, facts,
                     Symbols{program.starter == 0 ? file_of(program.data) : std::span<const u8>{}});
        headline_.clear();
        sel::format(headline_, "{}: {}", program.data.view(),
                    sel::explain_fault(fault.kind, fault.word).view());
    }

    // Gives up when the console does not answer.
    void publish(bool all) {
        log_.error("{}", headline_.view());
        std::string_view rest = report_.view();
        rest = all ? rest : rest.substr(0, rest.find('\n', rest.find('\n') + 1) + 1);
        for (std::size_t at = 0; at < rest.size(); at += stream::kChunk) {
            if (!stream::put_all(caps::console, rest.substr(at, stream::kChunk),
                                 sel::milliseconds(kPatienceMs))) {
                return;
            }
        }
    }

    std::string_view report() const { return report_.view(); }

    template <typename... Ts>
    void note(sel::Level level, std::string_view pattern, const Ts &...values) {
        log_.write(level, pattern, values...);
    }

  private:
    // The pci server cannot answer at its own end, nor if it faults now: then it waits for us.
    void quieten(u32 number) {
        if (pci_.ok() && number == *pci_) {
            return;
        }
        auto quiet =
            caps::pci.call_within(sel::milliseconds(kQuietMs), pci::Quiet{.program = number});
        if (!quiet) {
            note(sel::Level::ERROR, "the device of program {} may still run: {}", number,
                 sel::describe(quiet.error()));
        }
    }

    sel::Result<root::MemoryPart> peek(u32 number, u64 address) {
        return caps::control.call(root::Peek{
            .number = number, .count = root::MemoryPart{}.data.kCapacity, .address = address});
    }

    // Words from `address` on, or from the next page on if the stack has overflowed; how many could
    // be read.
    std::size_t read_stack(u32 number, u64 address) {
        std::size_t size = 0;
        address = (address + 7) & ~7ull;
        if (!peek(number, address)) {
            address = (address + PAGE_BYTES - 1) & ~u64{PAGE_BYTES - 1};
        }
        while (size < sizeof stack_) {
            auto part = peek(number, address + size);
            if (!part || part->data.size == 0) {
                break;
            }
            std::size_t take = std::min<std::size_t>(part->data.size, sizeof stack_ - size);
            std::memcpy(reinterpret_cast<u8 *>(stack_) + size, part->data.byte, take);
            size += take;
        }
        return size / sizeof(u64);
    }

    sel::Clock clock_ = sel::clock();
    sel::Result<u32> pci_ = caps::view.call(root::Find{.data = "pci"});
    sel::Log<logging::Writer> log_{caps::log};
    sel::TraceRing ring_{caps::trace.at<const trace_record_t>(0)};
    u64 stack_[kStackBytes / sizeof(u64)];
    trace_event_t trace_[kTraceEvents];
    ReportText report_;
    sel::Text<sel::kLogLineBytes> headline_; // For the log.
};

} // namespace
} // namespace supervisor

int main() {
    [[maybe_unused]] auto tracing = caps::events.start();
    static supervisor::World world;
    static supervisor::Supervisor<supervisor::World> server{world};
    server.start();
    sel::serve<supervisor::Control, supervisor::Reports>(caps::service, server);
}
