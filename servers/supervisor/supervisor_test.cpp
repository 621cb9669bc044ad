// Tests of the supervisor: restart policy, symbols, names, report, trace ring.
// SPDX-License-Identifier: BSD-2-Clause
#include "report.hpp"
#include "servers/restart/policy.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "sel/trace.hpp"

using namespace supervisor;
using restart::Policy;

namespace {

root::Program program(root::Restart restart, u8 tries) {
    root::Program p{};
    p.number = 3;
    p.restart = restart;
    p.tries = tries;
    return p;
}

std::vector<u8> own_file() {
    std::ifstream file{"/proc/self/exe", std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::string name_of(std::string_view mangled) {
    return std::string{readable(mangled).view()};
}

} // namespace

TEST_CASE("programs come back as their policy says", "[supervisor]") {
    Policy policy;
    CHECK(!policy.failed(program(root::Restart::NEVER, 5), 100).restart);
    CHECK(policy.next_due() == Policy::kNever);
    root::Program always = program(root::Restart::ALWAYS, 2);
    Policy::Decision first = Policy{}.failed(always, 100);
    CHECK(first.restart);
    CHECK(first.due_ns == 100);
    Policy fresh;
    CHECK(fresh.failed(always, 100).restart);
    CHECK(fresh.take_due(99) == 0);
    CHECK(fresh.take_due(100) == 3);
    fresh.started(3, 100);
    CHECK(fresh.failed(always, 200).restart);
    fresh.started(3, 200);
    CHECK(!fresh.failed(always, 300).restart);
    CHECK(fresh.next_due() == Policy::kNever);
    fresh.forgive(3);
    CHECK(fresh.failed(always, 400).restart);
    fresh.started(3, 400);
    CHECK(fresh.failed(always, 400 + Policy::kStable).failures == 1);
    CHECK(fresh.killed(always, 7).restart);
    CHECK(fresh.killed(always, 7).due_ns == 7);
    CHECK(!fresh.killed(program(root::Restart::NEVER, 5), 7).restart);
    always.number = 65;
    CHECK(!fresh.failed(always, 0).restart);
}

TEST_CASE("back-off doubles up to its limit", "[supervisor]") {
    Policy policy;
    root::Program p = program(root::Restart::BACKOFF, 200);
    u64 last = 0;
    for (int i = 0; i < 100; i++) {
        u64 delay = policy.failed(p, 1000).due_ns - 1000;
        CHECK(delay == (i == 0 ? Policy::kFirstDelay : std::min(2 * last, Policy::kLongestDelay)));
        last = delay;
        policy.started(3, 1000);
    }
    CHECK(last == Policy::kLongestDelay);
}

TEST_CASE("names are readable", "[supervisor]") {
    CHECK(name_of("main") == "main");
    CHECK(name_of("_Z3fooiPKc") == "foo");
    CHECK(name_of("_ZN7console4UartI5PortsE7serviceEv") == "console::Uart::service");
    CHECK(name_of("_ZN3sel5serveIJN7console3ApiEENS1_7ConsoleIN12_GLOBAL__N_14Com1EEEEvT_") ==
          "sel::serve");
    CHECK(name_of("_ZN12_GLOBAL__N_16Server9on_signalEm") == "(anonymous)::Server::on_signal");
    CHECK(name_of("_ZNK5ramfs5RamFs4statESt17basic_string_viewIcSt11char_traitsIcEE") ==
          "ramfs::RamFs::stat");
    CHECK(name_of("_ZN5ramfs5RamFsC2ESt4spanIhLm18446744073709551615EE") == "ramfs::RamFs::RamFs");
    CHECK(name_of("_ZSt4sortIPiEvT_S1_") == "std::sort");
    CHECK(name_of("_Z") == "_Z");
    CHECK(name_of("_ZN99x") == "x");
}

TEST_CASE("functions and calls are found in an ELF file", "[supervisor]") {
    std::vector<u8> file = own_file();
    Symbols symbols{file};
    // Position-independent: the symbol table counts from 0, so look the test up by its own entry.
    u64 entry = 0;
    std::memcpy(&entry, file.data() + 24, sizeof entry);
    sel::Result<Symbol> start = symbols.find(entry);
    REQUIRE(start.ok());
    CHECK(start->name == "_start");
    CHECK(start->offset == 0);
    CHECK(symbols.find(entry + 1)->offset == 1);
    CHECK(!symbols.find(~u64{0}).ok());
    // _start calls __libc_start_main and never returns; its end is behind that call and a hlt.
    bool call = false;
    for (u64 at = entry; symbols.find(at).ok() && symbols.find(at)->name == "_start"; at++) {
        call = call || symbols.follows_call(at);
    }
    CHECK(call);
    CHECK(!symbols.follows_call(entry));
    CHECK(!symbols.follows_call(~u64{0}));
}

TEST_CASE("damaged ELF files give no symbols and no harm", "[supervisor]") {
    CHECK(!Symbols{{}}.find(0).ok());
    std::vector<u8> file = own_file();
    std::mt19937 random{3};
    for (int i = 0; i < 300; i++) {
        std::vector<u8> damaged = file;
        for (int k = 0; k < 8; k++) {
            damaged[random() % 64] = static_cast<u8>(random());
        }
        damaged.resize(random() % damaged.size());
        Symbols symbols{damaged};
        (void)symbols.find(random());
        (void)symbols.follows_call(random());
    }
}

TEST_CASE("the report says what happened", "[supervisor]") {
    std::vector<u8> file = own_file();
    u64 entry = 0;
    std::memcpy(&entry, file.data() + 24, sizeof entry);
    Symbols symbols{file};
    Facts facts;
    facts.program = "ramfs";
    facts.incarnation = 2;
    facts.fault = {3, FAULT_PAGE, {entry + 4, 0x10, 2, 0x7000}};
    facts.has_registers = true;
    facts.registers.rax = 0xabc;
    std::vector<u64> stack{0, ~u64{0}};
    for (u64 at = entry; at < entry + 64; at++) {
        stack.push_back(at);
    }
    facts.stack = stack;
    facts.denial = {5, ERR_CAP << 8 | CALL_SEND, 0, 1};
    trace_event_t event{};
    event.kind = TRACE_CALL;
    event.call = CALL_SEND;
    facts.trace = {&event, 1};
    auto text = std::make_unique<ReportText>();
    write_report(*text, facts, symbols);
    std::string report{text->view()};
    INFO(report);
    CHECK(report.starts_with("--- ramfs (start 2): page fault: it wrote to 0x10, where nothing is "
                             "mapped"));
    CHECK(report.find("_start + 0x4\n") != report.npos);
    CHECK(report.find("rax 0000000000000abc") != report.npos);
    CHECK(report.find("called from") != report.npos);
    CHECK(report.find("last refusal: SEND was refused with ERR_CAP") != report.npos);
    CHECK(report.find("newest kernel events:\n    SEND") != report.npos);
    CHECK(report.ends_with("\n"));
}

TEST_CASE("the trace ring is read from its newest end", "[supervisor]") {
    std::vector<trace_record_t> ring(TRACE_EVENTS);
    std::vector<trace_event_t> out(TRACE_EVENTS + 5);
    sel::TraceRing reader{ring.data()};
    CHECK(reader.read(out) == 0);
    auto write = [&](u32 k) {
        ring[k % TRACE_EVENTS].end = TRACE_EVENT_BYTES * (k + 1);
        ring[k % TRACE_EVENTS].argument = k;
    };
    write(0);
    write(1);
    CHECK(reader.read(out) == 2);
    CHECK(out[1].argument == 1);
    for (u32 k = 2; k < 1000; k++) {
        write(k);
    }
    CHECK(reader.read(out) == TRACE_EVENTS);
    CHECK(out[0].argument == 1000 - TRACE_EVENTS);
    CHECK(out[TRACE_EVENTS - 1].argument == 999);
    constexpr u32 kRound = u32{1} << 27; // Where `end` begins anew.
    for (u32 k = kRound - 600; k < kRound + 5; k++) {
        write(k);
    }
    CHECK(reader.read({out.data(), 8}) == 7); // Number 0 stands for "nothing".
    CHECK(out[6].argument == kRound + 4);
}
