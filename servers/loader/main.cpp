// Loader: wires it to the kernel, to root, and to the files.
// SPDX-License-Identifier: BSD-2-Clause
#include <cstring>

#include "loader.caps.hpp"
#include "loader.hpp"

#include "servers/file/client.hpp"

#include "sel/log.hpp"
#include "sel/objects.hpp"
#include "sel/process.hpp"

namespace loader {
namespace {

constexpr Offer kOffers[] = {
    {"stream.Terminal", static_cast<u32>(caps::terminal.cptr()), true},
    {"stream.In", static_cast<u32>(caps::in.cptr()), true, static_cast<u32>(caps::pipe_in.cptr())},
    {"stream.Out", static_cast<u32>(caps::out.cptr()), true,
     static_cast<u32>(caps::pipe_out.cptr())},
    {"file", static_cast<u32>(caps::files.cptr()), false, 0, true},
    {"timer", static_cast<u32>(caps::timer.cptr()), false},
    {"loader", static_cast<u32>(caps::itself.cptr()), false},
};

constexpr u64 kPageWindow = 0x7ffd00000000;
// Slots of caps::free: of the page window, of what looks whether memory is whole, of page tables, then of places.
constexpr cptr_t kWindowSlot = caps::free.first, kScratch = kWindowSlot + 1, kTables = kScratch + 1;
constexpr cptr_t kPlaceSlots = kTables + sel::kTableLevels;
constexpr u32 kSlotsEach = 4;
static_assert(kPlaceSlots + kPlaces * kSlotsEach <= caps::free.first + caps::free.count);

class World {
  public:
    sel::Result<> start() {
        SEL_TRY(shared_.make(sel::kForever));
        SEL_TRY(make_window());
        sel::PageWindow window{caps::space, kPageWindow, kWindowSlot};
        for (u32 place = 0; place < kPlaces; place++) {
            cptr_t first = kPlaceSlots + u64{place} * kSlotsEach;
            process_[place] = {
                window,
                {.memory = first, .book = first + 1, .cspace = first + 2, .tcb = first + 3}};
        }
        return caps::files.call(file::CloseAll{.leave = 0}).error();
    }

    // Most files fit in what is shared: one request. A larger one must be the same from its beginning to its end.
    sel::Result<std::span<const u8>> read(std::string_view path) {
        u32 room = static_cast<u32>(shared_.memory().size());
        sel::Result<u32> bytes = shared_.fetch(path, 0, room);
        SEL_TRY(bytes);
        if (*bytes < room) {
            std::memcpy(file_, shared_.memory().data(), *bytes);
            return std::span<const u8>{file_, *bytes};
        }
        sel::Result<u32> handle = open(path);
        SEL_TRY(handle);
        sel::Result<u32> size = read(*handle);
        [[maybe_unused]] auto closed = caps::files.call(file::Close{.handle = *handle});
        SEL_TRY(size);
        return std::span<const u8>{file_, *size};
    }

    sel::Result<> make(u32 place, const sel::Elf &elf, const sel::Manifest &manifest,
                       std::string_view arguments) {
        sel::Process &process = process_[place];
        SEL_TRY(cut(place));
        const sel::ManifestHead &head = manifest.head();
        sel::ProcessShape shape{
            .stack_bytes = head.stack, .slots = head.slots, .replies = head.replies, .frames = 0};
        SEL_TRY(process.make(shape, elf, environment(manifest, arguments)));
        for (u32 i = 0; i < manifest.count(); i++) {
            SEL_TRY(give_own(process, manifest.need(i)));
        }
        return process.prepare_bare(sel::Endpoint{0}, manifest.has(sel::MANIFEST_VECTOR));
    }

    sel::Result<root::Admitted> admit(u32 place, const root::Admit &m) {
        return caps::starter.call_giving(process_[place].cspace().cptr(), m);
    }

    // What is not there can be given to nobody: all that the program names would not be there, without a word why.
    sel::Result<> bind(u32 number, std::string_view path, bool read_only) {
        sel::Result<file::Info> top = caps::files.call(file::Stat{.data = path});
        SEL_TRY(top);
        return caps::binder.call(
            vfs::Bind{.client = number, .read_only = read_only ? 1u : 0u, .data = path});
    }

    sel::Result<> connect(const piping::Bind &m) { return caps::pipes.call(m); }

    sel::Result<> stop(u32 number, bool stopped) {
        return caps::starter.call(root::SetStopped{.number = number, .stopped = stopped ? 1u : 0u});
    }

