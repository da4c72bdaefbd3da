// A process in a group whose members do and say anything, with clients that call anything: a byte for what
// happens, one for whom, then what that takes. Whatever comes, limits hold, counters never go back, and what
// it says is well formed.
#include "bus/ais/evt/service.hpp"

#include <array>
#include <bit>
#include <cstdlib>
#include <set>
#include <vector>

using namespace lamplight;
using namespace lamplight::bus::ais::evt;
namespace frames = lamplight::wire::evt;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::size_t max_clients = 4;
constexpr ring::Member self{1, 100};

struct Process {
    Process() : service(settings(), [this] { return ++draws % 5; }) { join({}); }

    static Settings settings() {
        Settings small;
        small.queue_limit = 8;
        small.queue_resume = 4;
        small.max_channels = 6;
        small.max_retained = 16;
        small.max_retained_bytes = 8'192;
        small.max_outgoing = 16;
        small.max_outgoing_bytes = 8'192;
        small.max_marks = 8;
        return small;
    }
    Moment moment() const { return {now, now.time_since_epoch().count() * 1'000'000}; }
    void join(const std::vector<ring::Member>& there) {
        present = {there.begin(), there.end()};
        present.erase(self);
        service.joined(self, there, moment(), out);
    }

    void happens(std::uint8_t what, std::uint8_t whose, wire::Reader& in) {
        const ring::Member member{1U + whose % 3, 100U + whose / 3 % 3};
        if (what < 64) return group(what, member, in);
        if (what < 160) return speaks(what, member, in);
        return calls(what, whose, in);
    }

    // --- the group ---

