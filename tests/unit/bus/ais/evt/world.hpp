#pragma once

#include "bus/ais/evt/service.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lamplight::bus::ais::evt {

/// A frame with these records.
template <typename... Records>
std::vector<std::uint8_t> frame_of(const Records&... records) {
    std::vector<std::uint8_t> frame(wire::evt::max_frame_bytes);
    wire::evt::FrameWriter writer(frame);
    EXPECT_TRUE((writer.add(records) && ...)) << "a record does not fit, or decode() would refuse it";
    frame.resize(writer.bytes());
    return frame;
}

/// Processes on a ring: every part of it has one order of messages, in which own ones come back too.
class World {
public:
    struct Node {
        ring::Member id;
        std::unique_ptr<Service> service;
        Output out;
        std::vector<Opened> opened;
        std::vector<News> news;
        int part = -1;        ///< -1: out of the group
        bool halted = false;  ///< says and hears nothing, and is a member all the same
    };

    Node& add(Settings settings = {}) {
        return add(settings, [this] { return ++draws_; });
    }
    Node& add(Settings settings, std::function<std::uint32_t()> draw) {
        const auto number = static_cast<std::uint32_t>(nodes_.size() + 1);
        auto node = std::make_unique<Node>();
        node->id = {number, 1000 + number};
        node->service = std::make_unique<Service>(settings, std::move(draw));
        nodes_.push_back(std::move(node));
        return *nodes_.back();
    }
    Node& operator[](std::size_t at) { return *nodes_[at]; }
    std::size_t size() const { return nodes_.size(); }
    Moment moment() const { return {now_, wall_ + now_.time_since_epoch().count() * 1'000'000}; }

    /// Joins the group as a new process or one that reconnects.
    void join(Node& node, int part = 0) {
        const auto there = in_part(part, node.id);
        node.part = part;
        wall_ += 1'000'000;
        std::vector<ring::Member> ids;
        for (Node* other : there)
            ids.push_back(other->id);
        node.service->joined(node.id, ids, moment(), node.out);
        for (Node* other : there)
            greet(*other, node.id);
    }
    void leave(Node& node, state::Departure departure = state::Departure::left) {
        const int part = node.part;
        drop_connection(node);
        for (Node* other : in_part(part, node.id))
            other->service->member_gone(node.id, departure, moment(), other->out);
    }
    void split(const std::vector<Node*>& away, int part) {
        for (auto& one : nodes_)
            for (Node* other : away)
                if (one->part == other->part && std::ranges::find(away, one.get()) == away.end()) {
                    one->service->member_gone(other->id, state::Departure::silent, moment(), one->out);
                    other->service->member_gone(one->id, state::Departure::silent, moment(), other->out);
                }
        for (Node* other : away)
            other->part = part;
    }
    void merge(int from, int into) {
        const auto left = in_part(from, {}), right = in_part(into, {});
        for (Node* one : left)
            one->part = into;
        for (Node* one : left)
            for (Node* other : right) {
                one->service->member_returned(other->id, moment(), one->out);
                other->service->member_returned(one->id, moment(), other->out);
            }
    }

