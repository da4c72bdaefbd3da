// A transfer to servers as they are, in a virtual millisecond clock: what waits, how much passes.
#include "bus/xmpp/pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace lamplight::bus::xmpp {
namespace {

using namespace std::chrono_literals;
using state::Duration;
using state::Time;
using Urgency = Pace::Urgency;

constexpr std::size_t stanza = 300;
constexpr int many = 10'000;

struct Server {
    double bytes_a_ms = 0;  ///< 0: takes all
    double burst = 0;
    Duration way{1};         ///< one way
    Duration work{0};        ///< for each stanza
    bool reads_all = false;  ///< takes what is there, then pauses for as long as it was too much
    int most_a_minute = 0;
};

class Transfer {
public:
    explicit Transfer(const Server& server, std::uint32_t limit = 0)
        : server_(server), tokens_(server.burst) {
        pace.limit_stanzas(limit);
        pace.stream_bound(now);
    }

    void run_one_ms() {
        now += 1ms;
        serve();
        answer();
        if (deadline_ && *deadline_ <= now) {
            ++wakes;
            EXPECT_TRUE(pace.has_room(Urgency::fresh, 0, now)) << "it woke for nothing";
        }
        send();
        deadline_ = pace.next_deadline(now);
        EXPECT_TRUE(!deadline_ || *deadline_ > now);
    }
    void run(Duration time) {
        for (const Time until = now + time; now < until;)
            run_one_ms();
    }
    /// With a fresh change now and then; the time it took.
    Duration run_bulk(int stanzas, Duration fresh_every, Duration most = 2h) {
        bulk += stanzas;
        const Time began = now;
        while ((bulk > 0 || !on_the_way_.empty()) && now - began < most) {
            if (fresh_every > 0ms && (now - began) % fresh_every == 0ms) fresh.push_back(now);
            run_one_ms();
        }
        return now - began;
    }

    Time now{1h};
    Pace pace;
    int bulk = 0;
    std::deque<Time> fresh;  ///< when they happened
    Duration longest{};      ///< from happening to the answer
    bool closed = false;
    int wakes = 0;
    int sent = 0;

private:
    struct Stanza {
        Pace::Number number = 0;
        Time sent;
        std::optional<Time> fresh_since{};
        Time answered{};
    };

    void send() {
        for (int turn = 0; turn < 64; ++turn) {
            if (!fresh.empty() && pace.has_room(Urgency::fresh, stanza, now)) {
                put(fresh.front());
                fresh.pop_front();
            } else if (bulk > 0 && pace.has_room(Urgency::bulk, stanza, now)) {
                put({});
                --bulk;
            } else {
                return;
            }
        }
    }
    void put(std::optional<Time> fresh_since) {
        on_the_way_.push_back({pace.sent(stanza, now), now, fresh_since});
        ++sent;
        minute_.push_back(now);
        while (now - minute_.front() >= 60s)
            minute_.pop_front();
        if (server_.most_a_minute > 0 && static_cast<int>(minute_.size()) >= server_.most_a_minute)
            closed = true;
    }
    void serve() {
        if (server_.bytes_a_ms > 0) tokens_ = std::min(server_.burst + stanza, tokens_ + server_.bytes_a_ms);
        while (!on_the_way_.empty() && now >= on_the_way_.front().sent + server_.way && now >= free_) {
            if (server_.bytes_a_ms > 0 && tokens_ < (server_.reads_all ? 0 : double{stanza})) return;
            take_one();
            while (server_.reads_all && !on_the_way_.empty() && now >= on_the_way_.front().sent + server_.way)
                take_one();
        }
    }
    void take_one() {
        if (server_.bytes_a_ms > 0) tokens_ -= stanza;
        free_ = std::max(free_, now) + server_.work;
        Stanza one = on_the_way_.front();
        on_the_way_.pop_front();
        one.answered = free_ + server_.way;
        answers_.push_back(one);
    }
    void answer() {
        while (!answers_.empty() && answers_.front().answered <= now) {
            const Stanza one = answers_.front();
            answers_.pop_front();
            pace.answered(one.number, now);
            if (one.fresh_since) longest = std::max(longest, now - *one.fresh_since);
        }
    }

