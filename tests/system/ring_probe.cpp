// A member of groups, for tests of src/ring: takes commands on its input, a line each, and says what it sees
// in JSON, a line each, with the time in seconds.
//
//     join LABEL GROUP          a ring::Group, called LABEL from here on
//     allow | forbid            what may_join answers, from here on; allowed at first
//     send LABEL COUNT SIZE     numbered messages; what finds no room is tried again
//     try LABEL COUNT SIZE      as send, each once
//     slow LABEL MICROSECONDS   from here on a message takes so long
//     count LABEL, state LABEL, echo TEXT, occupants, describe
//     leave LABEL, drop LABEL   with goodbye, and as a process that ends
//     end                       lets go of everything; also at the end of the input
#include "ring/group.hpp"
#include "ring/inquiry.hpp"
#include "ring/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <istream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace lamplight::ring {

namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

double seconds(std::chrono::steady_clock::time_point time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void say(json::object event) {
    event["time"] = seconds(std::chrono::steady_clock::now());
    const std::string line = json::serialize(event);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
}

std::string text_of(Member member) {
    return fmt::format("{}:{}", member.node_id, member.pid);
}

const char* text_of(Reason reason) {
    constexpr std::array names{"join", "leave", "node_down", "node_up", "process_down"};
    return names.at(static_cast<std::size_t>(reason));
}

const char* text_of(Group::State state) {
    constexpr std::array names{"connecting", "kept_out", "joining", "joined", "leaving", "left"};
    return names.at(static_cast<std::size_t>(state));
}

json::array list_of(std::span<const Member> members) {
    json::array out;
    for (const Member member : members)
        out.emplace_back(text_of(member));
    return out;
}

json::object map_of(std::span<const Moved> moves) {
    json::object out;
    for (const Moved& moved : moves)
        out[text_of(moved.member)] = text_of(moved.reason);
    return out;
}

/// Messages of one sender: their number in the first eight bytes.
struct Heard {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::uint64_t next = 0;
    std::uint64_t out_of_order = 0;

    void take(wire::Bytes message) {
        std::uint64_t number = 0;
        if (message.size() >= sizeof number) std::memcpy(&number, message.data(), sizeof number);
        if (number != next) ++out_of_order;
        next = number + 1;
        ++count;
        bytes += message.size();
    }
};

/// One group and what was sent and heard there.
class Place {
public:
    Place(boost::asio::io_context& loop, Worker& worker, std::string label, std::string group,
          const bool& allowed)
        : label_(std::move(label)),
          allowed_(allowed),
          timer_(loop),
          group_(loop, worker, std::move(group), owner()) {
        group_.start();
    }

    void send(std::uint64_t count, std::size_t size) {
        wanted_ += count;
        message_.assign(std::max(size, sizeof(std::uint64_t)), 'x');
        pump();
    }

    void try_once(std::uint64_t count, std::size_t size) {
        std::array<std::uint64_t, 3> answers{};
        message_.assign(std::max(size, sizeof(std::uint64_t)), 'x');
        for (std::uint64_t i = 0; i < count; ++i)
            ++answers.at(static_cast<std::size_t>(send_next()));
        wanted_ = next_;
        report({{"event", "tried"},
                {"accepted", answers[0]},
                {"try_again", answers[1]},
                {"not_joined", answers[2]}});
    }

    void slow(std::chrono::microseconds pause) { slow_ = pause; }

    void count() {
        json::object from;
        for (const auto& [member, heard] : heard_)
            from[text_of(member)] = {{"count", heard.count},
                                     {"bytes", heard.bytes},
                                     {"next", heard.next},
                                     {"out_of_order", heard.out_of_order}};
        report({{"event", "count"},
                {"from", std::move(from)},
                {"turns", turns_},
                {"most_a_turn", most_a_turn_}});
    }

    void state() {
        report({{"event", "state"},
                {"state", text_of(group_.state())},
                {"self", text_of(group_.self())},
                {"since", seconds(group_.since())},
                {"trouble", group_.trouble()}});
    }

    void leave() {
        group_.leave([this] { report({{"event", "left"}}); });
        report({{"event", "asked to leave"}});
    }

private:
    Group::Owner owner() {
        return {
            .may_connect = {},
            .may_join =
                [this](Member self, const std::vector<Member>& there) {
                    report({{"event", "may_join"},
                            {"self", text_of(self)},
                            {"there", list_of(there)},
                            {"answer", allowed_}});
                    return allowed_;
                },
            .on_membership = [this](const Membership& membership) { hear(membership); },
            .on_totem =
                [this](const Totem& totem) {
                    report({{"event", "totem"},
                            {"nodes", json::array(totem.nodes.begin(), totem.nodes.end())},
                            {"ring_sequence", totem.ring_sequence}});
                },
            .on_message = [this](Member from, wire::Bytes message) { hear(from, message); },
            .on_turn_end =
                [this] {
                    ++turns_;
                    most_a_turn_ = std::max(most_a_turn_, std::exchange(in_turn_, 0));
                },
            .on_lost = [this](const std::string& why) { report({{"event", "lost"}, {"why", why}}); },
        };
    }

    void hear(const Membership& membership) {
        report({{"event", "membership"},
                {"members", list_of(membership.members)},
                {"left", map_of(membership.left)},
                {"joined", map_of(membership.joined)}});
    }

    void hear(Member from, wire::Bytes message) {
        heard_[from].take(message);
        ++in_turn_;
        const auto until = std::chrono::steady_clock::now() + slow_;
        while (std::chrono::steady_clock::now() < until) {
        }  // at work on it
        if (from == group_.self()) pump();
    }

    Sent send_next() {
        std::memcpy(message_.data(), &next_, sizeof next_);
        const Sent sent = group_.send(wire::Bytes(message_));
        if (sent == Sent::accepted) ++next_;
        return sent;
    }

    void pump() {
        if (next_ == wanted_) return;
        Sent sent = Sent::accepted;
        while (next_ < wanted_ && sent == Sent::accepted)
            sent = send_next();
        if (next_ == wanted_)
            return report({{"event", "sent"}, {"next", next_}, {"try_again", std::exchange(try_again_, 0)}});
        ++try_again_;
        timer_.expires_after(1ms);
        timer_.async_wait([this](boost::system::error_code error) {
            if (!error) pump();
        });
    }

    void report(json::object event) const {
        event["label"] = label_;
        say(std::move(event));
    }

    const std::string label_;
    const bool& allowed_;
    std::map<Member, Heard> heard_;
    std::vector<std::uint8_t> message_;
    std::uint64_t next_ = 0;
    std::uint64_t wanted_ = 0;
    std::uint64_t try_again_ = 0;
    std::uint64_t turns_ = 0;
    std::uint64_t in_turn_ = 0;
    std::uint64_t most_a_turn_ = 0;
    std::chrono::microseconds slow_{0};
    boost::asio::steady_timer timer_;
    Group group_;
};

class Probe {
public:
    void run() {
        say({{"event", "started"}});
        read();
        loop_.run();
        places_.clear();
        const auto before = std::chrono::steady_clock::now();
        worker_.reset();
        say({{"event", "ended"},
             {"worker_seconds", seconds(std::chrono::steady_clock::now()) - seconds(before)}});
    }

private:
    void read() {
        boost::asio::async_read_until(input_, buffer_, '\n',
                                      [this](boost::system::error_code error, std::size_t) {
                                          if (error) return loop_.stop();
                                          std::istream in(&buffer_);
                                          std::string line;
                                          std::getline(in, line);
                                          obey(line);
                                          read();
                                      });
    }

    void obey(const std::string& line) {
        std::istringstream words(line);
        std::string verb;
        std::string label;
        words >> verb;
        if (verb == "end") return loop_.stop();
        if (verb == "allow" || verb == "forbid") {
            allowed_ = verb == "allow";
        } else if (verb == "occupants") {
            list_occupants(*worker_, report_occupants);
        } else if (verb == "describe") {
            describe_ring(*worker_, report_description);
        } else if (words >> label; verb == "echo") {
            say({{"event", "echo"}, {"text", label}});
        } else if (verb == "join") {
            std::string group;
            words >> group;
            places_[label] = std::make_unique<Place>(loop_, *worker_, label, group, allowed_);
        } else if (verb == "drop") {
            places_.erase(label);
        } else {
            obey(*places_.at(label), verb, words);
        }
    }

    static void obey(Place& place, const std::string& verb, std::istream& words) {
        std::uint64_t number = 0;
        std::size_t size = 0;
        words >> number >> size;
        if (verb == "send") place.send(number, size);
        if (verb == "try") place.try_once(number, size);
        if (verb == "slow") place.slow(std::chrono::microseconds(number));
        if (verb == "count") place.count();
        if (verb == "state") place.state();
        if (verb == "leave") place.leave();
    }

    static void report_occupants(const Occupants& answer) {
        if (!answer) return say({{"event", "occupants"}, {"failure", answer.error().text}});
        json::object groups;
        for (const Occupant& occupant : *answer) {
            json::value& members = groups[occupant.group];
            if (members.is_null()) members = json::array();
            members.as_array().emplace_back(text_of(occupant.member));
        }
        say({{"event", "occupants"}, {"groups", std::move(groups)}});
    }

    static void report_description(const Description& answer) {
        if (!answer) return say({{"event", "description"}, {"failure", answer.error().text}});
        json::array nodes;
        for (const RingNode& node : answer->nodes)
            nodes.push_back({{"id", node.node_id}, {"name", node.name}, {"address", node.address}});
        say({{"event", "description"}, {"cluster", answer->cluster_name}, {"nodes", std::move(nodes)}});
    }

    boost::asio::io_context loop_;
    boost::asio::posix::stream_descriptor input_{loop_, ::dup(STDIN_FILENO)};
    boost::asio::streambuf buffer_;
    bool allowed_ = true;
    std::unique_ptr<Worker> worker_ = std::make_unique<Worker>(loop_);
    std::map<std::string, std::unique_ptr<Place>> places_;
};

}  // namespace

}  // namespace lamplight::ring

int main() {
    lamplight::ring::Probe().run();
    return 0;
}
