#include "wire/evt/layout.hpp"

namespace lamplight::wire::evt {
namespace {

/// Keeps the first of the reasons why something does not hold.
class Check {
public:
    Check& that(bool holds, Malformed otherwise) {
        if (!holds && !flaw_) flaw_ = otherwise;
        return *this;
    }
    Check& channel_name(std::string_view name) {
        return that(!name.empty() && name.size() <= max_name_bytes, Malformed::name_too_long);
    }
    Check& id(ChannelId id) { return that(id != ChannelId::none, Malformed::bad_value); }
    Check& id(EventId id) { return that(id != EventId::none, Malformed::bad_value); }
    Check& flags(OpenFlags flags) {
        constexpr int known = OpenFlags::publisher | OpenFlags::subscriber | OpenFlags::create;
        return that((flags.bits & ~known) == 0, Malformed::bad_value);
    }
    Check& time(std::int64_t nanoseconds) { return that(nanoseconds >= 0, Malformed::bad_value); }
    template <typename Enum>
    Check& at_most(Enum value, Enum highest) {
        return that(value <= highest, Malformed::bad_value);
    }
    std::optional<Malformed> flaw() const { return flaw_; }

private:
    std::optional<Malformed> flaw_;
};

}  // namespace

std::optional<Malformed> flaw(const Hello& hello) {
    Check check;
    check.that(hello.publisher != 0, Malformed::bad_value)
        .at_most(hello.state, Hello::State::whole)
        .at_most(hello.wants, Hello::Wants::state)
        .that(hello.boot_time >= 0 || hello.boot_time == time_unknown, Malformed::bad_value)
        .that(hello.program.size() <= max_program_bytes, Malformed::name_too_long)
        .that(hello.opens.size() <= max_opens, Malformed::too_many);
    for (const StandingOpen& open : hello.opens)
        check.id(open.channel).flags(open.flags).channel_name(open.name);
    return check.flaw();
}

std::optional<Malformed> flaw(const Open& open) {
    Check check;
    check.flags(open.flags).channel_name(open.name);
    if (open.flags.has(OpenFlags::create)) check.id(open.proposed);
    return check.flaw();
}

std::optional<Malformed> flaw(const Close&) {
    return {};
}

std::optional<Malformed> flaw(const Unlink& unlink) {
    return Check().channel_name(unlink.name).flaw();
}

std::optional<Malformed> flaw(const Publish& publish) {
    Check check;
    check.id(publish.channel)
        .id(publish.id)
        .that(publish.priority <= lowest_priority, Malformed::bad_value)
        .time(publish.retention)
        .time(publish.publish_time)
        .channel_name(publish.channel_name)
        .that(publish.publisher.size() <= max_name_bytes, Malformed::name_too_long)
        .that(publish.patterns.size() <= max_patterns, Malformed::too_many)
        .that(publish.data.size() <= max_data_bytes, Malformed::data_too_long);
    for (const Bytes pattern : publish.patterns)
        check.that(pattern.size() <= max_pattern_bytes, Malformed::pattern_too_long);
    return check.flaw();
}

std::optional<Malformed> flaw(const Clear& clear) {
    return Check().id(clear.channel).id(clear.id).flaw();
}

std::optional<Malformed> flaw(const StateBegin& begin) {
    return Check().that(begin.targets.size() <= max_targets, Malformed::too_many).flaw();
}

std::optional<Malformed> flaw(const StateChannel& channel) {
    return Check()
        .id(channel.id)
        .at_most(channel.status, StateChannel::Status::unlinked)
        .channel_name(channel.name)
        .flaw();
}

std::optional<Malformed> flaw(const StateEvent& event) {
    if (const auto found = Check().time(event.remaining).flaw()) return found;
    return flaw(event.event);
}

std::optional<Malformed> flaw(const StateCleared& cleared) {
    return Check().id(cleared.channel).id(cleared.id).time(cleared.remaining).flaw();
}

std::optional<Malformed> flaw(const StateEnd&) {
    return {};
}

std::optional<Malformed> flaw(const Unknown& unknown) {
    return Check().that(!is_known(unknown.type), Malformed::bad_value).flaw();
}

}  // namespace lamplight::wire::evt
