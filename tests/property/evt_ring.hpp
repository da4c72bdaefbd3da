#pragma once

#include "bus/ais/evt/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace lamplight::bus::ais::evt::test {

using state::Departure;
using namespace std::chrono_literals;

/// An event as its publisher named it: process, count. Ids may change on the way, this does not.
using Said = std::pair<unsigned, unsigned>;

struct Heard {
    SubscriptionId id = 0;
    std::vector<Filter> filters{};
    std::vector<std::pair<Said, std::uint8_t>> events{};
    std::set<Said> due{};  ///< must come, in runs without partition and loss
};
struct Held {
    ClientId client{};
    ChannelHandle handle{};
    std::string name{};
    OpenFlags flags{};
    std::list<Heard> heard{};
};
struct Asked {
    ClientId client{};
    std::string name{};
    OpenFlags flags{};
};
struct UnderWay {
    FrameId id{};
    std::vector<std::uint8_t> bytes;
    bool dropped = false;  ///< by the ring: found out when a later one comes back
};

/// A process: the machine, and what its group told it, as group::Link does.
struct Process {
    unsigned serial = 0;
    ring::Member id;
    std::unique_ptr<Service> service;
    Output out{};
    int part = -1;                        ///< -1: out of the group
    std::map<ring::Member, bool> seen{};  ///< false: silent
    std::deque<UnderWay> under_way{};
    std::vector<ClientId> clients{};
    std::map<Invocation, Asked> asked{};
    std::list<Held> held{};
    unsigned said = 0;
};

inline void require(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
}

/// Processes on a ring that splits, merges, loses connections and messages, and clients that do anything.
/// Every part has one order of messages; a message goes to the part its sender is in when its turn comes.
class Ring {
public:
    struct Act {
        unsigned what = 0, which = 0, value = 0;
    };
    /// Of the acts, which are generated: with `faults` the ring splits and loses.
    enum class Faults : std::uint8_t { none, all };
    static constexpr unsigned peaceful_acts = 20, all_acts = 28;

    explicit Ring(Faults faults) : faults_(faults) {
        start(0);
        start(0);
    }

    void act(const Act& act) {
        Process& process = pick(act.which);
        switch (act.what) {
            case 0:
            case 1:
                return take(process);
            case 2:
            case 3:
                return deliver(process);
            case 4:
            case 5:
                return open(process, act.value);
            case 6:
                return close(process, act.value);
            case 7:
            case 8:
                return publish(process, act.value, 0);
            case 9:
            case 10:
                return publish(process, act.value, retention(act.value / 64));
            case 11:
                return clear(process, act.value);
            case 12:
                return unlink(process, act.value);
            case 13:
            case 14:
                return subscribe(process, act.value);
            case 15:
                return take_all(process);
            case 16:
                return join(act.value);
            case 17:
                return may_end(process) ? end(process, act.value) : void();
            case 18:
                return pass(std::chrono::milliseconds(act.value % 64 * 5));
            case 19:
                return talk();
            case 20:
            case 21:
                return part_or_merge(process);
            case 22:
            case 23:
                return merge();
            case 24:
                return process.part < 0 ? enter(process, static_cast<int>(act.value % 2))
                                        : disconnect(process, act.value);
            case 25:
                return drop(process);
            case 26:
                return remove_client(process, act.value);
            default:
                return talk();
        }
    }

    void quiet() {
        merge();
        for (Process& process : processes_)
            if (process.part < 0) enter(process, 0);
        for (Process& process : processes_) {
            for (UnderWay& one : std::exchange(process.under_way, {}))
                if (one.dropped)
                    process.service->lost(one.id);
                else
                    process.under_way.push_back(std::move(one));
            bury_dead(process);
        }
        pass(10s);
        for (Process& process : processes_)
            take_all(process);
    }

