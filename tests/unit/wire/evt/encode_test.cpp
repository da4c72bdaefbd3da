#include "samples.hpp"

#include <gtest/gtest.h>

#include <set>

namespace lamplight::wire::evt {
namespace {

using samples::Buffer;
using samples::Records;

/// Expects that a frame holds exactly these records.
void expect_records(Bytes frame, const Records& records) {
    std::size_t at = 0;
    const auto done = decode(frame, [&](const Record& record) {
        if (at >= records.size()) return false;
        EXPECT_TRUE(record == records[at]) << "record " << at;
        ++at;
        return true;
    });
    EXPECT_TRUE(done) << to_string(done.error());
    EXPECT_EQ(at, records.size());
}

/// Whether it may be written; what may not is left out without a trace, and its bytes would be refused.
bool writable(const Record& record) {
    Buffer buffer(max_frame_bytes);
    FrameWriter writer(buffer);
    const bool added = writer.add(record);
    EXPECT_EQ(writer.records(), added ? 1u : 0u);
    EXPECT_EQ(writer.bytes(), header_bytes + (added ? size_of(record) : 0));
    if (added) expect_records(Bytes(buffer).first(writer.bytes()), {record});
    return added;
}

/// Adds it until it does not fit any more.
void fill(FrameWriter& writer, const Record& record) {
    std::size_t added = 0;
    while (added * size_of(record) <= max_frame_bytes && writer.add(record))
        ++added;
    EXPECT_LE(added * size_of(record), max_frame_bytes);
}

TEST(GoldenEvtFrames, AreAllExpected) {
    std::set<std::string> there;
    for (const auto& entry : std::filesystem::directory_iterator(samples::folder()))
        if (entry.path().extension() == ".hex") there.insert(entry.path().stem());
    std::set<std::string> expected;
    for (const auto& [name, records] : samples::all())
        expected.insert(name);
    EXPECT_EQ(there, expected);
}

TEST(GoldenEvtFrames, AreWhatIsWritten) {
    for (const auto& [name, records] : samples::all())
        EXPECT_EQ(samples::frame(records), samples::golden(name)) << name;
}

TEST(GoldenEvtFrames, AreReadAsTheirRecords) {
    for (const auto& [name, records] : samples::all()) {
        SCOPED_TRACE(name);
        expect_records(samples::golden(name), records);
    }
}

TEST(GoldenEvtFrames, AreTheSeedsOfTheFuzzer) {
    const std::filesystem::path seeds = LAMPLIGHT_TEST_DATA "/../corpus/fuzz_wire_evt";
    for (const auto& [name, records] : samples::all()) {
        std::ifstream in(seeds / name, std::ios::binary);
        EXPECT_EQ(Buffer(std::istreambuf_iterator<char>(in), {}), samples::golden(name)) << name;
    }
}

TEST(EvtFrameWriter, KeepsTheExtremesOfEveryNumber) {
    constexpr auto all64 = ~std::uint64_t{0};
    constexpr auto all32 = ~std::uint32_t{0};
    static constexpr StandingOpen opens[] = {{all32, ChannelId{all64}, {0}, "x"}};
    static constexpr Process targets[] = {{all32, all32}, {0, 0}};
    EXPECT_TRUE(writable(
        Hello{all32, all64, Hello::State::whole, Hello::Wants::state, INT64_MAX, all64, "p", opens}));
    EXPECT_TRUE(writable(Hello{1, 0, {}, {}, 0, 0, {}, {}}));
    EXPECT_TRUE(writable(Open{all32, ChannelId{all64}, {7}, "x"}));
    EXPECT_TRUE(writable(Close{all32}));
    EXPECT_TRUE(
        writable(Publish{ChannelId{all64}, EventId{all64}, 3, INT64_MAX, INT64_MAX, "x", {}, {}, {}}));
    EXPECT_TRUE(writable(Publish{ChannelId{1}, EventId::lost, 0, 0, 0, "x", {}, {}, {}}))
        << "reserved ids are for the service to refuse, and to count";
    EXPECT_TRUE(writable(Clear{ChannelId{all64}, EventId{all64}}));
    EXPECT_TRUE(writable(StateBegin{all32, targets}));
    EXPECT_TRUE(writable(StateBegin{0, {}}));
    EXPECT_TRUE(writable(StateCleared{ChannelId{all64}, EventId{all64}, INT64_MAX}));
    EXPECT_TRUE(writable(StateEnd{all32}));
    EXPECT_TRUE(writable(Unknown{0}));
    EXPECT_TRUE(writable(Unknown{255}));
}

TEST(EvtFrameWriter, WritesWhatReachesALimitAndNothingBeyond) {
    const std::string name(max_name_bytes + 1, 'n');
    const std::string_view longest = std::string_view(name).substr(1);
    const Buffer data(max_data_bytes + 1, 0xda);
    const std::vector<Bytes> patterns(max_patterns + 1, Bytes(data).first(max_pattern_bytes));
    const Bytes too_long_pattern[] = {Bytes(data).first(max_pattern_bytes + 1)};
    const std::vector<StandingOpen> opens(max_opens + 1, {1, ChannelId{1}, {1}, longest});
    const std::vector<Process> targets(max_targets + 1);

    for (const std::string_view good : {std::string_view("n"), longest}) {
        EXPECT_TRUE(writable(Open{1, ChannelId{1}, {7}, good}));
        EXPECT_TRUE(writable(Unlink{good}));
        EXPECT_TRUE(writable(StateChannel{ChannelId{1}, {}, good}));
    }
    for (const std::string_view bad : {std::string_view(), std::string_view(name)}) {
        EXPECT_FALSE(writable(Open{1, ChannelId{1}, {7}, bad}));
        EXPECT_FALSE(writable(Unlink{bad}));
        EXPECT_FALSE(writable(StateChannel{ChannelId{1}, {}, bad}));
        const StandingOpen open[] = {{1, ChannelId{1}, {1}, bad}};
        EXPECT_FALSE(writable(Hello{1, 0, {}, {}, 0, 0, {}, open}));
    }

    Hello hello{1, 0, {}, {}, 0, 0, longest.substr(0, max_program_bytes), std::span(opens).first(max_opens)};
    EXPECT_TRUE(writable(hello));
    hello.opens = opens;
    EXPECT_FALSE(writable(hello));
    hello.opens = {};
    hello.program = longest.substr(0, max_program_bytes + 1);
    EXPECT_FALSE(writable(hello));

    EXPECT_TRUE(writable(StateBegin{1, std::span(targets).first(max_targets)}));
    EXPECT_FALSE(writable(StateBegin{1, targets}));

    const Publish largest{ChannelId{1},
                          EventId{1},
                          3,
                          0,
                          0,
                          longest,
                          longest,
                          std::span(patterns).first(max_patterns),
                          Bytes(data).first(max_data_bytes)};
    EXPECT_TRUE(writable(largest));
    EXPECT_TRUE(writable(StateEvent{INT64_MAX, largest}));
    const auto but = [&](auto change) {
        Publish publish = largest;
        change(publish);
        EXPECT_FALSE(writable(StateEvent{1, publish}));
        return writable(publish);
    };
    EXPECT_FALSE(but([&](Publish& publish) { publish.channel_name = name; }));
    EXPECT_FALSE(but([&](Publish& publish) { publish.channel_name = {}; }));
    EXPECT_FALSE(but([&](Publish& publish) { publish.publisher = name; }));
    EXPECT_FALSE(but([&](Publish& publish) { publish.patterns = patterns; }));
    EXPECT_FALSE(but([&](Publish& publish) { publish.patterns = too_long_pattern; }));
    EXPECT_FALSE(but([&](Publish& publish) { publish.data = data; }));
}

TEST(EvtFrameWriter, LeavesOutWhatAReceiverWouldRefuse) {
    static constexpr StandingOpen no_channel[] = {{1, ChannelId::none, {1}, "x"}};
    static constexpr StandingOpen bad_flags[] = {{1, ChannelId{1}, {8}, "x"}};
    const Publish good = samples::publish();
    const auto publish = [&](auto change) {
        Publish changed = good;
        change(changed);
        return Record(changed);
    };
    const Records bad{
        Hello{0, 0, {}, {}, 0, 0, {}, {}},
        Hello{1, 0, static_cast<Hello::State>(2), {}, 0, 0, {}, {}},
        Hello{1, 0, {}, static_cast<Hello::Wants>(2), 0, 0, {}, {}},
        Hello{1, 0, {}, {}, -1, 0, {}, {}},
        Hello{1, 0, {}, {}, INT64_MIN + 1, 0, {}, {}},
        Hello{1, 0, {}, {}, 0, 0, {}, no_channel},
        Hello{1, 0, {}, {}, 0, 0, {}, bad_flags},
        Open{1, ChannelId::none, {OpenFlags::create}, "x"},
        Open{1, ChannelId{1}, {0x80}, "x"},
        publish([](Publish& event) { event.channel = ChannelId::none; }),
        publish([](Publish& event) { event.id = EventId::none; }),
        publish([](Publish& event) { event.priority = 4; }),
        publish([](Publish& event) { event.retention = -1; }),
        publish([](Publish& event) { event.publish_time = -1; }),
        Clear{ChannelId::none, EventId{1}},
        Clear{ChannelId{1}, EventId::none},
        StateChannel{ChannelId::none, {}, "x"},
        StateChannel{ChannelId{1}, static_cast<StateChannel::Status>(2), "x"},
        StateEvent{-1, good},
        StateCleared{ChannelId::none, EventId{1}, 1},
        StateCleared{ChannelId{1}, EventId::none, 1},
        StateCleared{ChannelId{1}, EventId{1}, -1},
        Unknown{1},
        Unknown{11},
    };
    for (std::size_t i = 0; i < bad.size(); ++i)
        EXPECT_FALSE(writable(bad[i])) << "record " << i;
}

TEST(EvtFrameWriter, LeavesOutWhatDoesNotFitAndGoesOnWithWhatDoes) {
    Buffer buffer(header_bytes + size_of(samples::publish()) + size_of(Close{}) - 1);
    FrameWriter writer(buffer);
    EXPECT_EQ(writer.bytes(), header_bytes);
    EXPECT_TRUE(writer.add(Close{1}));
    EXPECT_FALSE(writer.add(samples::publish())) << "a byte too much";
    EXPECT_EQ(writer.bytes(), header_bytes + size_of(Close{}));
    EXPECT_TRUE(writer.add(Unlink{"short"}));
    EXPECT_EQ(writer.records(), 2u);
    expect_records(Bytes(buffer).first(writer.bytes()), {Close{1}, Unlink{"short"}});
}

TEST(EvtFrameWriter, FillsItsRoomToTheLastByteButNoFrameBeyondTheLimit) {
    EXPECT_EQ(samples::frame({samples::publish()}, header_bytes + size_of(samples::publish())),
              samples::golden("publish"));
    Buffer buffer(2 * max_frame_bytes);
    FrameWriter writer(buffer);
    fill(writer, samples::publish());
    fill(writer, Close{1});
    EXPECT_LE(writer.bytes(), max_frame_bytes);
    EXPECT_GT(writer.bytes() + size_of(Close{}), max_frame_bytes);
    EXPECT_EQ(samples::outcome(Bytes(buffer).first(writer.bytes())), "accepted");
}

TEST(EvtFrameWriter, TouchesNothingBehindItsRoom) {
    Buffer buffer(200, 0xee);
    FrameWriter writer(MutableBytes(buffer).first(100));
    EXPECT_FALSE(writer.add(samples::publish()));
    EXPECT_TRUE(writer.add(Unlink{std::string_view("0123456789")}));
    fill(writer, Close{1});
    EXPECT_EQ(Buffer(buffer.begin() + 100, buffer.end()), Buffer(100, 0xee));
}

TEST(EvtRecords, OfAllKindsHaveTheSizeThatTheyTakeUp) {
    for (const auto& [name, records] : samples::all()) {
        std::size_t size = header_bytes;
        for (const Record& record : records)
            size += size_of(record);
        EXPECT_EQ(size, samples::golden(name).size()) << name;
    }
}

TEST(EvtRecords, OfDifferentFramesDiffer) {
    const auto& all = samples::all();
    for (const auto& [one, left] : all)
        for (const auto& [other, right] : all)
            EXPECT_EQ(left == right, one == other) << one << " and " << other;
}

/// Whether two records stay equal though one of them was changed.
template <typename Content, typename Change>
bool equal_after(Content content, Change change) {
    const Content before = content;
    change(content);
    return content == before;
}

TEST(EvtRecords, DifferInEachOfTheirFields) {
    static constexpr StandingOpen opens[] = {{1, samples::channel, {7}, "device_state"},
                                             {2, samples::other_channel, {3}, "mwi"}};
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { ++hello.publisher; }));
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { ++hello.since; }));
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { hello.state = Hello::State::empty; }));
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { hello.wants = Hello::Wants::nothing; }));
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { ++hello.boot_time; }));
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { ++hello.initial_view; }));
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { hello.program = "lamplight"; }));
    EXPECT_FALSE(equal_after(samples::hello(), [](Hello& hello) { hello.opens = opens; }))
        << "flags of the second";

    const Bytes patterns[] = {bytes_of("device_state!")};
    Buffer data(samples::publish().data.begin(), samples::publish().data.end());
    data.back() ^= 1;
    const auto unequal = [](auto change) { return !equal_after(samples::publish(), change); };
    EXPECT_TRUE(unequal([](Publish& event) { event.channel = samples::other_channel; }));
    EXPECT_TRUE(unequal([](Publish& event) { event.id = EventId::lost; }));
    EXPECT_TRUE(unequal([](Publish& event) { event.priority = 2; }));
    EXPECT_TRUE(unequal([](Publish& event) { ++event.retention; }));
    EXPECT_TRUE(unequal([](Publish& event) { ++event.publish_time; }));
    EXPECT_TRUE(unequal([](Publish& event) { event.channel_name = "device"; }));
    EXPECT_TRUE(unequal([](Publish& event) { event.publisher = "pbx2"; }));
    EXPECT_TRUE(unequal([&](Publish& event) { event.patterns = patterns; })) << "NUL and not";
    EXPECT_TRUE(unequal([&](Publish& event) { event.data = data; }));

    static constexpr Process targets[] = {{1, 4711}, {0x9016180a, 816}};
    EXPECT_FALSE(equal_after(samples::state_begin(), [](StateBegin& begin) { ++begin.number; }));
    EXPECT_FALSE(equal_after(samples::state_begin(), [](StateBegin& begin) { begin.targets = targets; }));
    EXPECT_TRUE(equal_after(samples::state_begin(), [](StateBegin&) {}));
}

}  // namespace
}  // namespace lamplight::wire::evt
