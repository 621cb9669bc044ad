// FakeSystem: files in a map, small pipes and a few made-up programs, for the tests of the shell.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "system.hpp"

#include "apps/attack/api.hpp"

namespace shell {

class FakeSystem final : public System {
  public:
    std::string screen;
    std::map<std::string, std::string> files{{"/etc", "/"}, {"/etc/motd", "hello\nworld\n"}};
    std::vector<std::string> names{"root", "console", "ramfs"};
    std::vector<std::string> calls; // What has been done to programs and the machine.
    std::vector<logging::Line> lines;
    denial_t refused{};
    u64 free_bytes = 1000;

    std::vector<u8> work;
    error_t work_error = OK;
    sel::Result<std::span<u8>> make_work_memory() override {
        REQUIRE(work.empty());
        work.resize(work_error == OK ? kWorkBytes : 0);
        return work_error == OK ? sel::Result{std::span{work}} : work_error;
    }

    void print(std::string_view text) override { screen += text; }
    std::vector<std::string> styled; // "style text".
    error_t styled_error = OK;
    sel::Result<> print_styled(stream::Style style, std::string_view text) override {
        CHECK(text.size() <= stream::kStyledMax);
        if (styled_error == OK) {
            styled.push_back(std::to_string(static_cast<u32>(style)) + " " + std::string{text});
            screen += text;
        }
        return styled_error;
    }
    void show_prompt(std::string_view text) override { screen += text; }
    void clear_screen() override { screen += "\x1b[H\x1b[2J"; }

    stream::Size size{0, 0};
    stream::Size terminal_size() override { return size; }
    std::string keys; // What read_key() brings; then ^C.
    sel::Result<char> read_key() override {
        char key = keys.empty() ? '\x03' : keys.front();
        keys.erase(0, 1);
        if (key == '\x03') {
            interrupt();
        }
        return key;
    }

    std::vector<std::string> asked;
    bool consent = false;
    sel::Result<bool> ask_person(std::string_view who, std::string_view what) override {
        asked.push_back(std::string{who} + " " + std::string{what});
        return consent;
    }

    // --- Jobs. `interrupt_at`: ^C is typed when this was asked so often.
    bool in_job = false;
    int interrupt_at = -1;
    std::vector<u32> front;
    u32 reader = 0;
    void begin_job() override {
        REQUIRE(!in_job);
        in_job = true;
        interrupted_ = false;
        reader = 0;
    }
    void end_job() override {
        REQUIRE(in_job);
        in_job = false;
        front.clear();
    }
    bool interrupted() override {
        if (interrupt_at >= 0 && interrupt_at-- == 0) {
            interrupt();
        }
        return interrupted_;
    }
    void interrupt() {
        interrupted_ = true;
        for (u32 number : front) {
            end(number);
        }
    }
    void put_in_front(u32 program, bool reads, bool) override {
        front.push_back(program);
        reader = reads ? program : reader;
        if (interrupted_) {
            end(program);
        }
    }
    void clear_front() override { front.clear(); }

    // --- Pipes that hold next to nothing.
    struct FakePipe {
        std::string bytes;
        bool held[2] = {true, true};
        u32 program[2] = {};
        bool open(piping::End end) const {
            return held[static_cast<u32>(end)] || program[static_cast<u32>(end)] != 0;
        }
    };
    static constexpr std::size_t kPipeBytes = 50, kPipesMost = 18;
    std::map<u32, FakePipe> pipes;
    sel::Result<u32> make_pipe() override {
        if (pipes.size() == kPipesMost) {
            return ERR_FULL;
        }
        pipes[++last_pipe_] = {};
        return last_pipe_;
    }
    sel::Result<u32> read_pipe(u32 pipe, std::span<char> out) override {
        FakePipe &p = pipes.at(pipe);
        REQUIRE(p.held[0]);
        if (p.bytes.empty() && p.open(piping::End::WRITER)) {
            return ERR_BUSY;
        }
        u32 count = static_cast<u32>(p.bytes.copy(out.data(), out.size()));
        p.bytes.erase(0, count);
        return count;
    }
    sel::Result<u32> write_pipe(u32 pipe, std::string_view text) override {
        FakePipe &p = pipes.at(pipe);
        REQUIRE(p.held[1]);
        return put(p, text);
    }
    void release(u32 pipe, piping::End end) override {
        FakePipe &p = pipes.at(pipe);
        REQUIRE(p.held[static_cast<u32>(end)]);
        p.held[static_cast<u32>(end)] = false;
        drop_closed();
    }
    bool is_bound(u32 program) override {
        for (auto &[number, p] : pipes) {
            if (p.program[0] == program || p.program[1] == program) {
                return true;
            }
        }
        return false;
    }
    void wait_for_pipes() override {
        bool moved = false;
        for (u32 number = kFirst; number < kFirst + run_.size(); number++) {
            const Running &r = run_.at(number - kFirst);
            if (r.path != "/bin/flood" && r.path != "/bin/copy" && is_bound(number)) {
                finish(number, code);
                moved = true;
            }
            moved = step(number) || moved;
        }
        REQUIRE(moved); // The shell would wait for ever.
    }

