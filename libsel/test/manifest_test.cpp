// Manifest: what a program asks for is read from its file; every damaged one is refused with a reason.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include <random>

#include "make_elf.hpp"
#include "sel/manifest.hpp"

using namespace sel::test;

namespace {

constexpr std::size_t kAt = 0x1000; // Of the note in the file,
constexpr std::size_t kContent = kAt + 12 + 8;
constexpr std::size_t kNeeds = kContent + sizeof(sel::ManifestHead);

sel::ManifestHead head() {
    sel::ManifestHead h{};
    h.version = sel::kManifestVersion;
    h.stack = 16384;
    std::strcpy(h.name, "hello");
    h.memory = 0x20000;
    h.budget_us = 500;
    h.period_us = 1000;
    h.slots = 7;
    h.replies = 1;
    h.needs = 2;
    h.priority = 50;
    h.flags = sel::MANIFEST_CODE;
    std::strcpy(h.about, "Says hello.");
    return h;
}

sel::ManifestNeed need(const char *name, const char *word, u16 slot, u16 slots) {
    sel::ManifestNeed n{};
    std::strcpy(n.name, name);
    std::strcpy(n.word, word);
    n.slot = slot;
    n.slots = slots;
    return n;
}

// With one note: as scripts/lib/manifests/note.py makes it.
Bytes make(const sel::ManifestHead &h, sel::ManifestNeed first, sel::ManifestNeed second,
           u32 bytes = sizeof(sel::ManifestHead) + 2 * sizeof(sel::ManifestNeed)) {
    Bytes b = make_elf({kText, kData});
    put<u32>(b, kElfHeader + kElfProgram, 4);
    put<u64>(b, kElfHeader + kElfProgram + 8, kAt);
    put<u64>(b, kElfHeader + kElfProgram + 32, 12 + 8 + u64{bytes});
    put<u32>(b, kAt, 8);
    put<u32>(b, kAt + 4, bytes);
    put<u32>(b, kAt + 8, sel::kManifestNote);
    std::memcpy(b.data() + kAt + 12, "TRustOs", 8);
    put(b, kContent, h);
    put(b, kNeeds, first);
    put(b, kNeeds + sizeof first, second);
    return b;
}

Bytes good(const sel::ManifestHead &h = head()) {
    return make(h, need("console", "console", 5, 1), need("free", "slots", 6, 1));
}

std::string refusal(const Bytes &b) {
    const char *why = nullptr;
    auto manifest = sel::read_manifest(b, why);
    CHECK(manifest.ok() == (why == nullptr));
    return manifest.ok() ? "" : why;
}

template <typename F>
std::string with(F change) {
    sel::ManifestHead h = head();
    change(h);
    return refusal(good(h));
}

} // namespace

TEST_CASE("a manifest is read") {
    const char *why = nullptr;
    Bytes b = good();
    auto m = sel::read_manifest(b, why);
    REQUIRE(m.ok());
    CHECK(m->name() == "hello");
    CHECK(m->about() == "Says hello.");
    CHECK(m->head().memory == 0x20000);
    CHECK(m->has(sel::MANIFEST_CODE));
    CHECK_FALSE(m->has(sel::MANIFEST_SERVES));
    REQUIRE(m->count() == 2);
    CHECK(m->need(0).title() == "console");
    CHECK(m->need(1).kind() == "slots");
    CHECK(m->need(1).slot == 6);
}

TEST_CASE("files without one manifest are refused") {
    CHECK(refusal({}) == "is no program file");
    CHECK(refusal(Bytes(4096)) == "is no program file");
    CHECK(refusal(make_elf({kText, kData})) == "has no manifest");
    Bytes other = good(), type = good(), several = good();
    other[kAt + 12] = 'X';
    CHECK(refusal(other) == "has no manifest");
    put<u32>(type, kAt + 8, 2);
    CHECK(refusal(type) == "has no manifest");
    std::memcpy(several.data() + kElfHeader, several.data() + kElfHeader + kElfProgram,
                kElfProgram);
    CHECK(refusal(several) == "has several manifests");
    Bytes programs = good();
    put<u16>(programs, 56, 33);
    CHECK(refusal(programs) == "is no program file");
}

