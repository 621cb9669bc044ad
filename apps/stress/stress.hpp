// Stress: files whose content is known, and what must be true of them whatever dies meanwhile.
// SPDX-License-Identifier: BSD-2-Clause
//
// Replaced files: version n is written beside, synced, renamed over version n - 1, and all is synced.
// Then no read may find an older one, and never anything but one whole version.
// The updated file: blocks of it are written in place; each must be the version that was last synced,
// or a later one.
// ERR_RESTARTED is no failure: what was not synced is written again.
//
// Files is what is called: `call(m)` as sel::Client<file::Api> has it.
#pragma once

#include <array>
#include <cstring>

#include "servers/file/api.hpp"

#include "sel/format.hpp"

namespace stress {

struct Counts {
    u32 written, read; // Whole files, or blocks.
    u32 repeated;      // Tries that ERR_RESTARTED ended.
    u32 lost;          // Older than what was synced, or not there.
    u32 corrupt;       // Not what was written.
    u32 failed;        // Other errors.
    error_t last;      // Of these.
};

// xorshift64* (Vigna).
class Random {
  public:
    explicit Random(u64 seed) : state_{seed * 2 + 1} {}
    u64 next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1d;
    }
    u32 below(u32 limit) { return static_cast<u32>(next() % limit); }

  private:
    u64 state_;
};

template <typename Files>
class Stress {
  public:
    static constexpr u32 kFiles = 12;
    static constexpr u32 kBlocks = 16;
    static constexpr u32 kBlockBytes = 512;
    static constexpr u32 kTries = 100; // Of one change.

    // The files are made in `directory`, whose parent must be there.
    Stress(Files files, std::string_view directory, u64 seed)
        : files_{files}, directory_{directory}, random_{seed} {}

    // Removes what an earlier run has left. False: it cannot begin.
    bool prepare() {
        life_ = files_.call(file::CloseAll{}).value_or(0);
        error_t made = again([&] { return files_.call(file::MakeDirectory{.data = directory_}); });
        if (made != OK && made != ERR_EXISTS) {
            counts_.last = made;
            return false;
        }
        for (u32 i = 0; i <= kFiles; i++) {
            for (char kind : {'f', 'n'}) {
                file::Path path = name(kind, i);
                error_t gone = again([&] { return files_.call(file::Remove{.data = path}); });
                if (gone != OK && gone != ERR_NAME) {
                    counts_.last = gone;
                    return false;
                }
            }
        }
        return true;
    }

    // One change, one look.
    void round() {
        if (random_.below(3) == 0) {
            update();
        } else {
            replace(random_.below(kFiles));
        }
        look(random_.below(kFiles + 1));
    }

    void look_at_all() {
        for (u32 i = 0; i <= kFiles; i++) {
            look(i);
        }
    }

    const Counts &counts() const { return counts_; }

  private:
    struct Versions {
        u32 synced = 0; // 0: none.
        u32 tried = 0;
    };
    struct Header {
        u32 magic, place, version, bytes;
    };
    static constexpr u32 kMagic = 0x54727573;
    static constexpr u32 kBytesMax = 8192;
    static constexpr u32 kInPlace = kFiles; // Number of the updated file.

    file::Path name(char kind, u32 i) const {
        file::Path path;
        sel::format(path, "{}/{}{}", directory_, kind, i);
        return path;
    }

    // --- Content: a header, then bytes that follow from it.

    static u8 byte_at(const Header &h, u32 k) {
        u32 x = (h.place * 2654435761u) ^ (h.version * 2246822519u) ^ (k * 3266489917u);
        return static_cast<u8>(x >> 13 ^ x >> 24);
    }
    void make_content(u32 place, u32 version, u32 bytes) {
        Header header{kMagic, place, version, bytes};
        for (u32 k = sizeof header; k < bytes; k++) {
            content_[k] = byte_at(header, k);
        }
        std::memcpy(content_, &header, sizeof header);
    }
    // Version of the first `bytes` of the content; 0: it is not a whole one.
    u32 version_of(u32 place, u32 bytes) const {
        Header header;
        std::memcpy(&header, content_, sizeof header);
        bool good = bytes >= sizeof header && header.magic == kMagic && header.place == place &&
                    header.bytes == bytes && header.version != 0;
        for (u32 k = sizeof header; good && k < bytes; k++) {
            good = content_[k] == byte_at(header, k);
        }
        return good ? header.version : 0;
    }
    static u32 bytes_of(u32 place, u32 version) {
        return 100 + (place * 977 + version * 1009) % (kBytesMax - 100);
    }

    // --- Calls.

    // Repeats `change` as long as it is ended by restarts.
    template <typename Change>
    error_t again(Change change) {
        error_t error = ERR_RESTARTED;
        for (u32 i = 0; i < kTries && error == ERR_RESTARTED; i++) {
            error = change().error();
            counts_.repeated += error == ERR_RESTARTED ? 1 : 0;
        }
        return error;
    }

    void failed(error_t error) {
        counts_.failed++;
        counts_.last = error;
    }

    error_t write_all(u32 handle, u32 bytes, u64 offset) {
        error_t error = OK;
        for (u32 done = 0; done < bytes && error == OK;) {
            file::Write m{.handle = handle, .offset = offset + done, .data = {}};
            m.data.assign({content_ + done, bytes - done});
            done += m.data.size;
            error = files_.call(m).error();
        }
        return error;
    }

