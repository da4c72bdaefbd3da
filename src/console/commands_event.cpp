// event dump cache, as Asterisk up to 11 has it
#include "console/commands.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

namespace lamplight::console {

namespace {

using boost::json::object;
using state::VoteView;

/// Events in one answer, so that no answer holds the loop up for long.
constexpr std::size_t most_events = 10'000;

constexpr std::string_view usage =
    "Usage: event dump cache <event type>\n"
    "       Dump all of the cached events for the given event type: MWI, DeviceState (the aggregates)\n"
    "       or DeviceStateChange (each server's view). Of votes those that count are there.\n"
    "       This is primarily intended for debugging.\n";

enum class Type : std::uint8_t { mwi, device_state, device_state_change };

struct TypeName {
    Type type{};
    std::string_view name;
    std::vector<std::string_view> keys;
};

const std::array<TypeName, 3>& types() {
    static const std::array<TypeName, 3> all{
        {{Type::mwi, "MWI", {"Mailbox", "Context"}},
         {Type::device_state, "DeviceState", {"Device"}},
         {Type::device_state_change, "DeviceStateChange", {"Device", "EntityID"}}}};
    return all;
}

const TypeName* find_type(std::string_view name) {
    for (const TypeName& type : types())
        if (same_text(type.name, name)) return &type;
    return nullptr;
}

/// The types of Asterisk's events that are not kept.
bool has_no_cache(std::string_view name) {
    for (const std::string_view other : {"All", "Custom", "Subscription", "Unsubscription", "CEL", "Security",
                                         "NetworkChange", "PresenceState", "ACLChange", "Ping"})
        if (same_text(other, name)) return true;
    return false;
}

/// Gathers the blocks of a dump; more than most_events are left out.
class Dump {
public:
    Dump(const TypeName& type, bool json) : type_(type), json_(json) {}

    /// Whether there is room for one more; the dump is cut otherwise.
    bool takes_more() {
        cut_ = cut_ || events_ >= most_events;
        return !cut_;
    }
    bool cut() const { return cut_; }
    /// The elements in the order of the wire.
    void add(const object& elements) {
        ++events_;
        if (json_) {
            list_.push_back(elements);
            return;
        }
        text_ += fmt::format("Event: {}\n", type_.name);
        for (const auto& [name, value] : elements)
            text_ += fmt::format("{}: {}\n", std::string_view(name), plain(value));
        text_ += '\n';
    }

    Reply reply(std::string_view typed) {
        std::string text = fmt::format("Event Type: {}\nCache Unique Keys:\n", typed);
        for (const std::string_view key : type_.keys)
            text += fmt::format("--> {}\n", key);
        text += "\n--- Begin Cache Dump ---\n\n" + text_ + "--- End Cache Dump ---\n\n";
        if (cut_)
            text += fmt::format("Only the first {} events are shown: see '{} show like <text>' for others.\n",
                                events_, type_.type == Type::mwi ? "mwi" : "device");
        boost::json::array keys(type_.keys.begin(), type_.keys.end());
        return shown(std::move(text), object{{"event_type", type_.name},
                                             {"unique_keys", std::move(keys)},
                                             {"events", std::move(list_)},
                                             {"complete", !cut_}});
    }

private:
    static std::string plain(const boost::json::value& value) {
        if (value.is_string()) return escaped(value.get_string());
        return fmt::format("{}", value.to_number<std::uint64_t>());
    }

    const TypeName& type_;
    bool json_;
    bool cut_ = false;
    std::size_t events_ = 0;
    std::string text_;
    boost::json::array list_;
};

void dump_mwi(const Context& context, Dump& dump) {
    const state::MwiTable& mwi = context.control.mwi();
    mwi.for_each([&](const state::Mailbox& mailbox) {
        if (dump.cut()) return;
        const auto newest = mwi.newest(mailbox);
        if (!newest || !dump.takes_more()) return;
        dump.add({{"Mailbox", mailbox.name},
                  {"Context", mailbox.context},
                  {"NewMessages", newest->counts.new_messages},
                  {"OldMessages", newest->counts.old_messages},
                  {"EntityID", to_string(context.engine.node(newest->node).eid)}});
    });
}

object element(std::string_view device, state::DeviceState state, std::uint32_t cachable,
               const state::Eid& eid) {
    return {{"Device", device},
            {"State", static_cast<std::uint32_t>(state)},
            {"Cachable", cachable},
            {"EntityID", to_string(eid)}};
}

/// Asterisk makes the aggregate an event of its own, hence with its own entity ID.
void dump_aggregates(const Context& context, Dump& dump) {
    const state::Engine& engine = context.engine;
    const state::Eid eid = context.control.settings().eid;
    engine.for_each_device([&](state::DeviceId device) {
        if (dump.takes_more())
            dump.add(element(engine.device_name(device), engine.aggregate(device), 1, eid));
    });
}

void dump_votes(const Context& context, Dump& dump) {
    const state::Engine& engine = context.engine;
    engine.for_each_device([&](state::DeviceId device) {
        if (dump.cut()) return;
        engine.for_each_vote(device, [&](const VoteView& vote) {
            if (!vote.counts || !dump.takes_more()) return;
            dump.add(element(engine.device_name(device), vote.state, vote.cachable ? 1 : 0,
                             engine.node(vote.node).eid));
        });
    });
}

Reply dump_cache(const Context& context, const Request& request) {
    if (request.args.size() != 1) return wrong_usage(usage);
    const std::string& typed = request.args[0];
    const TypeName* type = find_type(typed);
    if (type == nullptr && has_no_cache(typed))
        return Reply::ok(fmt::format("Event type '{}' has no cache.\n", typed));
    if (type == nullptr)
        return Reply::failed(fmt::format("Invalid cached event type: '{}'\n{}", typed, usage));
    Dump dump(*type, request.json);
    switch (type->type) {
        case Type::mwi:
            dump_mwi(context, dump);
            break;
        case Type::device_state:
            dump_aggregates(context, dump);
            break;
        case Type::device_state_change:
            dump_votes(context, dump);
            break;
    }
    return dump.reply(typed);
}

}  // namespace

std::vector<Command> event_commands(const Context& context) {
    return {{"event dump cache",
             {},
             "Dump the internal event cache (for debugging)",
             std::string(usage),
             [context](const Request& request, const Responder& responder) {
                 responder(dump_cache(context, request));
             },
             [](const std::vector<std::string>& args, std::string_view) {
                 std::vector<std::string> offers;
                 if (!args.empty()) return offers;
                 for (const TypeName& type : types())
                     offers.emplace_back(type.name);
                 return offers;
             }}};
}

}  // namespace lamplight::console