    sel::Result<> run(u32 place, const root::Admitted &who) {
        SEL_TRY(process_[place].set_identity(who.number, who.incarnation));
        return process_[place].resume();
    }

    sel::Result<> end(u32 place) { return process_[place].end_whole(place_bytes(place), kScratch); }
    sel::Result<s32> drop(u32 number) { return caps::starter.call(root::Drop{.number = number}); }

    template <typename... Ts>
    void note(std::string_view pattern, const Ts &...values) {
        log_.error(pattern, values...);
    }

  private:
    // A page is mapped there once, for the page tables.
    static sel::Result<> make_window() {
        sel::Frame page{kWindowSlot};
        u32 tables = 0;
        SEL_TRY(caps::memory.retype(CAP_FRAME, FRAME_4K, kWindowSlot));
        sel::Result<> mapped =
            sel::map_with_tables(page, caps::space, kPageWindow, RIGHT_READ,
                                 [&]() { return put_table(kTables + tables++); });
        SEL_TRY(mapped);
        return page.remove();
    }
    static sel::Result<> put_table(cptr_t slot) {
        SEL_TRY(caps::memory.retype(CAP_PAGE_TABLE, 0, slot));
        return sel::PageTable{slot}.map(caps::space, kPageWindow);
    }

    // The memory of a place, when it is used first: a start is to be short, that of this server, too.
    sel::Result<> cut(u32 place) {
        sel::Result<> done;
        if (!cut_[place]) {
            done = caps::memory.retype(CAP_UNTYPED, place_bytes(place),
                                       process_[place].memory().cptr());
            cut_[place] = done.ok();
        }
        return done;
    }

    // After a restart of the file systems what was open is gone: once more.
    static sel::Result<u32> open(std::string_view path) {
        file::Open m{.flags = 0, .data = path};
        sel::Result<u32> handle = caps::files.call(m);
        return handle.error() == ERR_RESTARTED ? caps::files.call(m) : handle;
    }

    // What the file systems share is copied: they must not change it after it was checked.
    sel::Result<u32> read(u32 handle) {
        u32 room = static_cast<u32>(shared_.memory().size());
        for (u32 done = 0;;) {
            u32 count = std::min(room, kFileMax - done);
            sel::Result<u32> part = shared_.read(handle, done, count);
            SEL_TRY(part);
            std::memcpy(file_ + done, shared_.memory().data(), *part);
            done += *part;
            if (*part < count) {
                return done;
            }
            if (done == kFileMax) {
                return ERR_FULL;
            }
        }
    }

    const sel::Environment &environment(const sel::Manifest &manifest, std::string_view arguments) {
        environment_ = sel::environment();
        environment_.program = environment_.incarnation = 0; // Root says, in run().
        std::memset(environment_.ends, 0, sizeof environment_.ends);
        std::memcpy(environment_.name, manifest.head().name, sizeof environment_.name);
        environment_.argument_bytes = static_cast<u32>(arguments.size());
        std::memcpy(environment_.arguments, arguments.data(), arguments.size());
        return environment_;
    }

    static sel::Result<> give_own(sel::Process &process, const sel::ManifestNeed &need) {
        if (need.own == 0) {
            return {};
        }
        if (need.kind() == "untyped") {
            return process.give_object(need.slot, CAP_UNTYPED, need.value[0]);
        }
        if (need.kind() == "notification") {
            return process.give_object(need.slot, CAP_NOTIFICATION);
        }
        if (need.kind() == "doorbell") {
            return process.give_doorbell(need.slot, need.value[0]);
        }
        if (need.kind() == "vspace") {
            return process.give_space(need.slot);
        }
        if (need.kind() == "region") { // Root does the rest.
            SEL_TRY(process.make_tables(need.slot, need.value[2], need.value[1]));
            return process.give_space(need.slot + 1u);
        }
        return need.kind() == "cnode" ? process.give_cspace(need.slot) : sel::Result<>{};
    }

    sel::Log<logging::Writer> log_{caps::log};
    file::SharedWindow shared_{caps::files, caps::window};
    sel::Process process_[kPlaces];
    bool cut_[kPlaces] = {};
    sel::Environment environment_;
    u8 file_[kFileMax];
};

} // namespace
} // namespace loader

int main() {
    static loader::World world;
    if (sel::Result<> started = world.start(); !started) {
        world.note("cannot start: {}", sel::describe(started.error()));
        return 1;
    }
    static loader::Loader<loader::World> server{world, loader::kOffers};
    sel::serve<loader::Api>(caps::service, server);
}
