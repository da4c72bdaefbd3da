#pragma once

#include "conf/options.hpp"

#include <string>
#include <string_view>

namespace lamplight::conf {

/// The sections of a table as a sample file: each option explained and commented out with its default.
/// Options that Lamplight has no use for are left out, and sections with nothing else.
std::string sample_text(const FileTable& table);

/// The same for a manual page, in man(7): a .SS for each section, a .TP for each option.
std::string manual_text(const FileTable& table);

/// For man(7): nothing of `text` is taken for a request.
std::string roff_text(std::string_view text);

}  // namespace lamplight::conf
