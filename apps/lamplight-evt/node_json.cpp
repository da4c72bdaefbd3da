#include "node_json.hpp"

#include "console/texts.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <chrono>

namespace lamplight::evt_app {

namespace json = boost::json;
namespace clm = bus::ais::clm;

std::string json_time(bus::ais::evt::Nanoseconds wall) {
    using namespace std::chrono;
    return console::json_time(
        system_clock::time_point{duration_cast<system_clock::duration>(nanoseconds(wall))});
}

json::object brief_json(const clm::Node& node) {
    return {{"id", node.id}, {"name", node.name}, {"address", node.address}};
}

json::object full_json(const clm::Node& node) {
    json::object out = brief_json(node);
    out["shown_id"] = fmt::format("{:#x}", clm::shown_id(node.id, node.address));
    out["member"] = node.member;
    out["boot_time"] = nullptr;
    if (node.boot_time != clm::time_unknown) out["boot_time"] = json_time(node.boot_time);
    out["initial_view"] = nullptr;
    if (node.initial_view != 0) out["initial_view"] = node.initial_view;
    return out;
}

}  // namespace lamplight::evt_app