    void group(std::uint8_t what, ring::Member member, wire::Reader& in) {
        switch (what % 8) {
            case 0:
                if (service.in_group()) present.insert(member);
                return service.member_came(member, moment(), out);
            case 1:
                if (service.in_group()) present.insert(member);
                return service.member_returned(member, moment(), out);
            case 2:
                present.erase(member);
                return service.member_gone(member, state::Departure::failed, moment(), out);
            case 3:
                present.erase(member);
                return service.member_gone(member, state::Departure::silent, moment(), out);
            case 4:
                present.clear();
                return service.disconnected(moment(), out);
            case 5:
                return join({member, {2, 100}});
            case 6:
                now += std::chrono::milliseconds(in.u16() % 4'096);
                return service.on_time(moment(), out);
            default: {
                const std::size_t length = in.u16();
                return service.receive(member, in.take(std::min(length, in.left())), moment(), out);
            }
        }
    }

    // --- what members say ---

    static std::string_view name(std::uint8_t value) {
        static constexpr std::array<std::string_view, 8> names{"a", "b", "c", "d", "e", "f", "g", "h"};
        return names[value % names.size()];
    }
    static frames::ChannelId channel(std::uint8_t value) {
        return frames::ChannelId{std::uint64_t{value / 16U % 6} << 32U | (value % 16U)};
    }
    static frames::EventId event(std::uint8_t value, std::uint8_t count) {
        return frames::EventId{std::uint64_t{value / 16U % 6} << 32U | (996U + count % 64U)};
    }
    static std::int64_t span(std::uint8_t value) {
        if (value == 255) return for_ever;
        return value % 2 == 0 ? 0 : std::int64_t{value} << (value % 48U);
    }
    frames::Publish publish(wire::Reader& in) {
        const std::uint8_t which = in.u8(), more = in.u8();
        patterns[0] = in.take(std::min<std::size_t>(more % 4, in.left()));
        return {.channel = channel(which),
                .id = event(in.u8(), in.u8()),
                .priority = static_cast<std::uint8_t>(more % 5),
                .retention = span(in.u8()),
                .publish_time = 1,
                .channel_name = name(in.u8()),
                .publisher = "p",
                .patterns = std::span(patterns).first(1),
                .data = in.take(std::min<std::size_t>(more, in.left()))};
    }
    void speaks(std::uint8_t what, ring::Member member, wire::Reader& in) {
        std::vector<std::uint8_t> frame(4'096);
        frames::FrameWriter writer(frame);
        for (std::size_t records = 1 + what / 16 % 4; records > 0; --records, what = in.u8())
            write(writer, what, member, in);
        if (writer.records() == 0) return;
        service.receive(member, wire::Bytes(frame).first(writer.bytes()), moment(), out);
    }
    void write(frames::FrameWriter& writer, std::uint8_t what, ring::Member member, wire::Reader& in) {
        switch (what % 12) {
            case 0:
            case 1:
                return hello(writer, in);
            case 2:
                writer.add(frames::Open{in.u8(), channel(in.u8()), {in.u8()}, name(in.u8())});
                return;
            case 3:
                writer.add(frames::Close{in.u8()});
                return;
            case 4:
                writer.add(frames::Unlink{name(in.u8())});
                return;
            case 5:
                writer.add(publish(in));
                return;
            case 6:
                writer.add(frames::Clear{channel(in.u8()), event(in.u8(), in.u8())});
                return;
            case 7: {
                const std::array<frames::Process, 2> targets{{{1, 100}, {member.node_id, 101}}};
                const std::uint8_t number = in.u8();
                writer.add(frames::StateBegin{number % 4U, std::span(targets).subspan(number / 4 % 3)});
                return;
            }
            case 8:
                writer.add(frames::StateChannel{
                    channel(in.u8()), static_cast<frames::StateChannel::Status>(in.u8() % 2), name(in.u8())});
                return;
            case 9:
                writer.add(frames::StateEvent{span(in.u8()), publish(in)});
                return;
            case 10:
                writer.add(frames::StateCleared{channel(in.u8()), event(in.u8(), in.u8()), span(in.u8())});
                return;
            default:
                writer.add(frames::StateEnd{in.u8() % 4U});
        }
    }
    static void hello(frames::FrameWriter& writer, wire::Reader& in) {
        const std::uint8_t number = in.u8(), bits = in.u8();
        std::vector<frames::StandingOpen> opens;
        for (std::uint32_t count = bits / 4U % 4; count > 0; --count) {
            const std::uint8_t which = in.u8();
            opens.push_back({count, channel(which), {static_cast<std::uint8_t>(which % 8)}, name(in.u8())});
        }
        writer.add(frames::Hello{.publisher = number % 6U,
                                 .since = number / 6U,
                                 .state = static_cast<frames::Hello::State>(bits % 2),
                                 .wants = static_cast<frames::Hello::Wants>(bits / 2 % 2),
                                 .program = "program",
                                 .opens = opens});
    }

    // --- what clients call ---

    void calls(std::uint8_t what, std::uint8_t whose, wire::Reader& in) {
        if (clients.size() < max_clients && what % 12 == 0) clients.push_back(service.add_client());
        if (clients.empty()) return;
        const ClientId client = clients[whose % clients.size()];
        const ChannelHandle handle = handles.empty() ? ChannelHandle{} : handles[whose % handles.size()];
        switch (what % 12) {
            case 0:
            case 1:
                if (service.waiting() > 24) return;
                static_cast<void>(service.open(client, name(in.u8()), {in.u8()}, 1,
                                               now + std::chrono::milliseconds(in.u8()), moment()));
                return;
            case 2:
                static_cast<void>(service.close(handle));
                std::erase(handles, handle);
                return;
            case 3:
                static_cast<void>(service.unlink(client, name(in.u8())));
                return;
            case 4:
            case 5:
                static_cast<void>(service.publish(handle, attributes(in), wire::bytes_of("data"), moment()));
                return;
            case 6: {
                std::vector<std::uint8_t> frame(frames::max_frame_bytes);
                const auto bytes = service.write_event(handle, attributes(in), {}, moment(), frame);
                if (bytes) service.receive(self, wire::Bytes(frame).first(*bytes), moment(), out);
                return;
            }
            case 7: {
                const std::uint8_t filter = in.u8();
                static_cast<void>(service.subscribe(
                    handle, {{static_cast<Filter::Type>(filter % 6), Pattern(filter / 6 % 3, 'a')}},
                    filter % 16, moment(), out));
                return;
            }
            case 8:
                static_cast<void>(service.unsubscribe(handle, in.u8() % 16));
                return;
            case 9:
                static_cast<void>(service.clear_retention(handle, event(in.u8(), in.u8())));
                return;
            case 10:
                return drain(client);
            default:
                service.remove_client(client);
                std::erase(clients, client);
        }
    }
    static Attributes attributes(wire::Reader& in) {
        const std::uint8_t more = in.u8();
        return {.patterns = {Pattern(more % 3, 'a')},
                .priority = static_cast<std::uint8_t>(more % 5),
                .retention = span(in.u8())};
    }
    /// What is queued and what is retained, for each subscription, is all that can come.
    void drain(ClientId client) {
        std::size_t most = settings().queue_limit + 2 + 16 * settings().max_retained;
        while (service.next(client, moment()))
            require(most-- > 0);
        require(!service.has_next(client));
    }

    // --- what it says ---

    void talks(std::uint8_t loses) {
        std::vector<std::uint8_t> frame(frames::max_frame_bytes);
        for (int messages = 0; messages < 32 && service.wants_to_send(); ++messages) {
            const auto taken = service.take(frame, moment());
            if (taken.bytes == 0) continue;
            const wire::Bytes said = wire::Bytes(frame).first(taken.bytes);
            require(frames::decode(said, [](const frames::Record&) { return true; }).has_value());
            if (messages % 8 == loses) {
                service.lost(taken.id);
                continue;
            }
            service.receive(self, said, moment(), out);
            service.delivered(taken.id);
        }
    }
    void collect() {
        for (const Opened& opened : out.opened)
            if (!opened.error) handles.push_back(opened.handle);
        out.clear();
    }

    // --- what must hold ---

    void check() {
        using Numbers = std::array<std::uint64_t, sizeof(Counters) / sizeof(std::uint64_t)>;
        const auto before = std::bit_cast<Numbers>(counted),
                   after = std::bit_cast<Numbers>(service.counters());
        for (std::size_t i = 0; i < before.size(); ++i)
            require(before[i] <= after[i]);
        counted = service.counters();
        require(service.members().size() <= present.size() + 1);
        for (const auto& member : service.members())
            require(member.member == self || present.contains(member.member));
        std::size_t retained = 0, retained_bytes = 0;
        const auto channels = service.channels();
        require(channels.size() <= settings().max_channels);
        for (const auto& one : channels) {
            retained += one.retained;
            retained_bytes += one.retained_bytes;
        }
        require(retained <= settings().max_retained && retained_bytes <= settings().max_retained_bytes);
        require(service.waiting() <= settings().max_outgoing + 2 * frames::max_opens);
    }

    std::uint32_t draws = 0;
    state::Time now{std::chrono::seconds(1000)};
    Output out;
    std::set<ring::Member> present;
    std::array<wire::Bytes, 1> patterns;
    std::vector<ClientId> clients;
    std::vector<ChannelHandle> handles;
    Counters counted;
    Service service;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Process process;
    wire::Reader in({data, size});
    while (in.left() > 2) {
        const std::uint8_t what = in.u8();
        const std::uint8_t whose = in.u8();
        process.happens(what, whose, in);
        process.talks(whose / 9);
        process.collect();
        process.check();
    }
    return 0;
}
