#pragma once

#include "conf/configuration.hpp"
#include "conf/options.hpp"

#include <vector>

namespace lamplight::conf {

/// The longest name an event channel may have (SaNameT, less its end).
inline constexpr std::size_t longest_channel_name = 255;

/// The options of a section of ais.conf (asterisk-facts 4.1); a line adds an event, none takes one away.
const OptionTable<AisChannel>& ais_table();

/// The event channels of ais.conf, in the file's order: every section but [general] that says
/// `type = event_channel`. Others are passed over with a warning, as are those of a name that was there, is
/// empty or too long.
std::vector<AisChannel> read_event_channels(const File& file, Problems& problems);

}  // namespace lamplight::conf
