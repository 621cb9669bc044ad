// Client: puts a batch into the ring, waits, reads the outcomes, repeats after a restart.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/block/client.hpp"

#include <algorithm>

namespace block {
namespace {

constexpr error_t kNotDone = ERR_COUNT;

// The driver is gone or has lost count: another Attach may help.
bool worth_repeating(error_t error) {
    return error == ERR_RESTARTED || error == ERR_BUSY || error == ERR_TIMEOUT;
}

u32 pages_needed(const Transfer &t) {
    return (t.skip + t.sectors * kSectorBytes + kPageBytes - 1) / kPageBytes;
}

// Mostly it is one: then a call of memmove() costs more than this.
void copy_pages(std::span<const u16> from, u16 *to) {
    for (u16 page : from) {
        *to++ = page;
    }
}

} // namespace

sel::Result<> Client::start(Access access) {
    access_ = access;
    sel::Result<Disk> disk = link_.info();
    if (!disk) {
        return disk.error();
    }
    bool known = disk->sector_bytes == kSectorBytes || disk->sector_bytes == kPageBytes;
    if (!known || disk->pages_max == 0) {
        return ERR_PROTOCOL;
    }
    disk_ = *disk;
    disk_.pages_max = std::min(disk_.pages_max, kRequestPages);
    return attach();
}

sel::Result<> Client::attach() {
    submitted_ = 0;
    sel::Result<> done = link_.attach(access_);
    attached_ = done.ok();
    return done;
}

// A driver that has died meanwhile does not know of us.
sel::Result<> Client::detach() {
    attached_ = false;
    sel::Result<> done = link_.detach();
    return done.error() == ERR_RESTARTED ? OK : done;
}

// With a driver that may be a new one: what it now has must be the disk that it had.
sel::Result<> Client::attach_again() {
    sel::Result<Disk> now = link_.info();
    if (!now) {
        return now.error() == ERR_EMPTY ? ERR_GONE : now.error();
    }
    bool same = now->sectors == disk_.sectors && now->first == disk_.first &&
                now->sector_bytes == disk_.sector_bytes && now->read_only == disk_.read_only &&
                now->type == disk_.type && now->id == disk_.id &&
                now->data.view() == disk_.data.view();
    return same ? attach() : ERR_GONE;
}

bool Client::sound(const Transfer &t) const {
    if (t.op == Op::Flush) {
        return t.sectors == 0 && t.pages.empty();
    }
    u32 unit = disk_.sector_bytes / kSectorBytes;
    if (t.sectors == 0 || t.sectors > disk_.sectors || t.sector > disk_.sectors - t.sectors ||
        (t.sector | t.sectors) % unit != 0) {
        return false;
    }
    if (t.op == Op::Discard) {
        return t.pages.empty();
    }
    return t.sectors <= kRequestPages * kPageSectors && t.skip < kPageBytes &&
           t.skip % disk_.sector_bytes == 0 && pages_needed(t) == t.pages.size() &&
           t.pages.size() <= disk_.pages_max &&
           std::all_of(t.pages.begin(), t.pages.end(),
                       [&](u16 page) { return page != 0 && page <= pages(); });
}

sel::Result<> Client::add(const Transfer &transfer) {
    if (full() || !sound(transfer)) {
        return ERR_ARG;
    }
    if (transfer.op != Op::Read && (disk_.read_only != 0 || access_ == Access::Read)) {
        return ERR_RIGHT;
    }
    batch_[count_] = transfer;
    copy_pages(transfer.pages, pages_[count_].data());
    batch_[count_].pages = {pages_[count_].data(), transfer.pages.size()};
    count_++;
    return {};
}

// Puts all that is not done into the ring; says how many.
u32 Client::send() {
    u32 sent = 0;
    for (u32 i = 0; i < count_; i++) {
        if (outcome_[i] != kNotDone) {
            continue;
        }
        const Transfer &t = batch_[i];
        Request &r = ring().slot[(submitted_ + sent) % kRequests];
        r.sector = t.sector;
        r.sectors = t.sectors;
        r.op = t.op;
        r.flags = t.flags;
        r.pages = static_cast<u16>(t.pages.size());
        copy_pages(t.pages, r.page);
        r.skip = t.skip;
        r.status.store(kPending, std::memory_order_release);
        sent_[sent++] = i;
    }
    submitted_ += sent;
    return sent;
}

void Client::collect(u32 sent) {
    for (u32 k = 0; k < sent; k++) {
        const Request &r = ring().slot[(submitted_ - sent + k) % kRequests];
        u32 status = r.status.load(std::memory_order_acquire);
        if (status != kPending) {
            outcome_[sent_[k]] = status < ERR_COUNT ? static_cast<error_t>(status) : ERR_PROTOCOL;
        }
    }
}

sel::Result<> Client::attempt() {
    sel::Result<> settled = settle();
    if (!settled) {
        return settled;
    }
    u32 sent = send();
    sel::Result<Progress> progress = link_.submit({.submitted = submitted_, .until = submitted_});
    if (progress.ok() && progress->completed < submitted_) {
        progress = ERR_PROTOCOL;
    }
    attached_ = progress.ok();
    // Also what a driver had finished before it died is done.
    collect(sent);
    return progress.error();
}

sel::Result<> Client::run() {
    std::fill_n(outcome_.begin(), count_, kNotDone);
    sel::Result<> reached;
    for (u32 tries = 0; tries < kTries && count_ != 0; tries++) {
        reached = attempt();
        restarts_ += reached.error() == ERR_RESTARTED ? 1 : 0;
        if (!worth_repeating(reached.error())) {
            break;
        }
    }
    sel::Result<> result;
    for (u32 i = 0; i < count_; i++) {
        if (outcome_[i] == kNotDone) {
            outcome_[i] = reached.ok() ? ERR_PROTOCOL : reached.error();
        }
        if (result.ok()) {
            result = outcome_[i];
        }
    }
    count_ = 0;
    return result;
}

} // namespace block
