// Fat: the calls of oofatfs, each bounded, and what it calls.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fat.hpp"

#include <algorithm>
#include <cstring>

#include "servers/volume/signature.hpp"

#include "sel/format.hpp"

#include <diskio.h>

namespace volume {
namespace {

// Room for what one operation may do: far more than a sound disk needs.
constexpr u32 kCallsPerOperation = 100'000;
constexpr u32 kCallsPerCluster = 4;

constexpr u64 kGapMax = 4 << 20; // What one call may fill with zeroes.
constexpr u32 kZeroes = 4096;
constexpr u32 kStepsMax = 1000;         // Entries that list() looks at.
constexpr u32 kDirectoryMax = 0x200000; // Bytes of a directory (MAX_DIR of the library).
constexpr u32 kCheckUnits = 2000;       // Of one step of a check.
constexpr u64 kDay = 86400;

u64 time_now; // For get_fattime(), which is told nothing.

// Days since 1970 of a date, after Howard Hinnant's days_from_civil (public domain).
u64 days_of(u32 year, u32 month, u32 day) {
    u32 y = month <= 2 ? year - 1 : year;
    u32 era = y / 400, of_era = y % 400;
    u32 of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return u64{era} * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

u64 seconds_in_day(WORD time) {
    return (time >> 11) * 3600u + (time >> 5 & 63) * 60u + (time & 31) * 2u;
}

u64 seconds_of(WORD date, WORD time) {
    u32 month = date >> 5 & 15, day = date & 31;
    if (month < 1 || month > 12 || day < 1) {
        return 0;
    }
    return days_of(1980 + (date >> 9), month, day) * kDay + seconds_in_day(time);
}

NodeInfo info_of(const FILINFO &info) {
    bool directory = (info.fattrib & AM_DIR) != 0;
    return {directory, directory ? 0 : u64{info.fsize}, seconds_of(info.fdate, info.ftime)};
}

error_t to_error(FRESULT result, error_t denied) {
    switch (result) {
    case FR_OK:
        return OK;
    case FR_NO_FILE:
    case FR_NO_PATH:
    case FR_NO_FILESYSTEM:
        return ERR_NAME;
    case FR_INVALID_NAME:
        return ERR_SYNTAX;
    case FR_DENIED:
        return denied;
    case FR_EXIST:
        return ERR_EXISTS;
    case FR_LOCKED:
        return ERR_BUSY;
    case FR_TOO_MANY_OPEN_FILES:
        return ERR_FULL;
    case FR_WRITE_PROTECTED:
        return ERR_RIGHT;
    default:
        return ERR_IO;
    }
}

} // namespace

// --- What the library calls.

extern "C" DWORD get_fattime() {
    u64 days = time_now / kDay, second = time_now % kDay;
    u32 year = 1980;
    while (year < 2107 && days_of(year + 1, 1, 1) <= days) {
        year++;
    }
    u32 month = 1;
    while (month < 12 && days_of(year, month + 1, 1) <= days) {
        month++;
    }
    u64 first = days_of(year, month, 1);
    u64 day = days >= first ? std::min<u64>(days - first + 1, 31) : 1;
    return static_cast<DWORD>((year - 1980) << 25 | month << 21 | day << 16 | second / 3600 << 11 |
                              second / 60 % 60 << 5 | second % 60 / 2);
}

extern "C" DRESULT disk_read(void *drive, BYTE *to, DWORD sector, UINT count) {
    auto &cache = static_cast<Fat *>(drive)->cache();
    u32 bytes = static_cast<Fat *>(drive)->sector_bytes();
    std::span<u8> out{to, std::size_t{count} * bytes};
    return cache.read(u64{sector} * bytes, out).ok() ? RES_OK : RES_ERROR;
}

extern "C" DRESULT disk_write(void *drive, const BYTE *from, DWORD sector, UINT count) {
    auto &cache = static_cast<Fat *>(drive)->cache();
    u32 bytes = static_cast<Fat *>(drive)->sector_bytes();
    std::span<const u8> data{from, std::size_t{count} * bytes};
    return cache.write(u64{sector} * bytes, data).ok() ? RES_OK : RES_ERROR;
}

// CTRL_SYNC does nothing: commit() and sync() flush, not every call.
extern "C" DRESULT disk_ioctl(void *drive, BYTE command, void *out) {
    auto &fat = *static_cast<Fat *>(drive);
    switch (command) {
    case IOCTL_INIT:
    case IOCTL_STATUS:
        *static_cast<DSTATUS *>(out) = fat.cache().read_only() ? STA_PROTECT : 0;
        break;
    case GET_SECTOR_SIZE:
        *static_cast<WORD *>(out) = static_cast<WORD>(fat.sector_bytes());
        break;
    case GET_SECTOR_COUNT:
        *static_cast<DWORD *>(out) = fat.sectors();
        break;
    case GET_BLOCK_SIZE:
        *static_cast<DWORD *>(out) = 1;
        break;
    default:
        break;
    }
    return RES_OK;
}

// --- Names.

void Fat::begin() {
    u64 calls = kCallsPerOperation + u64{kCallsPerCluster} * fs_.n_fatent;
    cache_.allow(static_cast<u32>(std::min<u64>(calls, Cache::kUnlimited - 1)));
    time_now = time_;
}

// `denied`: what FR_DENIED means here.
sel::Result<> Fat::done(FRESULT result, error_t denied) {
    cache_.allow(Cache::kUnlimited);
    return to_error(result, denied);
}

// The same of something with a name. A file in the middle of a path is told from a missing name.
sel::Result<> Fat::done(FRESULT result, const Path &path, error_t denied) {
    if (result == FR_NO_PATH) {
        Path part = path;
        while (!part.is_root()) {
            part = *Path::parse(part.parent());
            FILINFO info;
            if (!part.is_root() && f_stat(&fs_, part.c_str(), &info) == FR_OK &&
                (info.fattrib & AM_DIR) == 0) {
                result = FR_OK;
                denied = ERR_DIRECTORY;
                break;
            }
        }
        cache_.allow(Cache::kUnlimited);
        return result == FR_OK ? denied : ERR_NAME;
    }
    return done(result, denied);
}

// Sectors as the disk has them; a FAT may also be made of longer ones.
u32 Fat::sectors() const {
    return static_cast<u32>(std::min<u64>(cache_.bytes() / sector_bytes_, ~u32{0}));
}

// What its boot sector says of sizes: the library takes FATs that are larger than their disk.
sel::Result<> Fat::check_size() {
    constexpr u32 kBytesAt = 11, kShortAt = 19, kLongAt = 32;
    std::array<u8, Cache::kSectorBytes> boot;
    sel::Result<> read = cache_.read(0, boot);
    if (!read) {
        return read;
    }
    auto word = [&](u32 at) { return boot[at] | u32{boot[at + 1]} << 8; };
    u64 all = word(kShortAt) != 0 ? word(kShortAt) : word(kLongAt) | word(kLongAt + 2) << 16;
    u32 bytes = word(kBytesAt);
    bool known = bytes == FF_MIN_SS || bytes == 1024 || bytes == 2048 || bytes == FF_MAX_SS;
    sector_bytes_ = known ? bytes : u32{FF_MIN_SS};
    if (known && all * bytes > cache_.bytes()) {
        sel::format(note_, "its FAT has {} KiB, the partition {}", all * bytes >> 10,
                    cache_.bytes() >> 10);
        return ERR_NAME;
    }
    return {};
}

sel::Result<> Fat::mount() {
    note_ = {};
    sel::Result<> mounted = check_size();
    if (!mounted) {
        return mounted;
    }
    begin();
    mounted = done(f_mount(&fs_), ERR_IO);
    if (mounted.error() == ERR_NAME) {
        sel::Result<std::string_view> found = find_signature(cache_);
        note_ = "holds ";
        note_.append(found.value_or("").empty() ? "nothing known, expected FAT" : *found);
    }
    // The library also looks into a table of partitions, whose sizes nobody has checked.
    u64 end = u64{fs_.database} + u64{fs_.n_fatent - 2} * fs_.csize;
    if (mounted.ok() && end > sectors()) {
        note_ = "holds a FAT that ends behind the partition";
        f_umount(&fs_);
        return ERR_NAME;
    }
    return mounted;
}

sel::Result<> Fat::format(bool force) {
    close_cursor();
    if (sel::Result<> cleared = clear_for_format(cache_, force, note_); !cleared) {
        return cleared;
    }
    static std::array<u8, 4 * FF_MAX_SS> work; // One thread, and no room on the stack.
    sector_bytes_ = cache_.disk().sector_bytes;
    sel::Result<> made =
        to_error(f_mkfs(&fs_, FM_FAT | FM_FAT32 | FM_SFD, 0, work.data(), work.size()), ERR_IO);
    return made.ok() ? cache_.flush() : made;
}

// Goes to `name` in the directory `path`, as it is spelled there.
sel::Result<NodeInfo> Fat::step(Path &path, std::string_view name) {
    Path asked = path;
    if (!asked.enter(name)) {
        return ERR_SYNTAX;
    }
    FILINFO info;
    sel::Result<> found = done(f_stat(&fs_, asked.c_str(), &info), asked, ERR_IO);
    if (!found) {
        return found.error();
    }
    for (const char *spelled : {info.fname, info.altname}) {
        if (Path::is_name(spelled) && path.enter(spelled)) {
            return info_of(info);
        }
    }
    path = asked; // On a damaged disk.
    return info_of(info);
}

sel::Result<NodeInfo> Fat::stat(Path &path) {
    Path spelled;
    sel::Result<NodeInfo> node = NodeInfo{true, 0, 0};
    for (std::string_view rest = path.view().substr(1); !rest.empty() && node.ok();) {
        std::string_view name = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        begin();
        node = node->directory ? step(spelled, name) : ERR_DIRECTORY;
    }
    path = node.ok() ? spelled : path;
    return node;
}

sel::Result<> Fat::make_directory(const Path &path) {
    close_cursor();
    begin();
    return done(f_mkdir(&fs_, path.c_str()), path, ERR_FULL);
}

sel::Result<> Fat::remove(const Path &path) {
    close_cursor();
    begin();
    FILINFO info;
    FRESULT found = f_stat(&fs_, path.c_str(), &info);
    if (found != FR_OK) {
        return done(found, path, ERR_IO);
    }
    error_t denied = (info.fattrib & AM_RDO) != 0 ? ERR_RIGHT : ERR_CHILDREN;
    return done(f_unlink(&fs_, path.c_str()), path, denied);
}

// Denied is an unlink of what is read-only, or a name for which the root directory has no room.
sel::Result<> Fat::rename(const Path &from, const Path &to) {
    close_cursor();
    begin();
    FRESULT result = f_rename(&fs_, from.c_str(), to.c_str());
    error_t denied = ERR_FULL;
    if (result == FR_EXIST) {
        result = f_unlink(&fs_, to.c_str());
        denied = ERR_RIGHT;
        if (result == FR_OK) {
            result = f_rename(&fs_, from.c_str(), to.c_str());
            denied = ERR_FULL;
        }
    }
    return done(result, from, denied);
}

// --- Listing: the library's open directory is kept where it is for the next call.

void Fat::close_cursor() {
    if (listing_) {
        listing_ = false;
        f_closedir(&cursor_);
    }
}

bool Fat::at_cursor(const Path &path, u32 position) const {
    return listing_ && position != 0 && listed_ == position && listed_path_.view() == path.view();
}

// Positions are counts of entries read.
sel::Result<> Fat::point_cursor(const Path &path, u32 position) {
    if (at_cursor(path, position)) {
        return {};
    }
    close_cursor();
    FRESULT opened = f_opendir(&fs_, &cursor_, path.c_str());
    if (opened != FR_OK) {
        return opened == FR_NO_PATH ? ERR_DIRECTORY : to_error(opened, ERR_IO);
    }
    listing_ = true;
    listed_path_ = path;
    for (listed_ = 0; listed_ < position; listed_++) {
        FILINFO info;
        FRESULT read = f_readdir(&cursor_, &info);
        if (read != FR_OK || info.fname[0] == 0) {
            return read != FR_OK ? to_error(read, ERR_IO) : ERR_EMPTY;
        }
    }
    return {};
}

// A directory is read, entry for entry, at one time of day after another: what is the same is not worked out anew.
u64 Fat::seconds_at(u16 date, u16 time) {
    if (date != date_) {
        date_ = date;
        date_seconds_ = seconds_of(date, 0);
    }
    return date_seconds_ == 0 ? 0 : date_seconds_ + seconds_in_day(time);
}

// The records from the cursor on that lie in its cluster and in one page of the cache. `left`: bytes to the end of the
// cluster. Empty: they are not there, or the library has newer ones.
std::span<const u8> Fat::records_near(u32 &left) {
    u32 at = cursor_.dptr, sector = fs_.ssize;
    u32 all = cursor_.clust != 0 ? fs_.csize * sector : fs_.n_rootdir * FatRecord::kBytes;
    left = cursor_.clust != 0 ? all - at % all : all - std::min(at, all);
    u64 place = u64{cursor_.sect} * sector + at % sector;
    u32 count = std::min(left, Cache::kPageBytes - static_cast<u32>(place % Cache::kPageBytes));
    bool there = cursor_.sect != 0 && fs_.wflag == 0 && at < kDirectoryMax - count;
    const u8 *records = there ? cache_.peek(place, count) : nullptr;
    return {records, records != nullptr ? count : 0};
}

// Plain entries from the cursor on, read where they stand, with something behind each. False: there is none.
bool Fat::read_near(file::Entries &out) {
    u32 left = 0, used = 0;
    std::span<const u8> records = records_near(left);
    for (FatRecord record; record.read(records.subspan(used)) && used + record.used < left;) {
        u64 bytes = record.directory ? 0 : record.bytes;
        u64 changed = seconds_at(record.date, record.time);
        if (!Path::is_name(record.name()) ||
            !out.add(listed_ + 1, info({record.directory, bytes, changed}), record.name())) {
            break;
        }
        listed_++;
        used += record.used;
    }
    u32 sector = fs_.ssize, at = cursor_.dptr % sector + used;
    cursor_.sect += at / sector;
    cursor_.dptr += used;
    cursor_.dir = fs_.win + at % sector;
    return used != 0;
}

// From the cursor on.
sel::Result<> Fat::read_entries(file::Entries &out) {
    for (u32 steps = 0; out.has_room() && steps < kStepsMax; steps++) {
        if (read_near(out)) {
            continue;
        }
        FILINFO info;
        sel::Result<> read = to_error(f_readdir(&cursor_, &info), ERR_IO);
        if (!read || info.fname[0] == 0) {
            return read.ok() ? ERR_EMPTY : read.error();
        }
        listed_++;
        for (std::string_view name : {info.fname, info.altname}) {
            if (Path::is_name(name)) {
                out.add(listed_, this->info(info_of(info)), name);
                break;
            }
        }
    }
    return out.data.size != 0 ? OK : ERR_IO; // Nothing in that many steps.
}

sel::Result<> Fat::list(const Path &path, u32 position, file::Entries &out) {
    Path spelled = path;
    sel::Result<NodeInfo> directory =
        at_cursor(path, position) ? NodeInfo{true, 0, 0} : stat(spelled);
    if (!directory || !directory->directory) {
        return directory.ok() ? ERR_DIRECTORY : directory.error();
    }
    begin();
    sel::Result<> read = point_cursor(path, position);
    if (read.ok()) {
        read = read_entries(out);
    }
    cache_.allow(Cache::kUnlimited);
    if (!read && read.error() != ERR_EMPTY) {
        close_cursor();
    }
    return out.data.size != 0 ? OK : read;
}

// --- Content.

sel::Result<> Fat::open(u32 object, const Path &path, Mode mode) {
    begin();
    BYTE flags = mode == Mode::Read ? FA_READ : FA_READ | FA_WRITE;
    flags |= mode == Mode::Create ? FA_OPEN_ALWAYS : FA_OPEN_EXISTING;
    error_t denied = mode == Mode::Create ? ERR_FULL : ERR_RIGHT;
    forget_runs(object_[object]);
    return done(f_open(&fs_, &object_[object].file, path.c_str(), flags), path, denied);
}

sel::Result<> Fat::close(u32 object) {
    begin();
    FRESULT synced = f_sync(&object_[object].file);
    drop(object);
    return done(synced, ERR_IO);
}

void Fat::drop(u32 object) {
    object_[object].file.flag = 0; // Nothing to be written: closing cannot fail.
    f_close(&object_[object].file);
}

// Its chain is going to change.
void Fat::forget_runs(Object &object) {
    object.file.cltbl = nullptr;
    object.scattered = false;
}

// Elsewhere than where the file is read or written already its runs are looked up, once.
FRESULT Fat::seek(Object &object, u64 offset) {
    FIL &file = object.file;
    u64 now = f_tell(&file) / cluster_bytes(), then = offset / cluster_bytes();
    if (then != now && then != now + 1 && file.cltbl == nullptr && !object.scattered) {
        object.runs[0] = kRunWords;
        file.cltbl = object.runs.data();
        FRESULT mapped = f_lseek(&file, CREATE_LINKMAP);
        if (mapped != FR_OK) {
            file.cltbl = nullptr;
        }
        object.scattered = mapped == FR_NOT_ENOUGH_CORE;
        if (mapped != FR_OK && !object.scattered) {
            return mapped;
        }
    }
    return f_lseek(&file, static_cast<FSIZE_t>(offset));
}

// The whole sectors at `offset` that lie in one run, all at once: the library would ask for each cluster.
// 0: there are none, or the library has one of them in its window and not yet on the disk.
sel::Result<u32> Fat::read_run(const Object &object, u64 offset, std::span<u8> out) {
    const DWORD *run = object.file.cltbl;
    if (run == nullptr || offset % sector_bytes_ != 0) {
        return u32{0};
    }
    u64 sector = offset / sector_bytes_;
    for (run++; run[0] != 0 && sector >= u64{run[0]} * fs_.csize; run += 2) {
        sector -= u64{run[0]} * fs_.csize;
    }
    u64 count = std::min<u64>(out.size() / sector_bytes_, u64{run[0]} * fs_.csize - sector);
    if (run[0] == 0 || count == 0) {
        return u32{0};
    }
    u64 first = fs_.database + u64{run[1] - 2} * fs_.csize + sector;
    if (fs_.wflag != 0 && fs_.winsect - first < count) {
        return u32{0};
    }
    out = out.first(static_cast<std::size_t>(count * sector_bytes_));
    sel::Result<> read = cache_.read(first * sector_bytes_, out);
    return read.ok() ? sel::Result{static_cast<u32>(out.size())} : ERR_IO;
}

sel::Result<u32> Fat::read_runs(const Object &object, u64 offset, std::span<u8> out) {
    u32 all = 0;
    while (all < out.size()) {
        sel::Result<u32> count = read_run(object, offset + all, out.subspan(all));
        if (!count || *count == 0) {
            return count.ok() ? sel::Result{all} : count;
        }
        all += *count;
    }
    return all;
}

sel::Result<u32> Fat::read(u32 object, u64 offset, std::span<u8> out) {
    Object &o = object_[object];
    if (offset >= f_size(&o.file)) {
        return u32{0};
    }
    out = out.first(static_cast<std::size_t>(std::min<u64>(out.size(), f_size(&o.file) - offset)));
    begin();
    sel::Result<u32> direct = read_runs(o, offset, out);
    UINT count = 0;
    FRESULT result = direct.ok() ? FR_OK : FR_DISK_ERR;
    if (direct.ok() && *direct < out.size()) {
        out = out.subspan(*direct);
        result = seek(o, offset + *direct);
        result = result == FR_OK
                     ? f_read(&o.file, out.data(), static_cast<UINT>(out.size()), &count)
                     : result;
    }
    sel::Result<> read = done(result, ERR_IO);
    return read.ok() ? sel::Result{*direct + count} : read.error();
}

// Are there clusters for a file of `end` bytes?
sel::Result<> Fat::make_room(FIL &file, u64 end) {
    u64 size = f_size(&file);
    if (end > bytes_max() || (end > size && end - size > kGapMax)) {
        return ERR_FULL;
    }
    if (end <= size) {
        return {};
    }
    DWORD free;
    FRESULT result = f_getfree(&fs_, &free);
    if (result != FR_OK) {
        return to_error(result, ERR_IO);
    }
    u64 cluster = cluster_bytes();
    u64 has = (size + cluster - 1) / cluster, needed = (end + cluster - 1) / cluster;
    return needed <= has + free ? sel::Result<>{} : ERR_FULL;
}

sel::Result<> Fat::put(FIL &file, std::span<const u8> data) {
    UINT count = 0;
    FRESULT result = f_write(&file, data.data(), static_cast<UINT>(data.size()), &count);
    if (result != FR_OK) {
        return to_error(result, ERR_IO);
    }
    return count == data.size() ? sel::Result<>{} : ERR_FULL;
}

// Zeroes up to `bytes`. The library itself would leave what was on the disk before.
sel::Result<> Fat::extend(FIL &file, u64 bytes) {
    static constexpr std::array<u8, kZeroes> zeroes{};
    if (f_size(&file) >= bytes) {
        return {};
    }
    sel::Result<> result = to_error(f_lseek(&file, f_size(&file)), ERR_IO);
    while (result.ok() && f_size(&file) < bytes) {
        u64 count = std::min<u64>(kZeroes - f_size(&file) % kZeroes, bytes - f_size(&file));
        result = put(file, {zeroes.data(), static_cast<std::size_t>(count)});
    }
    return result;
}

sel::Result<> Fat::write(u32 object, u64 offset, std::span<const u8> data) {
    FIL &file = object_[object].file;
    if (offset > bytes_max()) {
        return ERR_FULL;
    }
    begin();
    u64 size = f_size(&file);
    bool grows = offset + data.size() > size;
    if (grows) {
        forget_runs(object_[object]);
    }
    sel::Result<> result = make_room(file, offset + data.size());
    if (result.ok()) {
        result = extend(file, offset);
    }
    if (result.ok()) {
        result = to_error(grows ? f_lseek(&file, static_cast<FSIZE_t>(offset))
                                : seek(object_[object], offset),
                          ERR_IO);
    }
    if (result.ok()) {
        result = put(file, data);
    }
    if (!result && f_size(&file) > size) {
        f_lseek(&file, static_cast<FSIZE_t>(size));
        f_truncate(&file);
    }
    cache_.allow(Cache::kUnlimited);
    return result;
}

sel::Result<> Fat::truncate(u32 object, u64 bytes) {
    FIL &file = object_[object].file;
    begin();
    forget_runs(object_[object]);
    sel::Result<> result = make_room(file, bytes);
    if (result.ok()) {
        result = extend(file, bytes);
    }
    if (result.ok() && f_size(&file) > bytes) {
        FRESULT cut = f_lseek(&file, static_cast<FSIZE_t>(bytes));
        result = to_error(cut == FR_OK ? f_truncate(&file) : cut, ERR_IO);
    }
    cache_.allow(Cache::kUnlimited);
    return result;
}

sel::Result<> Fat::commit(u32 object) {
    begin();
    sel::Result<> written = done(f_sync(&object_[object].file), ERR_IO);
    return written.ok() ? cache_.flush() : written;
}

sel::Result<> Fat::begin_check(bool repair) {
    if (fs_.fs_type == 0) {
        return ERR_NAME; // There is no FAT.
    }
    return repair && read_only() ? ERR_RIGHT : check_.begin(cache_, fs_, repair);
}

sel::Result<bool> Fat::check(Structures &found) {
    sel::Result<bool> done = check_.step(kCheckUnits);
    found = {check_.damaged(), check_.repaired(), check_.seen(), check_.clusters()};
    return done;
}

sel::Result<file::Usage> Fat::usage() {
    begin();
    DWORD free;
    sel::Result<> counted = done(f_getfree(&fs_, &free), ERR_IO);
    if (!counted) {
        return counted.error();
    }
    u64 cluster = cluster_bytes(), all = fs_.n_fatent - 2;
    return file::Usage{(all - std::min<u64>(free, all)) * cluster, all * cluster, 0, 0};
}

} // namespace volume
