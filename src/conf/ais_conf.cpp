#include "conf/ais_conf.hpp"

#include "conf/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace lamplight::conf {

namespace {

using Events = AisChannel::Events;

constexpr std::string_view channel_type = "event_channel";

struct NamedEvent {
    std::string_view name;
    bool Events::* on;
};
constexpr NamedEvent named_events[] = {{"mwi", &Events::mwi}, {"device_state", &Events::device_state}};

template <Events AisChannel::* Way>
std::string add_event(AisChannel& channel, const Value& value) {
    for (const NamedEvent& event : named_events)
        if (event.name == value.text) channel.*Way.*event.on = true;
    return {};
}

OptionRow<AisChannel> event_row(std::string_view name, std::string_view summary, std::string_view help,
                                std::string (*set)(AisChannel&, const Value&)) {
    OptionInfo info{.section = any_section,
                    .name = name,
                    .type = ValueType::choice,
                    .example = "device_state",
                    .summary = summary,
                    .help = help,
                    .since = "0.1.0",
                    .repeat = Repeat::many};
    for (const NamedEvent& event : named_events)
        info.choices.push_back(event.name);
    return {std::move(info), set};
}

OptionTable<AisChannel> make_table() {
    using enum SectionInfo::Content;
    return {
        "ais.conf",
        Owner::asterisk,
        {{"general", ignored},
         {any_section, options,
          "An event channel: it has the name of the section. Servers that name the same channel hear each "
          "other. There may be several.",
          "device_state"}},
        {{{.section = any_section,
           .name = "type",
           .type = ValueType::choice,
           .example = channel_type,
           .summary = "What the section stands for",
           .help = "A section that does not say so is passed over.",
           .since = "0.1.0",
           .choices = {channel_type}},
          nullptr},
         event_row("publish_event", "An event that is sent through the channel", "Each line adds one.",
                   add_event<&AisChannel::publish>),
         event_row("subscribe_event", "An event that is taken from the channel", "Each line adds one.",
                   add_event<&AisChannel::subscribe>)}};
}

class ChannelReader {
public:
    ChannelReader(const File& file, Problems& problems) : file_(file), problems_(problems) {
        alone_.names = file.names;
    }

    std::vector<AisChannel> read() {
        for (const Section& section : file_.sections)
            if (!section.is_template && !same_name(section.name, "general") && may_be_channel(section))
                add(section);
        return std::move(channels_);
    }

private:
    bool may_be_channel(const Section& section) {
        return has_type(section) && has_good_name(section) && is_first_of_name(section);
    }

    /// Asterisk takes the first `type` that stands in a section.
    bool has_type(const Section& section) {
        const auto& options = section.options;
        const auto found = std::find_if(options.begin(), options.end(),
                                        [](const Option& option) { return same_name(option.name, "type"); });
        if (found == options.end()) {
            warn(section.where, fmt::format("[{}] has no type", section.name), "it is passed over",
                 fmt::format("write type = {} if it is an event channel", channel_type));
            return false;
        }
        if (same_name(unquote(found->value), channel_type)) return true;
        warn(found->where, fmt::format("[{}] is of type {}", section.name, found->value),
             fmt::format("only {} is known, the section is passed over", channel_type),
             "correct or remove it");
        return false;
    }

    bool has_good_name(const Section& section) {
        if (!section.name.empty() && section.name.size() <= longest_channel_name) return true;
        warn(section.where,
             section.name.empty()
                 ? "an event channel has no name"
                 : fmt::format("the name of an event channel has {} bytes", section.name.size()),
             fmt::format("one has from 1 to {}, the section is passed over", longest_channel_name),
             "give it another");
        return false;
    }

    bool is_first_of_name(const Section& section) {
        std::string name = section.name;
        for (char& c : name)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const auto [first, is_new] = first_seen_.try_emplace(std::move(name), section.where);
        if (is_new) return true;
        warn(section.where, fmt::format("the event channel [{}] is there already", section.name),
             fmt::format("the one at {} counts", to_string(file_.place(first->second))),
             "remove one of them");
        return false;
    }

    void add(const Section& section) {
        AisChannel channel;
        channel.name = section.name;
        channel.place = file_.place(section.where);
        alone_.sections = {section};
        ais_table().apply(alone_, channel, problems_);
        channels_.push_back(std::move(channel));
    }

    void warn(Where where, std::string what, std::string why, std::string what_to_do) {
        collector_.add(
            {Severity::warning, file_.place(where), std::move(what), std::move(why), std::move(what_to_do)});
    }

    const File& file_;
    Problems& problems_;
    Collector collector_{problems_};
    File alone_;  ///< a file with one section, for the table
    std::map<std::string, Where> first_seen_;
    std::vector<AisChannel> channels_;
};

}  // namespace

const OptionTable<AisChannel>& ais_table() {
    static const OptionTable<AisChannel> table = make_table();
    return table;
}

std::vector<AisChannel> read_event_channels(const File& file, Problems& problems) {
    return ChannelReader(file, problems).read();
}

}  // namespace lamplight::conf