TEST_CASE("notes that are cut off are refused") {
    const char *cut = "has notes that are cut off";
    for (u32 bytes : {0u, 1u, 11u, 12u, 19u, 20u, 163u}) { // What is left of the notes.
        Bytes b = good();
        put<u64>(b, kElfHeader + kElfProgram + 32, bytes);
        CHECK(refusal(b) == (bytes == 0 ? "has no manifest" : cut));
    }
    for (u32 size : {0xffffffffu, 0xfffffffcu, 0x80000000u}) {
        Bytes name = good(), content = good();
        put<u32>(name, kAt, size);
        put<u32>(content, kAt + 4, size);
        CHECK(refusal(name) == cut);
        CHECK(refusal(content) == cut);
    }
    Bytes outside = good();
    put<u64>(outside, kElfHeader + kElfProgram + 8, ~u64{0} - 4);
    CHECK(refusal(outside) == cut);
    for (u32 bytes : {0u, 4u, 140u}) {
        CHECK(refusal(make(head(), need("a", "a", 5, 1), need("b", "b", 6, 1), bytes)) ==
              "has a manifest that is cut off");
    }
}

TEST_CASE("what a manifest says must be possible") {
    const char *text = "has a manifest with a text that cannot be shown";
    const char *shape = "has a manifest with an impossible stack or slots";
    const char *memory = "has a manifest that asks for no possible memory";
    const char *time = "has a manifest that asks for no possible processor time";
    const char *priority = "has a manifest with an impossible priority";
    const char *length = "has a manifest of another length than it says";
    CHECK(with([](auto &) {}).empty());
    CHECK(with([](auto &h) { h.version++; }) == "has a manifest of another version");
    CHECK(with([](auto &h) { h.name[0] = 0; }) == text);
    CHECK(with([](auto &h) { std::memset(h.name, 'a', sizeof h.name); }) == text);
    CHECK(with([](auto &h) { h.name[1] = '\033'; }) == text);
    CHECK(with([](auto &h) { h.about[1] = '\x7f'; }) == text);
    CHECK(with([](auto &h) { h.memory = 0; }) == memory);
    CHECK(with([](auto &h) { h.memory += 1; }) == memory);
    CHECK(with([](auto &h) { h.memory = ~u64{4095}; }) == memory);
    CHECK(with([](auto &h) { h.stack = 0; }) == shape);
    CHECK(with([](auto &h) { h.stack = 2 << 20; }) == shape);
    CHECK(with([](auto &h) { h.replies = 0; }) == shape);
    CHECK(with([](auto &h) { h.slots = 4; }) == shape);
    CHECK(with([](auto &h) { h.budget_us = 0; }) == time);
    CHECK(with([](auto &h) { h.budget_us = h.period_us + 1; }) == time);
    CHECK(with([](auto &h) { h.priority = 0; }) == priority);
    CHECK(with([](auto &h) { h.priority = 255; }) == priority);
    CHECK(with([](auto &h) { h.needs = 1; }) == length);
    CHECK(with([](auto &h) { h.needs = 0xffff; }) == length);
}

TEST_CASE("needs must fit the slots, one behind the other") {
    const char *contradict = "has a manifest whose needs contradict each other";
    auto needs = [](u16 a, u16 a_slots, u16 b, u16 b_slots) {
        return refusal(make(head(), need("a", "a", a, a_slots), need("b", "b", b, b_slots)));
    };
    CHECK(needs(5, 1, 6, 1).empty());
    CHECK(needs(5, 0, 5, 2).empty());
    CHECK(needs(4, 1, 6, 1) == contradict); // Its Reply.
    CHECK(needs(6, 1, 5, 1) == contradict);
    CHECK(needs(5, 2, 6, 1) == contradict);
    CHECK(needs(5, 1, 6, 2) == contradict);
    CHECK(needs(5, 0xffff, 6, 1) == contradict);
    Bytes own = good();
    own[kNeeds + offsetof(sel::ManifestNeed, own)] = 2;
    CHECK(refusal(own) == contradict);
}

TEST_CASE("damaged files are refused or read, and nothing outside is touched") {
    std::mt19937_64 random{7};
    u32 refused = 0;
    for (u32 i = 0; i < 20'000; i++) {
        Bytes b = good();
        u32 changes = 1 + random() % 4;
        for (u32 j = 0; j < changes; j++) {
            constexpr std::size_t kFirst = kElfHeader,
                                  kPart = kNeeds + 2 * sizeof(sel::ManifestNeed);
            std::size_t at = random() % 3 == 0 ? random() % (kFirst + 2 * kElfProgram)
                                               : kAt + random() % (kPart - kAt);
            b[at] = static_cast<u8>(random() % 2 == 0 ? random() : 0xff * (random() % 2));
        }
        b.resize(random() % 4 == 0 ? random() % b.size() : b.size());
        b.shrink_to_fit();
        const char *why = nullptr;
        auto m = sel::read_manifest(b, why);
        REQUIRE(m.ok() == (why == nullptr));
        refused += m.ok() ? 0 : 1;
        for (u32 n = 0; m.ok() && n < m->count(); n++) {
            REQUIRE(m->need(n).slot + u32{m->need(n).slots} <= m->head().slots);
        }
    }
    CHECK(refused > 5'000);
}
