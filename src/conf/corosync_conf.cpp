#include "conf/corosync_conf.hpp"

namespace lamplight::conf {

namespace {

using Events = CorosyncSettings::Events;

struct NamedEvent {
    std::string_view name;
    bool Events::* on;
};
constexpr NamedEvent named_events[] = {{"mwi", &Events::mwi},
                                       {"device_state", &Events::device_state},
                                       {"ping", &Events::ping},
                                       {"cluster_discovery", &Events::cluster_discovery}};

template <Events CorosyncSettings::* Way>
std::string add_event(CorosyncSettings& settings, const Value& value) {
    for (const NamedEvent& event : named_events)
        if (event.name == value.text) settings.*Way.*event.on = true;
    return {};
}

OptionRow<CorosyncSettings> event_row(std::string_view name, std::string_view summary, std::string_view help,
                                      std::string (*set)(CorosyncSettings&, const Value&)) {
    OptionInfo info{.section = "general",
                    .name = name,
                    .type = ValueType::choice,
                    .example = "device_state",
                    .summary = summary,
                    .help = help,
                    .since = "0.1.0",
                    .repeat = Repeat::many,
                    .bad_value = BadValue::error};
    for (const NamedEvent& event : named_events)
        info.choices.push_back(event.name);
    return {std::move(info), set};
}

OptionTable<CorosyncSettings> make_table() {
    using enum SectionInfo::Content;
    return {"res_corosync.conf",
            Owner::asterisk,
            {{"general", options, "What is exchanged with the Asterisk servers of the ring."}},
            {event_row("publish_event", "An event that is sent to Asterisk servers",
                       "Each line adds one; ping and cluster_discovery are always sent. Between Lamplights "
                       "everything is exchanged, whatever stands here.",
                       add_event<&CorosyncSettings::publish>),
             event_row("subscribe_event", "An event that is taken from Asterisk servers",
                       "Each line adds one; ping and cluster_discovery are always taken.",
                       add_event<&CorosyncSettings::subscribe>)}};
}

}  // namespace

const OptionTable<CorosyncSettings>& corosync_table() {
    static const OptionTable<CorosyncSettings> table = make_table();
    return table;
}

}  // namespace lamplight::conf