    sel::Result<file::Info> stat(std::string_view path) override {
        if (path == "/") {
            return file::Info{file::Kind::Directory, 0, 0, 0};
        }
        auto found = files.find(spelled(path));
        if (found == files.end()) {
            return ERR_NAME;
        }
        bool directory = found->second == "/";
        return file::Info{directory ? file::Kind::Directory : file::Kind::File, 0,
                          found->second.size(), 0};
    }
    // "/NAME" and "/name" are one file when any_case says so.
    bool any_case = false;
    std::string spelled(std::string_view path) const {
        for (auto &[name, text] : files) {
            bool same =
                std::equal(name.begin(), name.end(), path.begin(), path.end(),
                           [](char a, char b) { return std::tolower(a) == std::tolower(b); });
            if (any_case && same) {
                return name;
            }
        }
        return std::string{path};
    }
    sel::Result<file::Path> resolve(std::string_view path) override {
        std::string name = spelled(path);
        return path == "/" || files.contains(name) ? sel::Result{file::Path{name}} : ERR_NAME;
    }
    error_t append_error = OK, close_error = OK;
    sel::Result<u32> open(std::string_view path, u32 flags) override {
        std::string name = spelled(path);
        if (!files.contains(name) && ((flags & file::kCreate) == 0 || !has_parent(name))) {
            return ERR_NAME;
        }
        if (name == "/" || files[name] == "/") {
            return ERR_DIRECTORY;
        }
        if ((flags & file::kTruncate) != 0) {
            files[name].clear();
        }
        open_.push_back(name);
        opened++;
        return static_cast<u32>(open_.size() - 1);
    }
    int opened = 0;
    sel::Result<> close(u32) override {
        opened--;
        return close_error;
    }
    sel::Result<u32> read(u32 handle, u64 offset, std::span<char> out) override {
        const std::string &text = files.at(open_.at(handle));
        if (offset >= text.size()) {
            return 0u;
        }
        // Odd pieces, so that lines come apart.
        return static_cast<u32>(
            text.copy(out.data(), std::min<std::size_t>(out.size(), 7), offset));
    }
    sel::Result<> append(u32 handle, std::string_view text) override {
        files.at(open_.at(handle)) += text;
        return append_error;
    }
    // Two at a time, so that there are several answers.
    sel::Result<file::Entries> list(std::string_view path, u32 position) override {
        std::string prefix{path};
        prefix += prefix.ends_with('/') ? "" : "/";
        u32 place = 0;
        file::Entries entries;
        for (auto &[name, text] : files) {
            bool inside = name.starts_with(prefix) && name.find('/', prefix.size()) == name.npos;
            if (inside && place++ >= position && place <= position + 2) {
                auto kind = text == "/" ? file::Kind::Directory : file::Kind::File;
                entries.add(place, {kind, 0, text.size(), 0},
                            std::string_view{name}.substr(prefix.size()));
            }
        }
        return entries.data.size != 0 ? sel::Result{entries} : ERR_EMPTY;
    }
    sel::Result<> make_directory(std::string_view path) override {
        return path == "/"                       ? ERR_EXISTS
               : !has_parent(path)               ? ERR_NAME
               : files.emplace(path, "/").second ? OK
                                                 : ERR_EXISTS;
    }
    std::string kept; // Cannot be removed.
    sel::Result<> remove(std::string_view path) override {
        if (path == kept) {
            return ERR_RIGHT;
        }
        std::string inside{path};
        auto next = files.upper_bound(inside += "/");
        if (next != files.end() && next->first.starts_with(inside)) {
            return ERR_CHILDREN;
        }
        return files.erase(std::string{path}) == 1 ? OK : ERR_NAME;
    }
    sel::Result<> rename(std::string_view from, std::string_view to) override {
        auto node = files.extract(spelled(from));
        if (node.empty()) {
            return ERR_NAME;
        }
        files.erase(spelled(to));
        node.key() = to;
        files.insert(std::move(node));
        return {};
    }

