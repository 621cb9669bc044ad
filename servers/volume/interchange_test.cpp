// Interchange: FAT disks made by host tools are read, and what we write satisfies host tools.
// SPDX-License-Identifier: BSD-2-Clause
//
// mkfs.vfat, mtools and fsck.vfat; times are UTC.
#include "servers/volume/test_disk.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace volume;

namespace {

using Files = std::map<std::string, std::string>;

std::string text_of(std::size_t size, char first) {
    std::string text(size, first);
    for (std::size_t i = 0; i < size; i++) {
        text[i] = static_cast<char>(text[i] + static_cast<char>(i / 7 % 64));
    }
    return text;
}

const Files &their_files() {
    static const Files files{
        {"/EMPTY", ""},
        {"/SHORT.TXT", "short"},
        {"/a rather long name.text", text_of(3000, ' ')},
        {"/Größe.txt", "not ASCII"},
        {"/DIR/inner file", text_of(100'000, '0')},
        {"/DIR/DEEPER/x", "deep"},
    };
    return files;
}

// A host tool on a file that holds the image.
int tool(const std::string &command) {
    return host("export LC_ALL=C.UTF-8 TZ=UTC MTOOLS_SKIP_CHECK=1; " + command);
}

// A disk of a type of FAT, filled by mtools.
std::vector<u8> their_image(std::size_t bytes, const std::string &options) {
    HostFile image, content;
    image.write(fat_image(bytes, options));
    std::string on = " -i " + image.path() + " ";
    REQUIRE(tool("mmd" + on + "::/DIR ::/DIR/DEEPER") == 0);
    for (auto &[path, text] : their_files()) {
        content.write({text.begin(), text.end()});
        REQUIRE(tool("touch -d '2021-03-04 05:06:08' " + content.path()) == 0);
        REQUIRE(tool("mcopy -m" + on + content.path() + " '::" + path + "'") == 0);
    }
    return image.read();
}

void check_content(Volume &files, const Files &expected) {
    for (auto &[path, text] : expected) {
        CAPTURE(path);
        CHECK(content_of(files, path) == text);
    }
}

// fsck.vfat finds nothing, and mtools read all of `expected`.
void check_image(const std::vector<u8> &disk, const Files &expected) {
    HostFile image, content;
    image.write(disk);
    CHECK(tool("fsck.vfat -n " + image.path()) == 0);
    for (auto &[path, text] : expected) {
        CAPTURE(path);
        CHECK(tool("mcopy -n -o -i " + image.path() + " '::" + path + "' " + content.path()) == 0);
        std::vector<u8> read = content.read();
        CHECK(std::string(read.begin(), read.end()) == text);
    }
    CHECK(tool("mdir -i " + image.path() + " ::/gone") != 0);
}

} // namespace

TEST_CASE("FAT disks go to other systems and back", "[interchange]") {
    struct Type {
        const char *options;
        std::size_t bytes;
    };
    const Type type = GENERATE(Type{"-F 12", 2 << 20}, Type{"-F 16 -s 2", 16 << 20},
                               Type{"-F 32 -s 1", 36 << 20});
    CAPTURE(type.options);
    TestDisk<Fat> t{their_image(type.bytes, type.options)};
    REQUIRE(t.start().ok());
    Volume &v = *t.files;
    check_content(v, their_files());
    CHECK(v.stat("/SHORT.TXT").value().changed == 1614834368);

    Files files = their_files();
    for (int i = 0; i < 40; i++) {
        std::string path = "/DIR/ours number " + std::to_string(i) + ".text";
        files[path] = text_of(static_cast<std::size_t>(i) * 700, 'a');
        REQUIRE(put_file(v, path, files[path]).ok());
    }
    REQUIRE(v.make_directory("/Our directory").ok());
    REQUIRE(v.rename("/DIR/DEEPER/x", "/Our directory/früher x").ok());
    files["/Our directory/früher x"] = "deep";
    files.erase("/DIR/DEEPER/x");
    REQUIRE(v.rename("/DIR/DEEPER", "/Our directory/moved").ok());
    REQUIRE(v.rename("/SHORT.TXT", "/EMPTY").ok());
    files["/EMPTY"] = "short";
    files.erase("/SHORT.TXT");
    REQUIRE(put_file(v, "/gone", text_of(5000, 'g')).ok());
    REQUIRE(v.remove("/gone").ok());
    u32 handle = v.open(1, "/DIR/inner file", file::kWrite).value();
    REQUIRE(v.truncate(1, handle, 50'000).ok());
    REQUIRE(v.append(1, handle, bytes_of("the end")).ok());
    REQUIRE(v.write(1, handle, 60'000, bytes_of("behind a gap")).ok());
    files["/DIR/inner file"].resize(50'000);
    files["/DIR/inner file"] += "the end" + std::string(9993, '\0') + "behind a gap";
    v.close_all(1);
    REQUIRE(v.sync_all().ok());
    check_content(v, files);
    check_image(t.disk.image, files);
    REQUIRE(t.start().ok());
    check_content(*t.files, files);
}

TEST_CASE("a full FAT disk is still a sound one", "[interchange]") {
    TestDisk<Fat> t{fat_image(256 << 10)};
    REQUIRE(t.start().ok());
    Files files;
    for (int i = 0; i < 200; i++) {
        std::string path = "/file number " + std::to_string(i), text = text_of(5000, 'x');
        if (put_file(*t.files, path, text).ok()) {
            files[path] = text;
        }
    }
    CHECK(files.size() > 20);
    CHECK(files.size() < 100);
    REQUIRE(t.files->sync_all().ok());
    check_image(t.disk.image, files);
}