    void check() {
        for (Process& process : processes_) {
            const auto& service = *process.service;
            require(service.knows_registry(), name_of(process) + " does not know the channels");
            require(process.asked.empty(), name_of(process) + " waits for an open");
            require(service.waiting() == 0, name_of(process) + " has something to say still");
            require(registry_of(service) == registry_of(*processes_.front().service),
                    fmt::format("{}:\n{}{}:\n{}", name_of(process), registry_of(service),
                                name_of(processes_.front()), registry_of(*processes_.front().service)));
            check_opens(process);
            for (const Held& held : process.held)
                for (const Heard& heard : held.heard)
                    check_heard(process, held, heard);
        }
        check_retained();
    }

private:
    static constexpr std::size_t most_processes = 4;

    std::string name_of(const Process& process) const { return fmt::format("process {}", process.serial); }
    Moment moment() const { return {now_, wall_ + now_.time_since_epoch().count() * 1'000'000}; }
    Process& pick(unsigned which) {
        auto process = processes_.begin();
        std::advance(process, which % processes_.size());
        return *process;
    }
    static std::string channel_name(unsigned value) {
        return std::string(1, static_cast<char>('p' + value % 3));
    }
    static Nanoseconds retention(unsigned value) {
        constexpr Nanoseconds second = 1'000'000'000;
        return std::array<Nanoseconds, 4>{for_ever, second / 4, 600 * second, for_ever}[value % 4];
    }

    // --- the group ---

    void start(int part) {
        Process& fresh = processes_.emplace_back();
        fresh.serial = ++serials_;
        fresh.id = {1 + fresh.serial % 3, 100 + fresh.serial};
        fresh.service = std::make_unique<Service>(Settings{}, [this] { return draws_ += 7; });
        enter(fresh, part);
    }
    void join(unsigned value) {
        if (processes_.size() < most_processes)
            start(faults_ == Faults::none ? 0 : static_cast<int>(value % 2));
    }
    void enter(Process& process, int part) {
        process.part = part;
        wall_ += 1'000;
        std::vector<ring::Member> there;
        for (Process& other : processes_)
            if (&other != &process && other.part == part) there.push_back(other.id);
        process.service->joined(process.id, there, moment(), process.out);
        collect(process);
        for (Process& other : processes_) {
            if (&other == &process || other.part != part) continue;
            greet(process, other.id);
            greet(other, process.id);
        }
    }
    void greet(Process& process, ring::Member member) {
        const auto [seen, is_new] = process.seen.try_emplace(member, true);
        seen->second = true;
        if (is_new)
            process.service->member_came(member, moment(), process.out);
        else
            process.service->member_returned(member, moment(), process.out);
        collect(process);
    }
    void miss(Process& process, ring::Member member, Departure departure) {
        const auto seen = process.seen.find(member);
        if (seen == process.seen.end()) return;
        if (departure == Departure::silent)
            seen->second = false;
        else
            process.seen.erase(seen);
        process.service->member_gone(member, departure, moment(), process.out);
        collect(process);
    }
    void bury_dead(Process& process) {
        for (const auto& [member, present] : std::map(process.seen))
            if (!present) miss(process, member, Departure::failed);
    }
    /// On an unbroken ring what clients are promised is known to somebody else.
    bool may_end(const Process& process) const {
        return processes_.size() > 1 &&
               (faults_ != Faults::none || std::ranges::any_of(processes_, [&](const Process& other) {
                    return &other != &process && other.service->knows_registry();
                }));
    }
    void end(Process& process, unsigned value) {
        for (unsigned frames = value % 4; frames > 0; --frames)
            deliver(process);
        const Departure departure = value / 4 % 2 == 0 ? Departure::left : Departure::failed;
        for (Process& other : processes_)
            if (&other != &process && other.part == process.part && process.part >= 0)
                miss(other, process.id, departure);
        processes_.remove_if([&](const Process& one) { return &one == &process; });
    }
    void part_or_merge(Process& process) {
        if (process.part < 0) return;
        const int other_part = 1 - process.part;
        for (Process& other : processes_) {
            if (&other == &process || other.part != process.part) continue;
            miss(other, process.id, Departure::silent);
            miss(process, other.id, Departure::silent);
        }
        process.part = other_part;
        for (Process& other : processes_) {
            if (&other == &process || other.part != process.part) continue;
            greet(other, process.id);
            greet(process, other.id);
        }
    }
    void merge() {
        for (Process& one : processes_)
            for (Process& other : processes_)
                if (one.part == 1 && other.part == 0) {
                    greet(one, other.id);
                    greet(other, one.id);
                }
        for (Process& one : processes_)
            if (one.part == 1) one.part = 0;
    }
    /// What it said last may have come to the others, which it does not learn.
    void disconnect(Process& process, unsigned value) {
        const std::size_t told = std::min<std::size_t>(value % 4, process.under_way.size());
        for (std::size_t i = 0; i < told; ++i)
            if (!process.under_way[i].dropped) hand_round(process, process.under_way[i].bytes, false);
        for (Process& other : processes_) {
            if (&other == &process || other.part != process.part) continue;
            miss(process, other.id, Departure::silent);
            miss(other, process.id, value / 4 % 2 == 0 ? Departure::silent : Departure::failed);
        }
        process.part = -1;
        for (const UnderWay& frame : std::exchange(process.under_way, {}))
            process.service->lost(frame.id);
        process.service->disconnected(moment(), process.out);
        collect(process);
    }

