// Pages: the files of www/, which are in the program itself, by their paths.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

#include "sel/format.hpp"

namespace httpd {

struct Page {
    std::string_view path, type, content;
    sel::Text<24> tag; // Of the content: another one when that is another one.
};

class Pages {
  public:
    static constexpr u32 kCount = 6;

    Pages();
    // nullptr: there is none.
    const Page *find(std::string_view path) const;

  private:
    Page page_[kCount];
};

} // namespace httpd
