#pragma once

#include <string_view>

namespace lamplight::conf {

/// Whether every byte belongs to a well-formed UTF-8 sequence (RFC 3629): no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

}  // namespace lamplight::conf
