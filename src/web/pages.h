// The web page, built from web/control and embedded in the program, as an HTTP handler. It knows
// files and nothing of the API. Names below /assets/ hold a digest of their content and may be kept
// for ever; every other path that names no file is a view of the page's own, and gets its index.
//
// The page runs no script and no style but its own files (Content-Security-Policy), and nobody may
// put it in a frame.
#pragma once

#include <string_view>
#include <vector>

#include "http/server.h"

namespace hopyard::web {

/// A file in each form that it can be sent in; a form that is not smaller is empty.
struct Page {
    std::string_view path;  ///< "/assets/index-4f2a.js"
    std::string_view type;
    std::string_view tag;    ///< its ETag, with quotes
    bool immutable = false;  ///< its path changes with its content
    std::string_view plain;
    std::string_view gzip;
    std::string_view brotli;
};

/// What was built into this program; empty when it was built without the page.
const std::vector<Page>& embedded_pages();

/// `pages` outlives the handler.
http::Handler serve_pages(const std::vector<Page>& pages);

}  // namespace hopyard::web