    sel::Result<u32> read_all(u32 handle, u32 most, u64 offset) {
        u32 done = 0;
        for (;;) {
            u32 count = most - done < file::kChunk ? most - done : file::kChunk;
            auto part =
                files_.call(file::Read{.handle = handle, .count = count, .offset = offset + done});
            if (!part) {
                return part.error();
            }
            std::memcpy(content_ + done, part->data.byte, part->data.size);
            done += part->data.size;
            if (part->data.size == 0 || done == most) {
                return done;
            }
        }
    }

    void close(u32 handle) {
        [[maybe_unused]] auto closed = files_.call(file::Close{.handle = handle});
    }

    // --- Replaced files.

    void replace(u32 i) {
        u32 version = ++files_versions_[i].tried;
        error_t error = again([&] { return sel::Result<>{write_version(i, version)}; });
        if (error == OK) {
            files_versions_[i].synced = version;
            counts_.written++;
        } else {
            failed(error);
        }
    }

    error_t write_version(u32 i, u32 version) {
        file::Path beside = name('n', i), path = name('f', i);
        auto handle = files_.call(
            file::Open{.flags = file::kWrite | file::kCreate | file::kTruncate, .data = beside});
        if (!handle) {
            return handle.error();
        }
        u32 bytes = bytes_of(i, version);
        make_content(i, version, bytes);
        error_t error = write_all(*handle, bytes, 0);
        error = error == OK ? files_.call(file::Sync{.handle = *handle}).error() : error;
        close(*handle);
        error =
            error == OK ? files_.call(file::Rename{.from = beside, .data = path}).error() : error;
        return error == OK ? sync_all() : error;
    }

    // A server that was restarted may have lost the rename, and does not know of it.
    error_t sync_all() {
        sel::Result<u32> life = files_.call(file::SyncAll{});
        if (life.ok() && *life != life_) {
            life_ = *life;
            return ERR_RESTARTED;
        }
        return life.error();
    }

    // --- The updated file.

    void update() {
        std::array<bool, kBlocks> chosen{};
        for (u32 n = 1 + random_.below(4); n > 0; n--) {
            u32 block = random_.below(kBlocks);
            chosen[block] = true;
            blocks_[block].tried++;
        }
        error_t error = again([&] { return sel::Result<>{write_blocks(chosen)}; });
        if (error != OK) {
            failed(error);
            return;
        }
        for (u32 block = 0; block < kBlocks; block++) {
            blocks_[block].synced = blocks_[block].tried;
            counts_.written += chosen[block] ? 1 : 0;
        }
    }

    error_t write_blocks(const std::array<bool, kBlocks> &chosen) {
        if (!open_) {
            auto handle = files_.call(
                file::Open{.flags = file::kWrite | file::kCreate, .data = name('f', kInPlace)});
            if (!handle) {
                return handle.error();
            }
            handle_ = *handle;
            open_ = true;
        }
        error_t error = OK;
        for (u32 block = 0; block < kBlocks && error == OK; block++) {
            // A handle that was lost begins anew with all that has not been synced.
            if (chosen[block] || blocks_[block].synced != blocks_[block].tried) {
                make_content(block, blocks_[block].tried, kBlockBytes);
                error = write_all(handle_, kBlockBytes, u64{block} * kBlockBytes);
            }
        }
        error = error == OK ? files_.call(file::Sync{.handle = handle_}).error() : error;
        if (error != OK) {
            close(handle_);
            open_ = false;
        }
        return error;
    }

    // --- Looking.

    void look(u32 i) {
        Versions versions = i == kInPlace ? Versions{} : files_versions_[i];
        error_t error = again([&] { return sel::Result<>{look_once(i)}; });
        if (error == ERR_NAME && i != kInPlace) {
            counts_.lost += versions.synced != 0 ? 1 : 0;
        } else if (error == ERR_NAME) {
            for (const Versions &block : blocks_) {
                counts_.lost += block.synced != 0 ? 1 : 0;
            }
        } else if (error != OK) {
            failed(error);
        }
    }

    error_t look_once(u32 i) {
        auto handle = files_.call(file::Open{.flags = 0, .data = name('f', i)});
        if (!handle) {
            return handle.error();
        }
        Counts before = counts_;
        error_t error = i == kInPlace ? look_at_blocks(*handle) : look_at_file(*handle, i);
        close(*handle);
        if (error != OK) {
            counts_ = before;
        }
        return error;
    }

    error_t look_at_file(u32 handle, u32 i) {
        sel::Result<u32> bytes = read_all(handle, kBytesMax, 0);
        if (bytes.ok()) {
            judge(version_of(i, *bytes), files_versions_[i]);
        }
        return bytes.error();
    }

    error_t look_at_blocks(u32 handle) {
        for (u32 block = 0; block < kBlocks; block++) {
            sel::Result<u32> bytes = read_all(handle, kBlockBytes, u64{block} * kBlockBytes);
            if (!bytes) {
                return bytes.error();
            }
            if (blocks_[block].synced != 0) { // Else a gap, or what comes behind the end.
                judge(version_of(block, *bytes), blocks_[block]);
            }
        }
        return OK;
    }

    void judge(u32 version, const Versions &versions) {
        counts_.read++;
        counts_.corrupt += version == 0 || version > versions.tried ? 1 : 0;
        counts_.lost += version != 0 && version < versions.synced ? 1 : 0;
    }

    Files files_;
    file::Path directory_;
    Random random_;
    Counts counts_{};
    u32 life_ = 0; // Of the server, when it last synced all.
    std::array<Versions, kFiles> files_versions_{};
    std::array<Versions, kBlocks> blocks_{};
    bool open_ = false;
    u32 handle_ = 0; // Of the updated file, kept open across deaths.
    u8 content_[kBytesMax];
};

} // namespace stress
