// Redirections: opened in the order in which they stand.
// SPDX-License-Identifier: BSD-2-Clause
#include "redirections.hpp"

namespace shell {

bool Redirections::is_open(const sel::Result<> &opened, std::string_view what,
                           std::string_view file) {
    if (!opened) {
        Streams told{nullptr, told_, told_};
        interpreter_.context(what, told).fail_on(file, opened.error());
    }
    return opened.ok();
}

bool Redirections::open(const Redirection &one, std::string_view file) {
    using enum Redirection::Kind;
    constexpr std::string_view kNames[] = {"<", ">", ">>", "2>", "2>>"};
    if (one.kind == ErrorsToOutput) {
        errors_ = out_;
        return true;
    }
    if (one.kind == OutputToErrors) {
        out_ = errors_;
        return true;
    }
    Streams told{nullptr, told_, told_};
    Context c = interpreter_.context(kNames[one.kind], told);
    file::Path path;
    if (!c.path(file, path)) {
        return false;
    }
    switch (one.kind) {
    case Input:
        in_ = &input_;
        return is_open(input_.open(path), c.name, file);
    case Output:
    case Append:
        if (!is_open(output_.open(path, one.kind == Append), c.name, file)) {
            return false;
        }
        output_name_ = file;
        out_ = &output_;
        return true;
    default:
        if (!is_open(error_output_.open(path, one.kind == AppendErrors), c.name, file)) {
            return false;
        }
        error_name_ = file;
        errors_ = &error_output_;
        return true;
    }
}

int Redirections::end(int status) {
    struct {
        FileOutput &output;
        std::string_view what, name;
    } all[] = {{output_, ">", output_name_}, {error_output_, "2>", error_name_}};
    bool interrupted = system_.interrupted();
    for (auto &one : all) {
        if (one.name.empty()) {
            continue;
        }
        sel::Result<> done = one.output.end(interrupted ? ERR_EMPTY : OK);
        if (!interrupted && !is_open(done, one.what, one.name)) {
            status = status != 0 ? status : kFailed;
        }
    }
    return status;
}

} // namespace shell
