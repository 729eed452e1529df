// The HTML of the head's page. Every text that comes from elsewhere is escaped here, and nowhere
// else; the styles and the script are files of their own (assets/), which the build embeds.
#pragma once

#include <string>
#include <string_view>

#include "node/console/views.h"

namespace hopyard::node::console {

std::string escape_html(std::string_view text);

std::string sign_in_page(const SignInView& view);
std::string overview_page(const Overview& view);
/// The part of the page that changes by itself; the script puts it in the place of the old one.
std::string overview_part(const Overview& view);
std::string job_page(const JobView& view);
std::string job_part(const JobView& view);
std::string error_page(const std::string& title, const Error& error);

/// assets/console.css, assets/console.js, assets/icon.svg
std::string_view style_sheet();
std::string_view script();
std::string_view icon();

}  // namespace hopyard::node::console
