// A disk with a file system and a Volume on it, for host tests; and host tools on its image.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <unistd.h>

#include "servers/block/ram_disk.hpp"
#include "servers/volume/fat.hpp"
#include "servers/volume/littlefs.hpp"
#include "servers/volume/volume.hpp"

namespace volume {

// A file of its own for this process, removed at the end.
class HostFile {
  public:
    HostFile() : path_{std::filesystem::temp_directory_path() / name()} {}
    ~HostFile() { std::filesystem::remove(path_); }
    HostFile(const HostFile &) = delete;
    HostFile &operator=(const HostFile &) = delete;

    std::string path() const { return path_.string(); }
    std::vector<u8> read() const {
        std::ifstream in{path_, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    void write(const std::vector<u8> &content) const {
        std::ofstream out{path_, std::ios::binary};
        out.write(reinterpret_cast<const char *>(content.data()),
                  static_cast<std::streamsize>(content.size()));
    }

  private:
    static std::string name() {
        static int count = 0;
        return "trustos-" + std::to_string(getpid()) + "-" + std::to_string(count++);
    }
    std::filesystem::path path_;
};

// Exit status of a shell command; its output goes nowhere.
inline int host(const std::string &command) {
    return std::system(("PATH=$PATH:/usr/sbin:/sbin; " + command + " >/dev/null 2>&1").c_str());
}

// What mkfs.vfat makes; `options`: "-F 16".
inline std::vector<u8> fat_image(std::size_t bytes, const std::string &options = "") {
    HostFile file;
    file.write(std::vector<u8>(bytes));
    return host("mkfs.vfat --invariant " + options + " " + file.path()) == 0 ? file.read()
                                                                             : std::vector<u8>{};
}

template <typename Fs>
struct TestDisk {
    static constexpr u32 kPoolPages = 33;

    block::PoolMemory<kPoolPages> memory;
    block::RamDisk disk;
    block::Client client{disk, memory.span()};
    std::unique_ptr<Cache> cache;
    std::unique_ptr<Fs> fs;
    std::unique_ptr<Volume> files;

    // In a partition of our type.
    explicit TestDisk(std::vector<u8> image) : disk{image.size(), memory.span()} {
        disk.image = std::move(image);
        disk.type = block::kSystemType;
    }

    // Forgets all that is in memory, and mounts what is on the disk.
    sel::Result<> start() {
        files.reset();
        fs.reset();
        cache.reset();
        sel::Result<> started = client.start();
        if (!started) {
            return started;
        }
        cache = std::make_unique<Cache>(client);
        fs = std::make_unique<Fs>(*cache);
        sel::Result<> mounted = fs->mount();
        if (mounted.ok()) {
            files = std::make_unique<Volume>(*fs);
            files->set_time(1'700'000'000);
        }
        return mounted;
    }
};

inline std::vector<u8> blank_image(const LittleFs *, std::size_t bytes) {
    return std::vector<u8>(bytes);
}
inline std::vector<u8> blank_image(const Fat *, std::size_t bytes) {
    return fat_image(bytes);
}

inline std::span<const u8> bytes_of(std::string_view text) {
    return {reinterpret_cast<const u8 *>(text.data()), text.size()};
}

// An entry, as a client sees it.
struct Seen {
    u32 next;
    file::Info info;
    std::string name;
};

// The entries that one request is answered with. None: `error` says why.
struct Listing {
    error_t error;
    std::vector<Seen> entries;
};
inline Listing list_some(Volume &files, std::string_view path, u32 position = 0) {
    file::Entries packed;
    Listing listing{files.list(path, position, packed).error(), {}};
    file::Entry entry;
    for (u32 at = 0; packed.take(at, entry);) {
        listing.entries.push_back({entry.next, entry.info, std::string{entry.name}});
    }
    return listing;
}
// All of them.
inline Listing list_all(Volume &files, std::string_view path) {
    Listing all{OK, {}};
    while (all.error == OK) {
        u32 position = all.entries.empty() ? 0 : all.entries.back().next;
        Listing some = list_some(files, path, position);
        all.error = some.error;
        all.entries.insert(all.entries.end(), some.entries.begin(), some.entries.end());
    }
    return all;
}

// All steps of a check.
inline sel::Result<file::Checked> check_all(Volume &files, std::string_view path) {
    sel::Result<file::Checked> found = files.check(path, 0);
    while (found.ok() && found->next != 0) {
        found = files.check(path, found->next);
    }
    return found;
}

// Content of a file as `client` sees it; "?" and the error if it cannot be read.
inline std::string content_of(Volume &files, const std::string &path, u64 client = 99) {
    auto failed = [](error_t error) { return std::string{"?"} + sel::describe(error); };
    sel::Result<u32> handle = files.open(client, path, 0);
    if (!handle) {
        return failed(handle.error());
    }
    std::string content;
    u8 part[file::kChunk];
    for (;;) {
        sel::Result<u32> count = files.read(client, *handle, content.size(), part);
        if (!count || *count == 0) {
            if (!count) {
                content = failed(count.error());
            }
            break;
        }
        content.append(reinterpret_cast<const char *>(part), *count);
    }
    files.close(client, *handle).error();
    return content;
}

// Writes a whole file anew; not synced.
inline sel::Result<> put_file(Volume &files, const std::string &path, std::string_view content,
                              u64 client = 99) {
    sel::Result<u32> handle =
        files.open(client, path, file::kWrite | file::kCreate | file::kTruncate);
    if (!handle) {
        return handle.error();
    }
    sel::Result<> result;
    for (std::size_t at = 0; at < content.size() && result.ok(); at += file::kChunk) {
        result = files.write(client, *handle, at, bytes_of(content.substr(at, file::kChunk)));
    }
    sel::Result<> closed = files.close(client, *handle);
    return result.ok() ? closed : result;
}

} // namespace volume
