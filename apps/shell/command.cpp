// What commands share: errors in words, numbers, sizes, programs by their names.
// SPDX-License-Identifier: BSD-2-Clause
#include "command.hpp"

#include "interpreter.hpp"

#include "servers/file/absolute.hpp"
#include "servers/file/path.hpp"

namespace shell {
namespace {

// What an error means for a file or a program; the general words of libsel for all others.
std::string_view words_for(error_t error) {
    switch (error) {
    case ERR_NAME:
        return "there is no such name";
    case ERR_EXISTS:
        return "it exists already";
    case ERR_TYPE:
        return "that is in another file system: cp and rm do that";
    case ERR_CHILDREN:
        return "the directory is not empty";
    case ERR_RIGHT:
        return "it is read-only";
    case ERR_ARG:
        return "that is not possible with this one";
    case ERR_EMPTY:
        return "it does not run";
    default:
        return sel::describe(error);
    }
}

// Not a path, or one that this file system has no name for.
std::string_view words_for_path(std::string_view text) {
    sel::Result<file::Path> path = file::absolute({}, text);
    return path && file::FullPath::parse(*path).ok()
               ? "a name there has none of \" * : < > ? |, and not only dots and blanks"
               : "a path has names of 1 to 63 bytes, without control characters or \\";
}

} // namespace

int Context::fail_on(std::string_view what, error_t error) {
    return fail("{}: {}", what, error == ERR_SYNTAX ? words_for_path(what) : words_for(error));
}

int Context::usage(std::string_view expected) {
    const CommandInfo *command = find_command(name);
    fail("expected {}; usage: {} {}", expected, name, command == nullptr ? "" : command->usage);
    return kUsage;
}

bool Context::path(std::string_view text, file::Path &path) {
    sel::Result<file::Path> absolute = file::absolute(interpreter.directory(), text);
    if (!absolute) {
        fail("a path has 1 to {} bytes, this one has {}", file::kPathMax, text.size());
        return false;
    }
    path = *absolute;
    return true;
}

bool Context::set_variable(std::string_view variable, std::string_view value) {
    if (variable == file::kDirectoryVariable) {
        fail("{} is the directory: `cd` changes it", variable);
        return false;
    }
    if (variable.size() > Variables::kNameMax || !interpreter.variables().set(variable, value)) {
        fail("{}: a name has at most {} bytes, and all variables together {}", variable,
             Variables::kNameMax, Variables::kBytes);
        return false;
    }
    return true;
}

sel::Text<64> expected_operands(const CommandInfo &command) {
    sel::Text<64> expected;
    if (command.most == 0) {
        expected.append("no arguments");
    } else if (command.least == command.most) {
        sel::format(expected, "{} argument{}", command.least, command.least == 1 ? "" : "s");
    } else if (command.most == kAnyNumber) {
        sel::format(expected, "at least {} argument{}", command.least,
                    command.least == 1 ? "" : "s");
    } else {
        sel::format(expected, "{} to {} arguments", command.least, command.most);
    }
    return expected;
}

bool parse_number(std::string_view text, u64 most, u64 &number) {
    bool hexadecimal = text.starts_with("0x");
    u64 base = hexadecimal ? 16 : 10;
    text.remove_prefix(hexadecimal ? 2 : 0);
    number = 0;
    for (char c : text) {
        u64 digit = c >= '0' && c <= '9'   ? static_cast<u64>(c - '0')
                    : c >= 'a' && c <= 'f' ? static_cast<u64>(c - 'a') + 10
                                           : base;
        if (digit >= base || number > (most - digit) / base || digit > most) {
            return false;
        }
        number = number * base + digit;
    }
    return !text.empty();
}

sel::Text<16> size_text(u64 bytes) {
    constexpr u64 kKiB = 1024;
    sel::Text<16> text;
    u64 kib = (bytes + kKiB - 1) / kKiB;
    if (kib < 10 * kKiB) {
        sel::format(text, "{} K", kib);
    } else {
        sel::format(text, "{}.{} M", kib / kKiB, kib % kKiB * 10 / kKiB);
    }
    return text;
}

sel::Result<ProgramRow> next_program(System &system, u32 number) {
    sel::Result<ProgramRow> row = system.program(number);
    while (row.error() == ERR_EMPTY) {
        row = system.program(++number);
    }
    return row;
}

sel::Result<ProgramRow> find_program(System &system, std::string_view name) {
    if (u64 number = 0; parse_number(name, ~0u, number)) {
        sel::Result<ProgramRow> row = system.program(static_cast<u32>(number));
        return row.error() == ERR_EMPTY ? ERR_NAME : row;
    }
    sel::Result<ProgramRow> found = ERR_NAME, row = next_program(system, 1);
    for (; row; row = next_program(system, row->number + 1)) {
        if (row->name != name) {
            continue;
        }
        if (row->starter == 0) {
            return row; // Whoever is called like one of the system is not in its way.
        }
        if (found) {
            return ERR_EXISTS;
        }
        found = row;
    }
    return row.error() == ERR_NAME ? found : row;
}

} // namespace shell
