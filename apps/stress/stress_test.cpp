// Tests of Stress: it accepts a file system that keeps its word, and finds each way of breaking it.
// SPDX-License-Identifier: BSD-2-Clause
#include "stress.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>

using namespace stress;

namespace {

// Files in a map. Dies in every `dies_every`-th call; has then what was synced.
struct Disk {
    std::map<std::string, std::string> now, synced;
    std::map<u32, std::string> open;
    u32 next = 0, life = 1, calls = 0;
    u32 dies_every = 0;
    bool forgets = false;      // Sync and SyncAll do nothing.
    bool hides_deaths = false; // What is open stays open, and nobody is told.
    bool tears = false;        // A write loses its last byte, sometimes.
    bool mixes_up = false;     // A handle reads another file, sometimes.
    error_t broken = OK;

    bool dies() { return dies_every != 0 && ++calls % dies_every == 0; }
    void die() {
        now = synced;
        life++;
        if (!hides_deaths) {
            open.clear();
        }
    }
};

struct Client {
    Disk *disk;

    template <typename M>
    sel::Result<typename M::Answer> call(const M &m) {
        if (disk->broken != OK) {
            return disk->broken;
        }
        if (disk->dies()) {
            disk->die();
            if (!disk->hides_deaths) {
                return ERR_RESTARTED;
            }
        }
        return on(m);
    }

    std::string *file(u32 handle) {
        return disk->open.contains(handle) ? &disk->now[disk->open[handle]] : nullptr;
    }
    sel::Result<u32> on(const file::CloseAll &) { return disk->life; }
    sel::Result<> on(const file::MakeDirectory &) { return {}; }
    sel::Result<> on(const file::Remove &m) {
        return disk->now.erase(std::string{m.data.view()}) == 1 ? OK : ERR_NAME;
    }
    sel::Result<u32> on(const file::Open &m) {
        std::string path{m.data.view()};
        if (!disk->now.contains(path) && (m.flags & file::kCreate) == 0) {
            return ERR_NAME;
        }
        if ((m.flags & file::kTruncate) != 0) {
            disk->now[path].clear();
        }
        disk->now[path];
        disk->open[++disk->next] = path;
        return disk->next;
    }
    sel::Result<> on(const file::Close &m) {
        return disk->open.erase(m.handle) == 1 ? OK : ERR_RESTARTED;
    }
    sel::Result<file::Content> on(const file::Read &m) {
        std::string *text = file(m.handle);
        if (text == nullptr) {
            return ERR_RESTARTED;
        }
        if (disk->mixes_up && m.handle % 7 == 0) {
            text = &disk->now.begin()->second;
        }
        file::Content content;
        std::string part = m.offset < text->size() ? text->substr(m.offset, m.count) : "";
        content.data.assign({reinterpret_cast<const u8 *>(part.data()), part.size()});
        return content;
    }
    sel::Result<> on(const file::Write &m) {
        std::string *text = file(m.handle);
        if (text == nullptr) {
            return ERR_RESTARTED;
        }
        u32 size = m.data.size - (disk->tears && m.handle % 5 == 0 ? 1 : 0);
        text->resize(std::max<std::size_t>(text->size(), m.offset + m.data.size));
        text->replace(m.offset, size, reinterpret_cast<const char *>(m.data.byte), size);
        return {};
    }
    sel::Result<> on(const file::Rename &m) {
        auto node = disk->now.extract(std::string{m.from.view()});
        if (node.empty()) {
            return ERR_NAME;
        }
        disk->now[std::string{m.data.view()}] = node.mapped();
        return {};
    }
    sel::Result<> on(const file::Sync &m) {
        std::string *text = file(m.handle);
        if (text == nullptr) {
            return ERR_RESTARTED;
        }
        if (!disk->forgets) {
            disk->synced[disk->open[m.handle]] = *text;
        }
        return {};
    }
    sel::Result<u32> on(const file::SyncAll &) {
        if (!disk->forgets) {
            disk->synced = disk->now;
        }
        return disk->life;
    }
};

Counts run(Disk &disk, u64 seed, u32 rounds = 400) {
    auto stress = std::make_unique<Stress<Client>>(Client{&disk}, "/d", seed);
    REQUIRE(stress->prepare());
    for (u32 i = 0; i < rounds; i++) {
        stress->round();
    }
    stress->look_at_all();
    return stress->counts();
}

} // namespace

TEST_CASE("a file system that keeps its word loses nothing, however often it dies") {
    for (u32 dies_every : {0u, 1000u, 101u, 53u, 41u}) {
        for (u64 seed = 1; seed <= 4; seed++) {
            Disk disk;
            disk.dies_every = dies_every;
            Counts c = run(disk, seed);
            INFO(dies_every);
            CHECK(c.lost == 0);
            CHECK(c.corrupt == 0);
            CHECK(c.failed == 0);
            CHECK(c.written > 300);
            CHECK(c.read > 300);
            CHECK((c.repeated != 0) == (dies_every != 0));
        }
    }
}

TEST_CASE("one that forgets what it has synced is found out") {
    Disk disk;
    disk.forgets = true;
    disk.dies_every = 101;
    CHECK(run(disk, 1).lost > 0);
}

TEST_CASE("one that dies and tells nobody is found out") {
    Disk disk;
    disk.hides_deaths = true;
    disk.dies_every = 37;
    Counts c = run(disk, 1);
    CHECK(c.lost + c.corrupt + c.failed > 0);
}

TEST_CASE("one that writes less than it says, or mixes up files, is found out") {
    Disk torn, mixed;
    torn.tears = true;
    mixed.mixes_up = true;
    CHECK(run(torn, 1).corrupt > 0);
    CHECK(run(mixed, 1).corrupt > 0);
}

TEST_CASE("one that fails is no one that loses") {
    Disk disk;
    auto stress = std::make_unique<Stress<Client>>(Client{&disk}, "/d", 1);
    REQUIRE(stress->prepare());
    disk.broken = ERR_IO;
    stress->round();
    CHECK(stress->counts().failed == 2);
    CHECK(stress->counts().last == ERR_IO);
    CHECK(stress->counts().lost == 0);
    CHECK(!stress->prepare());
}
