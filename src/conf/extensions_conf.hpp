#pragma once

#include "conf/file.hpp"
#include "conf/globals.hpp"
#include "conf/options.hpp"
#include "state/hints.hpp"

#include <string>
#include <string_view>

namespace lamplight::conf {

/// [general] of extensions.conf says nothing that Lamplight needs.
struct DialplanGeneral {};
const OptionTable<DialplanGeneral>& extensions_table();

/// What stands behind `exten => 6001,hint,`.
struct HintText {
    std::string devices;  ///< `SIP/a&SIP/b`
    std::string display_name;
    std::string presence;
    bool unclosed = false;  ///< a `(` without its `)`
};
/// `SIP/a&SIP/b(Joe),CustomPresence:joe` and `SIP/a&SIP/b,CustomPresence:joe(Joe)`; split at the last comma,
/// as Asterisk 11 to 23 do. Variables `${…}` are left whole.
HintText parse_hint_text(std::string_view text);

/// Takes the hints out of a dialplan. Priorities, applications, switches and patterns of it are passed over;
/// what Asterisk itself would complain of is a warning. `globals` holds what is predefined and receives
/// [globals]. Devices longer than `longest_device` bytes are refused.
state::HintPlan read_hints(const File& file, Globals globals, std::size_t longest_device, Problems& problems);

}  // namespace lamplight::conf
