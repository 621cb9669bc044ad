// FakeFs: a file system in a map, that dies when told to and then has only what was synced.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "servers/file/api.hpp"

namespace vfs {

class FakeFs {
  public:
    static constexpr char kDirectory[] = "<directory>";
    std::map<std::string, std::string> node{{"/", kDirectory}}, disk = node;
    std::map<u32, std::string> open; // Handle: path.
    std::map<std::string, std::string> *shared =
        nullptr;                       // Regions of clients, by name: their bytes.
    std::map<u32, std::string> window; // By number: the region that vfs has lent.
    u32 life = 1;
    u32 calls = 0;
    int die_at = -1;          // In the call that finds 0 here: after it was done,
    bool die_before = false;  // or before.
    bool always_dies = false; // In every call.
    bool left = false;        // By the last CloseAll: the disk may be somebody else's.
    error_t broken = OK;      // What all calls answer.
    std::function<void(sel::Regs &)> spoil; // Changes its answers.
    u32 batch = 100;                        // Entries in an answer.
    u32 skew = 0;                           // Its positions are wrong by that.
    std::string any_case = "?";             // Below this, Resolve takes capitals for small letters.

    void die() {
        node = disk;
        open.clear();
        window.clear();
        next_ = 0;
        left = false;
        life++;
    }
    void put(const std::string &path, const std::string &text) { node[path] = disk[path] = text; }

    template <typename M>
    sel::Result<typename M::Answer> call(const M &m, const std::string &token) {
        calls++;
        token_ = token;
        if (broken != OK) {
            return broken;
        }
        bool dies = always_dies || die_at == 0;
        die_at -= die_at >= 0 ? 1 : 0;
        if (dies && die_before) {
            die();
            return ERR_RESTARTED;
        }
        sel::Result<typename M::Answer> answer = on(m);
        if (dies) {
            die();
            return ERR_RESTARTED;
        }
        return answer;
    }

  private:
    bool has(std::string_view path) const { return node.contains(std::string{path}); }
    bool is_directory(std::string_view path) const {
        return has(path) && node.at(std::string{path}) == kDirectory;
    }
    static std::string parent(std::string_view path) {
        std::size_t slash = path.rfind('/');
        return std::string{path.substr(0, slash == 0 ? 1 : slash)};
    }
    file::Info info(const std::string &text) const {
        bool directory = text == kDirectory;
        return {directory ? file::Kind::Directory : file::Kind::File, 0,
                directory ? 0 : text.size(), 0};
    }
    error_t check(u32 handle) const {
        sel::Result<u32> index = file::Life{life}.open(handle);
        if (!index) {
            return index.error();
        }
        return !open.contains(handle) ? ERR_ARG : has(open.at(handle)) ? OK : ERR_GONE;
    }