    std::vector<bool> mounted{true, true};
    error_t sync_error = OK;
    sel::Result<vfs::Volume> volume(u32 place) override {
        if (place >= mounted.size()) {
            return ERR_NAME;
        }
        vfs::Volume volume{};
        volume.mounted = mounted[place];
        volume.known = 1;
        volume.error = place == 0 ? OK : ERR_IO;
        volume.unsaved = place == 0 || sync_error == ERR_TIMEOUT ? OK : sync_error;
        volume.usage = {5 * 1024, 20 << 20, 3, 1024};
        volume.server = place == 0 ? "ramfs" : "fs";
        volume.data = place == 0 ? "/" : "/disk";
        return volume;
    }
    sel::Result<> mount(std::string_view path) override { return set_mounted(path, true); }
    sel::Result<> unmount(std::string_view path) override { return set_mounted(path, false); }
    sel::Result<> sync() override {
        calls.push_back("sync");
        return sync_error;
    }
    u32 damaged = 0;
    u32 steps = 1, changes = 0; // Of a check; how often it is told that something was changed.
    sel::Result<file::Checked> check(std::string_view path, u32 step) override {
        if (step != 0 && changes > 0) {
            changes--;
            return ERR_BUSY;
        }
        uptime += 3'000'000'000;
        return stat(path).ok() ? sel::Result{file::Checked{step + 1 == steps ? 0 : step + 1, 2, 1,
                                                           damaged, 0, 17}}
                               : ERR_NAME;
    }

