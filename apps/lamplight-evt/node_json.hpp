#pragma once

#include "bus/ais/clm/membership.hpp"
#include "bus/ais/evt/event.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace lamplight::evt_app {

/// ISO 8601 in UTC, of Unix time in ns.
std::string json_time(bus::ais::evt::Nanoseconds wall);
/// Who it is: id, name, address.
boost::json::object brief_json(const bus::ais::clm::Node& node);
/// And what is known of it; null is unknown.
boost::json::object full_json(const bus::ais::clm::Node& node);

}  // namespace lamplight::evt_app