    sel::Result<file::Info> on(const file::Stat &m) {
        return has(m.data) ? sel::Result{info(node.at(std::string{m.data.view()}))} : ERR_NAME;
    }
    sel::Result<file::Spelling> on(const file::Resolve &m) {
        std::string path{m.data.view()};
        if (path.starts_with(any_case)) { // One file under many names.
            std::transform(path.begin(), path.end(), path.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        }
        return has(path) ? sel::Result{file::Spelling{std::string_view{path}}} : ERR_NAME;
    }
    sel::Result<u32> on(const file::Open &m) {
        if (is_directory(m.data)) {
            return ERR_DIRECTORY;
        }
        if (!has(m.data) && ((m.flags & file::kCreate) == 0 || !is_directory(parent(m.data)))) {
            return ERR_NAME;
        }
        std::string path{m.data.view()};
        if (!has(path) || (m.flags & file::kTruncate) != 0) {
            node[path] = "";
        }
        u32 handle = file::Life{life}.seal(next_++);
        open[handle] = path;
        return handle;
    }
    sel::Result<> on(const file::Close &m) {
        error_t error = check(m.handle);
        open.erase(m.handle);
        return error == ERR_GONE ? OK : error;
    }
    sel::Result<u32> on(const file::CloseAll &m) {
        open.clear();
        window.clear();
        left = m.leave == 1;
        return life;
    }
    sel::Result<file::Content> on(const file::Read &m) {
        if (error_t error = check(m.handle); error != OK) {
            return error;
        }
        const std::string &text = node.at(open.at(m.handle));
        file::Content content;
        if (m.offset < text.size()) {
            std::string part = text.substr(m.offset, m.count);
            content.data.assign({reinterpret_cast<const u8 *>(part.data()), part.size()});
        }
        return content;
    }
    sel::Result<> on(const file::Write &m) {
        if (error_t error = check(m.handle); error != OK) {
            return error;
        }
        std::string &text = node.at(open.at(m.handle));
        text.resize(std::max<std::size_t>(text.size(), m.offset + m.data.size));
        text.replace(m.offset, m.data.size, reinterpret_cast<const char *>(m.data.byte),
                     m.data.size);
        return {};
    }
    sel::Result<u32> on(const file::ReadInto &m) {
        sel::Result<file::Content> read =
            on(file::Read{.handle = m.handle, .count = m.count, .offset = m.offset});
        if (!read) {
            return read.error();
        }
        if (!window.contains(m.window)) {
            return ERR_RIGHT;
        }
        shared->at(window.at(m.window))
            .replace(m.place, read->data.size, reinterpret_cast<const char *>(read->data.byte),
                     read->data.size);
        return read->data.size;
    }
    sel::Result<u32> on(const file::Fetch &m) {
        sel::Result<u32> handle = on(file::Open{.flags = 0, .data = m.data});
        if (!handle) {
            return handle;
        }
        sel::Result<u32> read = on(file::ReadInto{.handle = *handle,
                                                  .count = m.count,
                                                  .offset = m.offset,
                                                  .place = m.place,
                                                  .window = m.window});
        open.erase(*handle);
        return read;
    }
    sel::Result<> on(const file::Lend &m) {
        if (token_.empty()) {
            window.erase(m.window);
        } else if (!shared->contains(token_)) {
            return ERR_ARG;
        } else {
            window[m.window] = token_;
        }
        return {};
    }
    sel::Result<> on(const file::WriteFrom &m) {
        if (!window.contains(m.window)) {
            return ERR_RIGHT;
        }
        std::string text = shared->at(window.at(m.window)).substr(m.place, m.count);
        file::Write write{.handle = m.handle, .offset = m.offset};
        write.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        return on(write);
    }
    sel::Result<> on(const file::Append &m) {
        error_t error = check(m.handle);
        if (error == OK) {
            node.at(open.at(m.handle))
                .append(reinterpret_cast<const char *>(m.data.byte), m.data.size);
        }
        return error;
    }
    sel::Result<> on(const file::Truncate &m) {
        error_t error = check(m.handle);
        if (error == OK) {
            node.at(open.at(m.handle)).resize(m.bytes);
        }
        return error;
    }
    sel::Result<file::Entries> on(const file::List &m) {
        if (!is_directory(m.data)) {
            return has(m.data) ? ERR_DIRECTORY : ERR_NAME;
        }
        u32 place = 0;
        file::Entries entries;
        for (auto &[path, text] : node) {
            if (path != "/" && parent(path) == m.data.view() && place++ >= m.position &&
                place <= m.position + batch && entries.has_room()) {
                std::string_view name = path;
                entries.add(skew + place, info(text), name.substr(name.rfind('/') + 1));
            }
        }
        return entries.data.size != 0 ? sel::Result{entries} : ERR_EMPTY;
    }
    sel::Result<> on(const file::MakeDirectory &m) {
        if (has(m.data) || !is_directory(parent(m.data))) {
            return has(m.data) ? ERR_EXISTS : ERR_NAME;
        }
        node[std::string{m.data.view()}] = kDirectory;
        return {};
    }
    sel::Result<> on(const file::Remove &m) {
        if (m.data == "/") {
            return ERR_ARG;
        }
        return node.erase(std::string{m.data.view()}) == 1 ? OK : ERR_NAME;
    }
    sel::Result<> on(const file::Rename &m) {
        if (m.data == "/" || m.from == "/" || !has(m.from)) {
            return has(m.from) ? ERR_ARG : ERR_NAME;
        }
        std::string from{m.from.view()}, to{m.data.view()};
        std::map<std::string, std::string> moved;
        for (auto at = node.begin(); at != node.end();) {
            bool inside = at->first == from || at->first.starts_with(from + "/");
            if (inside) {
                moved[to + at->first.substr(from.size())] = at->second;
            }
            at = inside ? node.erase(at) : std::next(at);
        }
        for (auto &[handle, path] : open) {
            bool inside = path == from || path.starts_with(from + "/");
            path = inside ? to + path.substr(from.size()) : path == to ? "/gone" : path;
        }
        for (auto &[path, text] : moved) {
            node[path] = text;
        }
        return {};
    }
    sel::Result<file::Usage> on(const file::GetUsage &) {
        return file::Usage{node.size(), 100, static_cast<u32>(node.size()), 100};
    }
    sel::Result<> on(const file::Sync &m) {
        error_t error = check(m.handle);
        if (error == OK) {
            disk[open.at(m.handle)] = node.at(open.at(m.handle));
        }
        return error;
    }
    sel::Result<u32> on(const file::SyncAll &) {
        disk = node;
        return life;
    }
    sel::Result<file::Checked> on(const file::Check &) {
        return file::Checked{0, static_cast<u32>(node.size()), 1, 0, 0, 0};
    }

    u32 next_ = 0;
    std::string token_; // That came along with the present call.
};

// The file system's thread: it takes a message apart, and answers in its place.
struct FakeThread {
    FakeFs &fs;
    std::string token;

    template <typename M>
    bool on(M &m, sel::Caller, sel::Regs &r) {
        if constexpr (std::is_same_v<M, file::Watch>) {
            sel::store_error(r, ERR_PROTOCOL);
        } else {
            sel::store_answer(r, fs.call(m, token));
        }
        return true;
    }
};

// What a Mounted calls. `slots`: the capabilities of vfs, by name.
struct Remote {
    FakeFs *fs;
    const std::map<cptr_t, std::string> *slots;

    void exchange(sel::Regs &r) const {
        FakeThread thread{*fs, {}};
        if (r.has_capability()) {
            auto token = slots->find(sel::ipc_buffer()[BUFFER_CAP_SEND]);
            thread.token = token != slots->end() ? token->second : ""; // Then none comes along.
            r.info &= ~u64{INFO_CAP};
        }
        file::Api::dispatch(thread, r, thread);
        r.number = OK;
        if (fs->spoil) {
            fs->spoil(r);
        }
    }
};

} // namespace vfs