    std::vector<ProgramRow> at_run_time; // With numbers from kFirst on.
    sel::Result<ProgramRow> program(u32 number) override {
        constexpr u32 kFirst = 65;
        if (!at_run_time.empty() && number > names.size() && number < kFirst + at_run_time.size()) {
            return number < kFirst ? ERR_EMPTY : sel::Result{at_run_time[number - kFirst]};
        }
        if (number == 0 || number > names.size()) {
            return ERR_NAME;
        }
        return ProgramRow{number,       ProgramName{names[number - 1]}, true,      STATE_RECV,
                          100 + number, number * 1'500'000'000ull,      64 * 1024, 1};
    }
    sel::Result<MemoryRow> memory() override { return MemoryRow{1 << 20, free_bytes}; }
    std::vector<HeldRow> held_rows;
    sel::Result<HeldRow> held(u32 place) override {
        if (place >= held_rows.size()) {
            return ERR_EMPTY;
        }
        return held_rows[place];
    }
    sel::Result<CapabilityRow> capability(u32 program, u32 index) override {
        if (program != 2 || index > 1) {
            return ERR_NAME;
        }
        return index == 0 ? CapabilityRow{0, CAP_IRQ_HANDLER, 0, 9, 4, "irq"}
                          : CapabilityRow{1, CAP_ENDPOINT, RIGHT_WRITE | RIGHT_GRANT, 10, 0x2, {}};
    }
    sel::Result<IrqRow> irq(u32 place) override {
        if (place > 0) {
            return ERR_NAME;
        }
        return IrqRow{4, 2, "irq"};
    }
    std::vector<pci::Device> pci;
    u32 pci_left_out = 0;
    sel::Result<pci::Device> device(u32 place) override {
        return place < pci.size() ? sel::Result<pci::Device>{pci[place]} : ERR_NAME;
    }
    sel::Result<u32> devices_left_out() override { return pci_left_out; }
    sel::Result<denial_t> denial(u32 program) override {
        return program == 3 ? refused : denial_t{};
    }
    sel::Result<> kill(u32 program) override {
        calls.push_back("kill " +
                        (program <= names.size() ? names[program - 1] : std::to_string(program)));
        return {};
    }
    sel::Result<> restart(u32 program) override {
        calls.push_back("restart " + names[program - 1]);
        return {};
    }
    std::string report_text;
    sel::Result<supervisor::ReportPart> report(u32 offset) override {
        supervisor::ReportPart part;
        part.data.append(std::string_view{report_text}.substr(offset));
        return part;
    }
    Ending ending{Ending::Exit, 0};
    bool contain = false; // Attacks end as they should.
    sel::Result<u32> start(std::string_view name, std::string_view arguments) override {
        calls.push_back("start " + std::string{name} + " [" + std::string{arguments} + "]");
        return name == "nothing" ? sel::Result<u32>{ERR_NAME} : 1u;
    }
    sel::Result<Ending> run(std::string_view name, std::string_view arguments, u64) override {
        calls.push_back("run " + std::string{name} + " [" + std::string{arguments} + "]");
        for (const attack::Attack &attack : attack::kAttacks) {
            if (contain && name == "attack" && arguments == attack.name) {
                return Ending{attack.end == attack::End::Fault  ? Ending::Fault
                              : attack.end == attack::End::Exit ? Ending::Exit
                                                                : Ending::Stopped,
                              0};
            }
        }
        return ending;
    }
    // --- Programs in files: /bin/flood writes lines until nobody reads, /bin/copy writes what it reads; all others
    // end with `code` when they are waited for.
    static constexpr u32 kFirst = 65;
    loader::Started refusal{}; // Why no program starts.
    s32 code = 0;
    bool stop_next = false; // ^Z is typed when one is waited for.
    sel::Result<loader::Started> start(const loader::Start &m) override {
        std::string data{m.data.view()};
        std::replace(data.begin(), data.end(), '\0', '|'); // Where variables begin.
        calls.push_back("start " + std::string{m.path.view()} + " [" + data + "] give [" +
                        std::string{m.give.view()} + "]");
        if (refusal.data.size != 0) {
            return refusal;
        }
        std::string give{m.give.view()};
        for (const char *word : {"timer", "code"}) {
            if (m.path == "/bin/wants" && give.find(word) == give.npos) {
                return loader::Started{.number = 0, .missing = word, .data = "wants it"};
            }
        }
        u32 number = kFirst + static_cast<u32>(run_.size());
        run_.push_back({std::string{m.path.view()}, m.in, m.out});
        for (u32 end : {0u, 1u}) {
            if (u32 pipe = end == 0 ? m.in : m.out; pipe != 0) {
                REQUIRE(pipes.at(pipe).program[end] == 0);
                pipes.at(pipe).program[end] = number;
            }
        }
        return loader::Started{.number = number, .missing = {}, .data = {}};
    }
    sel::Result<loader::Status> wait(u32 program) override {
        if (stop_next) {
            stop_next = false;
            run_.at(program - kFirst).state = loader::State::STOPPED;
        }
        for (bool moved = true; moved;) {
            moved = false;
            for (u32 number = kFirst; number < kFirst + run_.size(); number++) {
                moved = step(number) || moved;
            }
        }
        Running &r = run_.at(program - kFirst);
        if (r.state == loader::State::RUNNING) {
            finish(program, code);
        }
        return loader::Status{r.state, r.code};
    }
    sel::Result<loader::Status> look(u32 program) override {
        const Running &r = run_.at(program - kFirst);
        return loader::Status{r.state, r.code};
    }
    void end(u32 program) override {
        if (program >= kFirst && run_.at(program - kFirst).state != loader::State::ENDED) {
            calls.push_back("end " + std::to_string(program));
            finish(program, loader::kEnded);
        }
    }
    void go_on(u32 program) override {
        calls.push_back("go on " + std::to_string(program));
        run_.at(program - kFirst).state = loader::State::RUNNING;
    }
    sel::Result<loader::Description> describe(std::string_view path) override {
        loader::Description description{path == "/hello" ? 1u : 0u, {}};
        description.data.append(path == "/hello" ? "hello: Says hello.\n" : "has no manifest");
        return description;
    }
    sel::Result<logging::Line> log(u64 since, sel::Level level) override {
        for (const logging::Line &line : lines) {
            if (line.sequence >= since && line.level <= level) {
                return line;
            }
        }
        return ERR_EMPTY;
    }
    std::vector<trace_event_t> events;
    u32 trace(std::span<trace_event_t> out) override {
        std::size_t count = std::min(out.size(), events.size());
        std::copy(events.end() - static_cast<std::ptrdiff_t>(count), events.end(), out.begin());
        return static_cast<u32>(count);
    }
    u64 trace_ns(u64 tsc) override { return tsc; }
    sel::Result<talk::Text> talk(std::string_view server, std::string_view line) override {
        if (server != "parrot") {
            return ERR_NAME;
        }
        talk::Text text;
        text.data.append(line);
        return text;
    }
    u64 uptime = 3'723'004'000'000;
    u64 tick = 0; // By which it grows when it is looked at.
    sel::Result<u64> uptime_ns() override { return uptime += tick; }
    sel::Result<u64> date() override { return 1'000'000'000; }
    bool has_random = true;
    sel::Result<> random(std::span<u8> out) override {
        for (std::size_t i = 0; i < out.size(); i++) {
            out[i] = static_cast<u8>(0x10 + i);
        }
        return has_random ? OK : ERR_BUSY;
    }
    sel::Result<> sleep(u64 ns) override {
        calls.push_back("sleep " + std::to_string(ns));
        uptime += ns;
        return {};
    }
    error_t power_error = ERR_IO; // OK: it is said to be done, and nothing happens.
    sel::Result<> halt() override {
        calls.push_back("halt");
        return power_error;
    }
    sel::Result<> reboot() override {
        calls.push_back("reboot");
        return power_error;
    }

    // One that runs ends by itself.
    void finish(u32 number, s32 with) {
        Running &r = run_.at(number - kFirst);
        r.state = loader::State::ENDED;
        r.code = with;
        for (auto &[pipe, p] : pipes) {
            for (u32 &program : p.program) {
                program = program == number ? 0 : program;
            }
        }
        drop_closed();
    }

  private:
    bool has_parent(std::string_view path) {
        std::string parent{path.substr(0, path.rfind('/'))};
        return parent.empty() || (files.contains(parent) && files[parent] == "/");
    }

    struct Running {
        std::string path;
        u32 in = 0, out = 0;
        loader::State state = loader::State::RUNNING;
        s32 code = 0;
        u32 lines = 0;
        std::string rest; // To be written.
        bool at_end = false;
    };

    static sel::Result<u32> put(FakePipe &p, std::string_view text) {
        if (!p.open(piping::End::READER)) {
            return ERR_GONE;
        }
        u32 count = static_cast<u32>(std::min(kPipeBytes - p.bytes.size(), text.size()));
        p.bytes += text.substr(0, count);
        return count == 0 && !text.empty() ? sel::Result<u32>{ERR_BUSY} : count;
    }

    // False: it waits, or there is nothing to be done.
    bool step(u32 number) {
        Running &r = run_.at(number - kFirst);
        if (r.state != loader::State::RUNNING ||
            (r.path != "/bin/flood" && r.path != "/bin/copy") || r.out == 0) {
            return false;
        }
        if (r.rest.empty() && r.path == "/bin/flood") {
            r.rest = "line " + std::to_string(++r.lines) + "\n";
        } else if (r.rest.empty() && r.in != 0) {
            FakePipe &p = pipes.at(r.in);
            r.at_end = p.bytes.empty() && !p.open(piping::End::WRITER);
            r.rest.swap(p.bytes);
        }
        if (r.at_end) {
            finish(number, 0);
            return true;
        }
        if (r.rest.empty()) {
            return false;
        }
        sel::Result<u32> count = put(pipes.at(r.out), r.rest);
        if (count.error() == ERR_GONE) {
            finish(number, 1);
        }
        r.rest.erase(0, count.value_or(0));
        return count.error() != ERR_BUSY;
    }

    void drop_closed() {
        std::erase_if(pipes, [](auto &one) {
            return !one.second.open(piping::End::READER) && !one.second.open(piping::End::WRITER);
        });
    }

    sel::Result<> set_mounted(std::string_view path, bool now) {
        if (path != "/" && path != "/disk") {
            return ERR_NAME;
        }
        if (path == "/" && !now) {
            return ERR_ARG;
        }
        if (mounted[path == "/" ? 0 : 1] == now) {
            return now ? ERR_EXISTS : ERR_GONE;
        }
        mounted[path == "/" ? 0 : 1] = now;
        return {};
    }

    std::vector<std::string> open_;
    bool interrupted_ = false;
    u32 last_pipe_ = 0;
    std::vector<Running> run_;
};

} // namespace shell