    /// A frame on its way: nobody has it.
    struct Frame {
        std::vector<std::uint8_t> bytes;
        FrameId id{};
    };
    std::optional<Frame> take(Node& node) {
        if (node.halted || node.part < 0 || !node.service->wants_to_send()) return {};
        Frame frame{.bytes = std::vector<std::uint8_t>(wire::evt::max_frame_bytes)};
        const auto taken = node.service->take(frame.bytes, moment());
        if (taken.bytes == 0) return {};
        frame.bytes.resize(taken.bytes);
        frame.id = taken.id;
        return frame;
    }
    /// It arrives everywhere.
    void arrive(Node& node, const Frame& frame) {
        hand_round(node, frame.bytes);
        node.service->delivered(frame.id);
    }
    /// One frame of somebody, if there is one.
    bool step(Node& node) {
        collect(node);
        const auto frame = take(node);
        if (!frame) return false;
        arrive(node, *frame);
        return true;
    }
    void hand_round(Node& node, wire::Bytes frame) {
        for (auto& other : nodes_)
            if (other->part == node.part && !other->halted) {
                other->service->receive(node.id, frame, moment(), other->out);
                collect(*other);
            }
    }
    /// Until nobody has anything to say, timers of the next moments too.
    void settle(state::Duration time = std::chrono::milliseconds(400)) {
        const state::Time end = now_ + time;
        do {
            for (bool more = true; more;) {
                more = false;
                for (auto& node : nodes_)
                    more = step(*node) || more;
            }
        } while (pass(end));
    }
    /// To the next deadline, at most `end`; false when it is there.
    bool pass(state::Time end) {
        if (now_ >= end) return false;
        state::Time next = end;
        for (auto& node : nodes_)
            if (const auto due = node->service->next_deadline(); due && !node->halted)
                next = std::min(next, std::max(*due, now_ + state::Duration(1)));
        now_ = next;
        for (auto& node : nodes_) {
            const auto due = node->service->next_deadline();
            if (due && *due <= now_ && !node->halted) node->service->on_time(moment(), node->out);
            collect(*node);
        }
        return true;
    }

    ClientId client(Node& node) { return node.service->add_client(); }
    /// The answer to an open, which must come.
    Opened try_open(Node& node, ClientId client, std::string_view name, std::uint8_t flags) {
        const Invocation invocation = ++invocations_;
        EXPECT_TRUE(node.service->open(client, name, {flags}, invocation, {}, moment()));
        settle(std::chrono::milliseconds(100));
        for (const Opened& opened : node.opened)
            if (opened.invocation == invocation) return opened;
        ADD_FAILURE() << "no answer to open";
        return {};
    }
    ChannelHandle open(Node& node, ClientId client, std::string_view name,
                       std::uint8_t flags = OpenFlags::publisher | OpenFlags::subscriber |
                                            OpenFlags::create) {
        const Opened opened = try_open(node, client, name, flags);
        EXPECT_FALSE(opened.error) << to_string(*opened.error);
        return opened.handle;
    }
    EventId publish(Node& node, ChannelHandle handle, std::string_view data, Attributes attributes = {}) {
        const auto id = node.service->publish(handle, attributes, wire::bytes_of(data), moment());
        EXPECT_TRUE(id);
        return id.value_or(EventId::none);
    }
    void subscribe(Node& node, ChannelHandle handle, SubscriptionId id, std::vector<Filter> filters = {}) {
        EXPECT_TRUE(node.service->subscribe(handle, std::move(filters), id, moment(), node.out));
    }
    std::size_t count_of(const Node& node, News::Kind kind) const {
        return static_cast<std::size_t>(std::ranges::count(node.news, kind, &News::kind));
    }
    /// The data of all that waits.
    std::vector<std::string> texts(Node& node, ClientId client) {
        std::vector<std::string> all;
        while (const auto delivery = node.service->next(client, moment()))
            all.push_back(delivery->event->id == EventId::lost ? "LOST" : delivery->event->data);
        return all;
    }

private:
    std::vector<Node*> in_part(int part, ring::Member but) {
        std::vector<Node*> there;
        for (auto& node : nodes_)
            if (node->part == part && node->id != but) there.push_back(node.get());
        return there;
    }
    void greet(Node& node, ring::Member member) { node.service->member_came(member, moment(), node.out); }
    void drop_connection(Node& node) {
        node.part = -1;
        node.service->disconnected(moment(), node.out);
    }
    static void collect(Node& node) {
        std::ranges::move(node.out.opened, std::back_inserter(node.opened));
        std::ranges::move(node.out.news, std::back_inserter(node.news));
        node.out.clear();
    }

    std::vector<std::unique_ptr<Node>> nodes_;
    state::Time now_{};
    Nanoseconds wall_ = 1'000'000'000'000;
    std::uint32_t draws_ = 100;
    Invocation invocations_ = 0;
};

}  // namespace lamplight::bus::ais::evt
