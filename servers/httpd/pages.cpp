// Pages: where the files of www/ stand, what they are, and their tags.
// SPDX-License-Identifier: BSD-2-Clause
#include "pages.hpp"

#include "sel/archive.hpp"

// Made by embed.py.
extern const char www_index_html[], www_index_html_end[], www_api_html[], www_api_html_end[],
    www_style_css[], www_style_css_end[], www_app_js[], www_app_js_end[], www_graph_js[],
    www_graph_js_end[], www_trace_js[], www_trace_js_end[];

namespace httpd {
namespace {

Page make(std::string_view path, std::string_view type, const char *begin, const char *end) {
    Page page{path, type, {begin, static_cast<std::size_t>(end - begin)}, {}};
    u64 sum = sel::archive_sum({reinterpret_cast<const u8 *>(begin), page.content.size()});
    sel::format(page.tag, "\"{:016x}\"", sum);
    return page;
}

constexpr std::string_view kHtml = "text/html; charset=utf-8", kCss = "text/css; charset=utf-8",
                           kScript = "text/javascript; charset=utf-8";

} // namespace

Pages::Pages()
    : page_{make("/", kHtml, www_index_html, www_index_html_end),
            make("/api", kHtml, www_api_html, www_api_html_end),
            make("/style.css", kCss, www_style_css, www_style_css_end),
            make("/app.js", kScript, www_app_js, www_app_js_end),
            make("/graph.js", kScript, www_graph_js, www_graph_js_end),
            make("/trace.js", kScript, www_trace_js, www_trace_js_end)} {}

const Page *Pages::find(std::string_view path) const {
    for (const Page &page : page_) {
        if (page.path == path) {
            return &page;
        }
    }
    return nullptr;
}

} // namespace httpd