    Server server_;
    double tokens_;
    Time free_{};
    std::deque<Stanza> on_the_way_;
    std::deque<Stanza> answers_;
    std::deque<Time> minute_;
    std::optional<Time> deadline_;
};

const Server ejabberd{.bytes_a_ms = 3, .burst = 20'000};
const Server ejabberd_in_gulps{.bytes_a_ms = 3, .burst = 20'000, .reads_all = true};
const Server prosody{.bytes_a_ms = 10, .burst = 20'000, .work = 2ms};
const Server near{};
const Server far{.way = 50ms};
const Server tigase{.work = 2ms, .most_a_minute = 2'499};

Duration ideal(const Server& server, int stanzas) {
    return Duration(
        static_cast<Duration::rep>((stanzas * double{stanza} - server.burst) / server.bytes_a_ms));
}

TEST(Pace, KeepsFreshChangesShortBehindTenThousandOfOursOnAShapedServer) {
    for (const Server& server : {ejabberd, ejabberd_in_gulps, prosody}) {
        Transfer transfer(server);
        const Duration took = transfer.run_bulk(many, 1'237ms);
        EXPECT_LE(transfer.longest, 1s);
        EXPECT_LE(took, ideal(server, transfer.sent) * 10 / 8) << "bulk is to have four fifths of the rate";
        EXPECT_EQ(transfer.wakes, 0);
    }
}

TEST(Pace, KeepsFreshChangesShortAtEveryMomentOfTheBeginning) {
    for (Duration at = 0ms; at < 12s; at += 50ms) {
        Transfer transfer(ejabberd);
        transfer.bulk = 1'000;
        transfer.run(at);
        transfer.fresh.push_back(transfer.now);
        transfer.run(1s);
        EXPECT_TRUE(transfer.fresh.empty());
        EXPECT_GT(transfer.longest, 0ms) << at.count();
        EXPECT_LE(transfer.longest, 1s) << at.count();
    }
}

TEST(Pace, IsNotMisledByAShaperThatIsOpenAgainAfterAPause) {
    for (const Server& server : {ejabberd, prosody}) {
        Transfer transfer(server);
        for (int round = 0; round < 20; ++round) {
            transfer.run_bulk(300, 331ms);
            transfer.run(10s);
        }
        EXPECT_LE(transfer.longest, 1s);
    }
}

TEST(Pace, IsQuickWhereTheServerIs) {
    Transfer here(near);
    EXPECT_LE(here.run_bulk(many, 1'237ms), 3s);
    EXPECT_LE(here.longest, 100ms);
    Transfer there(far);
    EXPECT_LE(there.run_bulk(many, 1'237ms), 12s);
    EXPECT_LE(there.longest, 300ms);
    EXPECT_GT(there.pace.window(), 100'000U);
}

TEST(Pace, FollowsAServerThatBecomesSlow) {
    Server server = near;
    server.bytes_a_ms = 100;
    server.burst = 1'000;
    Transfer transfer(server);
    transfer.run_bulk(many, 1'237ms);
    EXPECT_LE(transfer.longest, 1s);
    EXPECT_GT(transfer.pace.window(), 20'000U);
    const auto first = transfer.pace.sent(20'000, transfer.now);
    const auto second = transfer.pace.sent(50'000, transfer.now);
    transfer.pace.answered(first, transfer.now + 20s);
    transfer.pace.answered(second, transfer.now + 40s);
    EXPECT_LT(transfer.pace.window(), 5'000U);
}

TEST(Pace, NeverIsClosedByAServerThatCountsStanzas) {
    Transfer transfer(tigase, 2'500);
    const Duration took = transfer.run_bulk(many, 1'237ms);
    EXPECT_FALSE(transfer.closed);
    EXPECT_LE(transfer.longest, 1s);
    EXPECT_LE(took, Duration(60'000LL * transfer.sent / 2'500) * 10 / 8);
    EXPECT_LE(transfer.wakes, transfer.sent);
    EXPECT_GT(transfer.wakes, 0);
}

TEST(Pace, LetsFreshChangesUseWhatBulkMayNot) {
    Transfer transfer(tigase, 2'500);
    transfer.bulk = 1'000'000;
    transfer.run(120s);
    for (int i = 0; i < 60; ++i) {
        transfer.fresh.push_back(transfer.now);
        transfer.run(20ms);
    }
    EXPECT_TRUE(transfer.fresh.empty());
    EXPECT_LE(transfer.longest, 100ms);
    for (int i = 0; i < 180'000; ++i) {
        if (i % 28 == 0) transfer.fresh.push_back(transfer.now);
        transfer.run_one_ms();
    }
    EXPECT_FALSE(transfer.closed);
    EXPECT_LE(transfer.longest, 1s);
}

TEST(Pace, HoldsMoreFreshChangesBackThanTheServerTakes) {
    Transfer transfer(tigase, 2'500);
    for (int i = 0; i < 10'000; ++i)
        transfer.fresh.push_back(transfer.now);
    transfer.run(50s);
    EXPECT_FALSE(transfer.closed);
    EXPECT_FALSE(transfer.fresh.empty());
    EXPECT_FALSE(transfer.pace.has_room(Urgency::fresh, stanza, transfer.now));
    transfer.run(200s);
    EXPECT_FALSE(transfer.closed);
}

TEST(Pace, CountsStanzasThatNobodyAnswers) {
    Pace pace;
    const Time now{1h};
    pace.limit_stanzas(100);
    pace.stream_bound(now);
    for (int i = 0; i < 96; ++i)
        pace.sent(0, now);
    EXPECT_EQ(pace.under_way(), 0U);
    EXPECT_FALSE(pace.has_room(Urgency::fresh, stanza, now));
    EXPECT_EQ(pace.next_deadline(now), now + 60s);
    EXPECT_TRUE(pace.has_room(Urgency::fresh, stanza, now + 60s));
}

TEST(Pace, LetsOneStanzaOfAnySizePassWhenNothingIsUnderWay) {
    Pace pace;
    const Time now{1h};
    pace.stream_bound(now);
    EXPECT_TRUE(pace.has_room(Urgency::bulk, 100'000, now));
    const auto large = pace.sent(100'000, now);
    EXPECT_FALSE(pace.has_room(Urgency::fresh, 1, now));
    EXPECT_FALSE(pace.next_deadline(now)) << "an answer makes room, not time";
    pace.answered(large, now + 1ms);
    EXPECT_TRUE(pace.has_room(Urgency::bulk, stanza, now));
}

TEST(Pace, TakesAnAnswerForThatToAllThatWasSentBefore) {
    Pace pace;
    const Time now{1h};
    pace.stream_bound(now);
    const auto to_a_dead_peer = pace.sent(1'000, now);
    const auto to_the_service = pace.sent(300, now);
    const auto later = pace.sent(200, now + 1ms);
    pace.answered(to_the_service, now + 5ms);
    EXPECT_EQ(pace.under_way(), 200U);
    pace.answered(to_a_dead_peer, now + 3s);
    EXPECT_EQ(pace.under_way(), 200U) << "it was given back before";
    pace.answered(later, now + 4s);
    EXPECT_EQ(pace.under_way(), 0U);
    pace.answered(later, now + 4s);
    pace.answered(later + 1, now + 4s);
    EXPECT_EQ(pace.under_way(), 0U);
}

TEST(Pace, DoesNotTakeTheSilenceOfAPeerForThatOfTheServer) {
    Transfer transfer(near);
    transfer.run_bulk(many, 0ms);
    const std::size_t window = transfer.pace.window();
    std::vector<Pace::Number> dead;
    for (int i = 0; i < 1'000; ++i) {
        dead.push_back(transfer.pace.sent(stanza, transfer.now));
        const auto alive = transfer.pace.sent(stanza, transfer.now);
        transfer.now += 2ms;
        transfer.pace.answered(alive, transfer.now);
    }
    for (const auto number : dead)
        transfer.pace.answered(number, transfer.now + 20s);
    EXPECT_GE(transfer.pace.window(), window);
    EXPECT_EQ(transfer.pace.under_way(), 0U);
}

TEST(Pace, AsksTheServerWhenNobodyAnswersAndOnceAtATime) {
    Pace pace;
    const Time now{1h};
    pace.stream_bound(now);
    EXPECT_FALSE(pace.next_probe());
    pace.sent(Pace::least_window, now);
    pace.sent(300, now + 1ms);
    EXPECT_FALSE(pace.has_room(Urgency::fresh, 900, now));
    EXPECT_EQ(pace.next_probe(), now + Pace::probe_after);
    const auto probe = pace.probe_sent(100, now + Pace::probe_after);
    const auto after = pace.sent(300, now + 210ms);
    EXPECT_FALSE(pace.next_probe());
    pace.answered(probe, now + 220ms);
    EXPECT_EQ(pace.under_way(), 300U);
    EXPECT_TRUE(pace.has_room(Urgency::fresh, 900, now));
    EXPECT_EQ(pace.next_probe(), now + 210ms + Pace::probe_after);
    pace.answered(after, now + 230ms);
    EXPECT_FALSE(pace.next_probe());
}

TEST(Pace, DoesNotProbeBeyondTheStanzasThatAServerTakes) {
    Pace pace;
    const Time now{1h};
    pace.limit_stanzas(100);
    pace.stream_bound(now);
    for (int i = 0; i < 96; ++i)
        pace.sent(10, now);
    EXPECT_EQ(pace.next_probe(), now + 60s);
}

TEST(Pace, HasRoomForPingsBeyondThatForChanges) {
    Pace pace;
    const Time now{1h};
    pace.stream_bound(now);
    while (pace.has_room(Urgency::fresh, 150, now))
        pace.sent(150, now);
    EXPECT_LT(pace.room(Urgency::fresh), 150U);
    EXPECT_EQ(pace.room(Urgency::bulk), 0U);
    int pings = 0;
    for (; pace.has_room(Urgency::ping, 150, now); ++pings)
        pace.sent(150, now);
    EXPECT_GE(pings, 4);
    EXPECT_LE(pings, 5);
}

TEST(Pace, BeginsAnewWithEachStream) {
    Transfer transfer(far);
    transfer.run_bulk(many, 0ms);
    ASSERT_GT(transfer.pace.best_stanza_bytes(), 10'000U);
    transfer.pace.stream_lost();
    transfer.pace.stream_bound(transfer.now);
    EXPECT_EQ(transfer.pace.window(), Pace::least_window);
    EXPECT_EQ(transfer.pace.under_way(), 0U);
    EXPECT_EQ(transfer.pace.best_stanza_bytes(), Pace::least_window / 2);
}

}  // namespace
}  // namespace lamplight::bus::xmpp
