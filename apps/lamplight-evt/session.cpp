#include "session.hpp"

#include "ring/inquiry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

namespace lamplight::evt_app {

namespace {

using namespace std::chrono_literals;
namespace ais = bus::ais;

constexpr auto patience_at_leaving = 1s;
constexpr auto patience_at_end = 2s;
constexpr auto ask_names_again = 200ms;
constexpr int most_failed_asks = 5;
constexpr auto patience_for_opens = 1s;

state::Time steady_now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return state::Time{std::chrono::duration_cast<state::Duration>(since)};
}

ais::evt::Settings settings() {
    ais::evt::Settings out;
    out.program = "lamplight-evt";
    return out;
}

/// `5 s`, `0.25 s`
std::string seconds_text(std::chrono::milliseconds time) {
    return fmt::format("{:g} s", static_cast<double>(time.count()) / 1'000);
}

}  // namespace

Session::Session(const Common& common)
    : common_(common),
      worker_(loop_),
      output_(loop_, {.on_room =
                          [this] {
                              if (!ending_) command_->on_room();
                          },
                      .on_broken = [this] { end(1); }}),
      signals_(loop_, SIGINT, SIGTERM),
      wait_timer_(loop_),
      describe_timer_(loop_),
      opens_timer_(loop_),
      end_timer_(loop_),
      group_(loop_, worker_, settings(), steady_now, owner_of_group()) {}

int Session::run(const Make& make) {
    command_ = make(*this);
    await_signal();
    arm_wait();
    group_.start();
    loop_.run();
    return status_;
}

ais::EvtGroup::Owner Session::owner_of_group() {
    return {.on_joined = [this] { on_joined(); },
            .on_lost = [this](const std::string& why) { on_lost(why); },
            .on_transition =
                [this](const ais::clm::Transition& transition) {
                    if (!ending_) command_->on_transition(transition);
                },
            .on_described =
                [this] {
                    if (!ending_) command_->on_described();
                },
            .on_output = [this](ais::evt::Output& out) { on_output(out); },
            .on_settled = [this] { on_settled(); }};
}

std::string Session::label(ring::Member member) const {
    return fmt::format("{} pid {}", membership().known_node(member.node_id).name, member.pid);
}

void Session::say(const std::string& line) {
    fmt::print(stderr, "lamplight-evt: {}\n", line);
}

// --- the group ---

void Session::on_joined() {
    if (ending_) return;
    if (ready_) wait_timer_.cancel();
    describe();
}

void Session::on_lost(const std::string& why) {
    if (ending_) return;
    say(fmt::format("{}: waiting until it is back", why));
    if (command_->when_lost() == Command::WhenLost::give_up) arm_wait();
}

void Session::on_output(ais::evt::Output& out) {
    if (ending_) return;
    for (const ais::evt::News& news : out.news)
        tell(news);
    command_->on_output(out);
}

void Session::on_settled() {
    if (ending_) return;
    look_whether_ready();
    if (ready_ && !ending_) command_->on_settled();
}

void Session::tell(const ais::evt::News& news) const {
    using Kind = ais::evt::News::Kind;
    switch (news.kind) {
        case Kind::registry_known:
        case Kind::lost:
            return;
        case Kind::malformed:
            return say(fmt::format("{} sent what is no frame: {}", label(news.member), news.text));
        case Kind::not_retained:
            return say(fmt::format("events are not retained here any more: {}", news.text));
        case Kind::other_version:
            return say(fmt::format("{} speaks a newer format: update this program", label(news.member)));
        case Kind::foreign_id:
            return say(fmt::format("{} sent an id that is not its own: {}", label(news.member), news.text));
    }
}

// --- names of nodes ---

void Session::describe() {
    if (std::exchange(asking_, true)) {
        ask_again_ = true;
        return;
    }
    ring::describe_ring(worker_,
                        [this](ring::Description description) { on_described(std::move(description)); });
}

/// A Corosync that has just started may not answer at once; after a few times names are done without.
void Session::on_described(ring::Description description) {
    if (ending_) return;
    if (!description && ++failed_asks_ < most_failed_asks) {
        describe_timer_.expires_after(ask_names_again);
        return describe_timer_.async_wait([this](boost::system::error_code error) {
            if (error) return;
            asking_ = false;
            describe();
        });
    }
    asking_ = false;
    failed_asks_ = 0;
    // The answer may be older than the last change of the ring.
    if (std::exchange(ask_again_, false)) return describe();
    described_ = true;
    if (description)
        group_.learn(description->nodes);
    else
        command_->on_described();
    look_whether_ready();
}

// --- whether it can begin ---

bool Session::is_ready() {
    if (!group_.joined() || !membership().known() || !described_) return false;
    const Command::Needs needs = command_->needs();
    if (needs == Command::Needs::ring) return true;
    return service().knows_registry() && (needs == Command::Needs::channels || is_everybody_known());
}

/// A member that says nothing (of another format) is not waited for without an end.
bool Session::is_everybody_known() {
    if (opens_overdue_ || std::ranges::all_of(service().members(), &ais::evt::Service::MemberView::known))
        return true;
    if (!std::exchange(opens_awaited_, true)) {
        opens_timer_.expires_after(patience_for_opens);
        opens_timer_.async_wait([this](boost::system::error_code error) {
            opens_overdue_ = true;
            if (!error) look_whether_ready();
        });
    }
    return false;
}

void Session::look_whether_ready() {
    if (ready_ || ending_ || !is_ready()) return;
    ready_ = true;
    wait_timer_.cancel();
    command_->on_ready();
}

void Session::arm_wait() {
    wait_timer_.expires_after(common_.wait);
    wait_timer_.async_wait([this](boost::system::error_code error) {
        if (!error && !ending_) fail(what_is_missing());
    });
}

std::string Session::what_is_missing() const {
    const std::string unfinished = command_->unfinished();
    const std::string end = unfinished.empty() ? "" : "; " + unfinished;
    if (!group_.joined()) {
        const std::string& trouble = group_.link().group().trouble();
        return fmt::format(
            "{}, after {}. Is it running (systemctl status corosync), and may this user join its groups (a "
            "file "
            "in /etc/corosync/uidgid.d)? --wait SECONDS waits longer{}",
            trouble.empty() ? "Corosync has not answered" : trouble, seconds_text(common_.wait), end);
    }
    if (!membership().known() || !described_)
        return fmt::format(
            "Corosync has not said who is in the ring, after {}: look at corosync-cfgtool -s{}",
            seconds_text(common_.wait), end);
    return fmt::format(
        "no member of the group saEvt has handed over the channels, after {}: look at \"corosync-cpgtool\" "
        "for "
        "who is in it, or wait longer with --wait SECONDS{}",
        seconds_text(common_.wait), end);
}

// --- the end ---

void Session::await_signal() {
    signals_.async_wait([this](boost::system::error_code error, int) {
        if (error) return;
        how_ = Ending::at_once;
        if (ending_) return stop();
        const int status = command_->on_signal();
        await_signal();
        end(status);
    });
}

void Session::fail(const std::string& why) {
    if (ending_) return;
    say(why);
    end(1);
}

void Session::end(int status) {
    if (std::exchange(ending_, true)) return;
    status_ = status;
    wait_timer_.cancel();
    describe_timer_.cancel();
    opens_timer_.cancel();
    end_timer_.expires_after(patience_at_end);
    end_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) stop();
    });
    group_.leave(patience_at_leaving, [this] {
        // Whoever reads slowly gets all of it, unless a signal says that it is over.
        if (how_ == Ending::complete) end_timer_.cancel();
        output_.drain([this] { stop(); });
    });
}

void Session::stop() {
    loop_.stop();
}

}  // namespace lamplight::evt_app