    // --- messages ---

    void take(Process& process) {
        if (process.part < 0 || process.under_way.size() >= 6 || !process.service->wants_to_send()) return;
        std::vector<std::uint8_t> frame(wire::evt::max_frame_bytes);
        const auto taken = process.service->take(frame, moment());
        require(taken.bytes <= frame.size(), "a frame is too large");
        if (taken.bytes == 0) return;
        frame.resize(taken.bytes);
        process.under_way.push_back({taken.id, std::move(frame)});
    }
    void deliver(Process& process) {
        const auto next = std::ranges::find(process.under_way, false, &UnderWay::dropped);
        if (process.part < 0 || next == process.under_way.end()) return;
        const UnderWay frame = std::move(*next);
        std::vector<FrameId> dropped;
        for (auto one = process.under_way.begin(); one != next; ++one)
            dropped.push_back(one->id);
        process.under_way.erase(process.under_way.begin(), next + 1);
        for (const FrameId id : dropped)
            process.service->lost(id);
        hand_round(process, frame.bytes, true);
        process.service->delivered(frame.id);
    }
    void hand_round(Process& from, const std::vector<std::uint8_t>& frame, bool to_self) {
        note(from, frame);
        for (Process& other : processes_)
            if (other.part == from.part && (to_self || &other != &from)) {
                other.service->receive(from.id, frame, moment(), other.out);
                collect(other);
            }
    }
    /// What clients shall hear, by what the group is told.
    void note(const Process& from, const std::vector<std::uint8_t>& frame) {
        const auto done = wire::evt::decode(frame, [&](const wire::evt::Record& record) {
            if (const auto* clear = std::get_if<wire::evt::Clear>(&record)) cleared_.insert(clear->id);
            if (const auto* publish = std::get_if<wire::evt::Publish>(&record)) note(from, *publish);
            return true;
        });
        require(done.has_value(), "what is said is malformed");
    }
    void note(const Process& from, const wire::evt::Publish& publish) {
        const Said said = parse(std::string(wire::text_of(publish.data)));
        require(said.first == from.serial, "somebody else's event is said");
        if (publish.retention > 0)
            kept_[said] = {publish.id, std::string(publish.channel_name), publish.retention};
        std::vector<Pattern> patterns;
        for (const wire::Bytes pattern : publish.patterns)
            patterns.emplace_back(wire::text_of(pattern));
        for (Process& process : processes_)
            for (Held& held : process.held)
                if (process.part == from.part && held.name == publish.channel_name)
                    for (Heard& heard : held.heard)
                        if (matches(heard.filters, patterns) && is_newest(held, heard, patterns))
                            heard.due.insert(said);
    }
    /// An event comes for the newest subscription that it matches.
    static bool is_newest(const Held& held, const Heard& heard, const std::vector<Pattern>& patterns) {
        for (auto other = held.heard.rbegin(); other != held.heard.rend(); ++other)
            if (matches(other->filters, patterns)) return &*other == &heard;
        return false;
    }
    void drop(Process& process) {
        const auto next = std::ranges::find(process.under_way, false, &UnderWay::dropped);
        if (next == process.under_way.end()) return;
        next->dropped = dropped_ = true;
    }
    void talk() {
        bool more = true;
        for (int rounds = 0; more; ++rounds) {
            require(rounds < 2'000, "they talk for ever");
            more = false;
            for (Process& process : processes_) {
                if (process.part < 0) continue;
                take(process);
                const std::size_t before = process.under_way.size();
                deliver(process);
                more = more || before != process.under_way.size() || process.service->wants_to_send();
            }
        }
    }
    void pass(state::Duration time) {
        const state::Time end = now_ + time;
        for (int rounds = 0; now_ < end; ++rounds) {
            require(rounds < 2'000, "deadlines do not end");
            talk();
            state::Time next = end;
            for (const Process& process : processes_)
                if (const auto due = process.service->next_deadline())
                    next = std::min(next, std::max(*due, now_ + state::Duration(1)));
            now_ = next;
            for (Process& process : processes_) {
                const auto due = process.service->next_deadline();
                if (due && *due <= now_) process.service->on_time(moment(), process.out);
                collect(process);
            }
        }
        talk();
    }

    // --- clients ---

    void collect(Process& process) {
        for (const Opened& opened : process.out.opened) {
            const auto asked = process.asked.find(opened.invocation);
            require(asked != process.asked.end() && asked->second.client == opened.client,
                    "an open is answered that nobody asked for");
            if (!opened.error)
                process.held.push_back({.client = opened.client,
                                        .handle = opened.handle,
                                        .name = asked->second.name,
                                        .flags = asked->second.flags});
            process.asked.erase(asked);
        }
        process.out.clear();
    }
    ClientId client(Process& process, unsigned value) {
        if (process.clients.size() < 2) process.clients.push_back(process.service->add_client());
        return process.clients[value % process.clients.size()];
    }
    void open(Process& process, unsigned value) {
        if (process.held.size() + process.asked.size() >= 6) return;
        constexpr std::array<std::uint8_t, 4> flags{7, 6, 3, 2};
        const Asked asked{client(process, value), channel_name(value / 2), {flags[value / 8 % 4]}};
        const Invocation invocation = ++invocations_;
        process.asked.emplace(invocation, asked);
        const auto done =
            process.service->open(asked.client, asked.name, asked.flags, invocation, {}, moment());
        require(done.has_value(), "an open is refused");
    }
    Held* held(Process& process, unsigned value) {
        if (process.held.empty()) return nullptr;
        auto held = process.held.begin();
        std::advance(held, value % process.held.size());
        return &*held;
    }
    void close(Process& process, unsigned value) {
        const Held* open = held(process, value);
        if (open == nullptr) return;
        require(process.service->close(open->handle).has_value(), "a close is refused");
        process.held.remove_if([&](const Held& one) { return &one == open; });
    }
    void remove_client(Process& process, unsigned value) {
        if (process.clients.empty()) return;
        const ClientId client = process.clients[value % process.clients.size()];
        process.service->remove_client(client);
        std::erase(process.clients, client);
        process.held.remove_if([&](const Held& one) { return one.client == client; });
        std::erase_if(process.asked, [&](const auto& entry) { return entry.second.client == client; });
    }
    void publish(Process& process, unsigned value, Nanoseconds retention) {
        const Held* open = held(process, value);
        if (open == nullptr || !open->flags.has(OpenFlags::publisher)) return;
        const std::array<std::vector<Pattern>, 4> patterns{{{}, {"ab"}, {"b", "c"}, {"abb"}}};
        const Attributes attributes{.patterns = patterns[value / 4 % 4],
                                    .priority = static_cast<std::uint8_t>(value / 16 % 4),
                                    .retention = retention};
        const std::string data = fmt::format("{}.{}", process.serial, process.said + 1);
        if (process.service->publish(open->handle, attributes, wire::bytes_of(data), moment()))
            ++process.said;
    }
    void clear(Process& process, unsigned value) {
        const Held* open = held(process, value);
        if (open == nullptr || kept_.empty()) return;
        auto kept = kept_.begin();
        std::advance(kept, value / 4 % kept_.size());
        static_cast<void>(process.service->clear_retention(open->handle, kept->second.id));
    }
    void unlink(Process& process, unsigned value) {
        const std::string name = channel_name(value);
        if (process.service->unlink(client(process, value), name)) unlinked_.insert(name);
    }
    void subscribe(Process& process, unsigned value) {
        Held* open = held(process, value);
        if (open == nullptr) return;
        if (value / 8 % 4 == 3 && !open->heard.empty()) {
            const Heard& last = open->heard.back();
            require(process.service->unsubscribe(open->handle, last.id).has_value(), "no unsubscribe");
            // What was queued for it goes on to an older one, or not at all.
            open->heard.pop_back();
            for (Heard& heard : open->heard)
                heard.due.clear();
            return;
        }
        using Type = Filter::Type;
        const std::array<std::vector<Filter>, 4> filters{
            {{}, {{Type::prefix, "a"}}, {{Type::suffix, "b"}}, {{Type::exact, "ab"}}}};
        Heard heard{.id = ++subscriptions_, .filters = filters[value / 8 % 8 / 2]};
        require(process.service->subscribe(open->handle, heard.filters, heard.id, moment(), process.out)
                    .has_value(),
                "no subscribe");
        open->heard.push_back(std::move(heard));
        collect(process);
    }
    static Said parse(const std::string& data) {
        const auto dot = data.find('.');
        return {static_cast<unsigned>(std::stoul(data)),
                static_cast<unsigned>(std::stoul(data.substr(dot + 1)))};
    }
    void take_all(Process& process) {
        for (const ClientId client : process.clients)
            while (const auto delivery = process.service->next(client, moment()))
                hear(process, *delivery);
    }
    void hear(Process& process, const Delivery& delivery) {
        for (Held& held : process.held)
            for (Heard& heard : held.heard)
                if (held.handle == delivery.channel && heard.id == delivery.subscription)
                    return heard.events.emplace_back(parse(delivery.event->data),
                                                     delivery.event->attributes.priority),
                           void();
        require(false, "an event for a subscription that is not there");
    }

    // --- what must hold ---

    static std::string registry_of(const Service& service) {
        std::string text;
        for (const auto& channel : service.channels()) {
            std::multiset<std::string> opens;
            for (const auto& open : channel.opens)
                opens.insert(fmt::format("{}.{}:{}", open.member.node_id, open.member.pid, open.flags.bits));
            std::string all;
            for (const std::string& open : opens)
                all += open + " ";
            // Of a channel that is unlinked and that only silent ones have open, who came meanwhile knows
            // nothing: what is retained in it is theirs.
            const std::string retained = channel.unlinked ? "" : fmt::format("{} retained", channel.retained);
            text += fmt::format("  {:x} {} {} [{}] {}\n", static_cast<std::uint64_t>(channel.id),
                                channel.name, channel.unlinked ? "unlinked" : "living", all, retained);
        }
        return text;
    }
    void check_opens(const Process& process) {
        std::multiset<std::pair<std::string, std::uint8_t>> there, ours;
        for (const auto& channel : process.service->channels())
            for (const auto& open : channel.opens)
                if (open.member == process.id) there.emplace(channel.name, open.flags.bits);
        for (const Held& held : process.held)
            ours.emplace(held.name, held.flags.bits);
        require(there == ours, fmt::format("{} has {} open, the group says {}", name_of(process), ours.size(),
                                           there.size()));
    }
    void check_heard(const Process& process, const Held& held, const Heard& heard) const {
        std::set<Said> had;
        std::map<std::pair<unsigned, std::uint8_t>, unsigned> last;
        for (const auto& [said, priority] : heard.events) {
            const std::string where = fmt::format("{} subscription {}: event {}.{} ", name_of(process),
                                                  heard.id, said.first, said.second);
            require(had.insert(said).second, where + "came twice");
            unsigned& before = last[{said.first, priority}];
            // What was lost on the way is said again behind what came back meanwhile.
            require(dropped_ || before < said.second, where + fmt::format("after {}", before));
            before = said.second;
        }
        if (faults_ != Faults::none || unlinked_.contains(held.name)) return;
        for (const Said& said : heard.due)
            require(had.contains(said), fmt::format("{} subscription {}: {}.{} did not come",
                                                    name_of(process), heard.id, said.first, said.second));
    }
    /// What a new subscriber finds is the same everywhere.
    void check_retained() {
        for (const std::string name : {"p", "q", "r"}) {
            std::optional<std::vector<std::string>> first;
            for (Process& process : processes_) {
                auto found = probe(process, name);
                if (faults_ != Faults::none) std::ranges::sort(found);
                require(std::ranges::adjacent_find(found) == found.end(), "a retained event came twice");
                if (!first) check_kept(name, found);
                if (!first) first = found;
                require(*first == found,
                        fmt::format("{}: {} retained in {}: {}; the first has {}: {}", name_of(process),
                                    found.size(), name, fmt::join(found, " "), first->size(),
                                    fmt::join(*first, " ")));
            }
        }
    }
    std::vector<std::string> probe(Process& process, const std::string& name) {
        const ClientId client = process.service->add_client();
        const Invocation invocation = ++invocations_;
        process.asked[invocation] = {client, name, {OpenFlags::subscriber | OpenFlags::create}};
        require(
            process.service
                ->open(client, name, {OpenFlags::subscriber | OpenFlags::create}, invocation, {}, moment())
                .has_value(),
            "no probe");
        talk();
        require(process.asked.empty(), "the probe is not answered");
        const ChannelHandle handle = process.held.back().handle;
        require(process.service->subscribe(handle, {}, ++subscriptions_, moment(), process.out).has_value(),
                "no probe");
        std::vector<std::string> found;
        while (const auto delivery = process.service->next(client, moment()))
            found.push_back(delivery->event->data);
        process.service->remove_client(client);
        process.held.pop_back();
        talk();
        return found;
    }
    void check_kept(const std::string& name, const std::vector<std::string>& found) const {
        if (faults_ != Faults::none || unlinked_.contains(name)) return;
        std::set<std::string> must;
        for (const auto& [said, kept] : kept_)
            if (kept.name == name && kept.retention > 10'000'000'000 && !cleared_.contains(kept.id))
                must.insert(fmt::format("{}.{}", said.first, said.second));
        require(must == std::set(found.begin(), found.end()),
                fmt::format("{} retained in {}, should be {}", found.size(), name, must.size()));
    }

    struct Kept {
        EventId id{};
        std::string name;
        Nanoseconds retention = 0;
    };

    Faults faults_;
    std::list<Process> processes_;
    std::map<Said, Kept> kept_;
    std::set<EventId> cleared_;
    std::set<std::string> unlinked_;
    bool dropped_ = false;
    state::Time now_{};
    Nanoseconds wall_ = 1'000'000'000'000;
    std::uint32_t draws_ = 100;
    unsigned serials_ = 0;
    Invocation invocations_ = 0;
    SubscriptionId subscriptions_ = 0;
};

}  // namespace lamplight::bus::ais::evt::test
