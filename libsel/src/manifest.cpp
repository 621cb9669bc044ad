// Manifest: found among the notes of a file, and checked before anybody sees it.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/manifest.hpp"

#include "sel/process.hpp"

namespace sel {

namespace {

constexpr char kOwner[] = "TRustOs";
constexpr u32 kNotePrograms = 32; // Program headers, as read_elf() allows.

struct NoteHeader {
    u32 name_bytes, content_bytes, type;
};

constexpr u64 padded(u64 bytes) {
    return (bytes + 3) / 4 * 4;
}

// Not empty, ended, and of characters that a terminal may be shown.
template <std::size_t N>
bool is_text(const char (&text)[N]) {
    for (std::size_t i = 0; i < N; i++) {
        if (text[i] == 0) {
            return i != 0;
        }
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    return false;
}

// Looks for our notes among those of one program header: how many there are, and the content of the last.
const char *find_note(std::span<const u8> notes, std::span<const u8> &content, u32 &found) {
    while (!notes.empty()) {
        NoteHeader head;
        if (notes.size() < sizeof head) {
            return "has notes that are cut off";
        }
        std::memcpy(&head, notes.data(), sizeof head);
        u64 name = padded(head.name_bytes), bytes = padded(head.content_bytes);
        notes = notes.subspan(sizeof head);
        if (name > notes.size() || bytes > notes.size() - name) {
            return "has notes that are cut off";
        }
        if (head.name_bytes == sizeof kOwner && head.type == kManifestNote &&
            std::memcmp(notes.data(), kOwner, sizeof kOwner) == 0) {
            content = notes.subspan(name, head.content_bytes);
            found++;
        }
        notes = notes.subspan(name + bytes);
    }
    return nullptr;
}

} // namespace

ManifestNeed Manifest::need(u32 i) const {
    ManifestNeed need;
    std::memcpy(&need, needs_.data() + i * sizeof need, sizeof need);
    return need;
}

const char *Manifest::check_head() const {
    const ManifestHead &h = head_;
    if (h.version != kManifestVersion) {
        return "has a manifest of another version";
    }
    if (!is_text(h.name) || !is_text(h.about)) {
        return "has a manifest with a text that cannot be shown";
    }
    if (h.memory == 0 || h.memory > kManifestMemoryMax || h.memory % PAGE_BYTES != 0) {
        return "has a manifest that asks for no possible memory";
    }
    ProcessShape shape{.stack_bytes = h.stack, .slots = h.slots, .replies = h.replies, .frames = 0};
    if (!shape.sound()) {
        return "has a manifest with an impossible stack or slots";
    }
    if (h.budget_us == 0 || h.budget_us > h.period_us) {
        return "has a manifest that asks for no possible processor time";
    }
    return h.priority == 0 || h.priority == 255 ? "has a manifest with an impossible priority"
                                                : nullptr;
}

const char *Manifest::check_needs() const {
    u32 free = SLOT_REPLIES + u32{head_.replies};
    for (u32 i = 0; i < count(); i++) {
        ManifestNeed n = need(i);
        if (!is_text(n.name) || !is_text(n.word)) {
            return "has a manifest with a text that cannot be shown";
        }
        if (n.slot < free || u32{n.slot} + n.slots > head_.slots || n.own > 1 || n.give > 1) {
            return "has a manifest whose needs contradict each other";
        }
        free = u32{n.slot} + n.slots;
    }
    return nullptr;
}

const char *Manifest::read(std::span<const u8> content) {
    if (content.size() < sizeof head_) {
        return "has a manifest that is cut off";
    }
    std::memcpy(&head_, content.data(), sizeof head_);
    needs_ = content.subspan(sizeof head_);
    if (const char *why = check_head()) {
        return why;
    }
    if (head_.needs > kManifestNeedsMax || needs_.size() != head_.needs * sizeof(ManifestNeed)) {
        return "has a manifest of another length than it says";
    }
    return check_needs();
}

Result<Manifest> read_manifest(std::span<const u8> file, const char *&why) {
    Result<ElfFile> elf = ElfFile::open(file);
    if (!elf || elf->header().program_bytes != sizeof(ElfProgramHeader) ||
        elf->header().program_count > kNotePrograms) {
        why = "is no program file";
        return ERR_SYNTAX;
    }
    std::span<const u8> content;
    u32 found = 0;
    why = nullptr;
    ElfProgramHeader p;
    for (u32 i = 0; why == nullptr && elf->program(i, p); i++) {
        if (p.type == ELF_NOTE) {
            why = elf->holds(p.offset, p.file_bytes)
                      ? find_note(elf->bytes(p.offset, p.file_bytes), content, found)
                      : "has notes that are cut off";
        }
    }
    Manifest manifest;
    if (why == nullptr) {
        why = found == 1   ? manifest.read(content)
              : found == 0 ? "has no manifest"
                           : "has several manifests";
    }
    return why == nullptr ? Result<Manifest>{manifest} : ERR_SYNTAX;
}

} // namespace sel
