// FakeSystem: files in a map and a few made-up programs, for the tests of the shell.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

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

    void print(std::string_view text) override { screen += text; }

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
        if (!files.contains(name) && (flags & file::kCreate) == 0) {
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
        return files.emplace(path, "/").second ? OK : ERR_EXISTS;
    }
    sel::Result<> remove(std::string_view path) override {
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
    loader::Started started{.number = 65, .code = 0, .data = {}};
    sel::Result<loader::Started> start(const loader::Start &m) override {
        calls.push_back("start " + std::string{m.path.view()} + " [" + std::string{m.data.view()} +
                        "] give [" + std::string{m.give.view()} + "]" +
                        (m.wait != 0 ? " wait" : ""));
        return started;
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
    sel::Result<u64> uptime_ns() override { return uptime; }
    sel::Result<u64> date() override { return 1'000'000'000; }
    sel::Result<> sleep(u64 ns) override {
        calls.push_back("sleep " + std::to_string(ns));
        return {};
    }
    sel::Result<> halt() override {
        calls.push_back("halt");
        return ERR_IO;
    }
    sel::Result<> reboot() override {
        calls.push_back("reboot");
        return ERR_IO;
    }

  private:
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
};

} // namespace shell
