#include "samples.hpp"

#include <gmock/gmock.h>

#include <map>
#include <sstream>

namespace lamplight::wire::event {
namespace {

using namespace samples;
using state::DeviceState;

constexpr auto kept = state::Cachable::yes;
constexpr state::Eid node1{{0x02, 0, 0, 0x77, 0, 0x01}};
constexpr state::Eid node2{{0x02, 0, 0, 0x77, 0, 0x02}};
constexpr state::Eid mixed1{{0x02, 0, 0, 0x78, 0, 0x01}};
constexpr state::Eid mixed2{{0x02, 0, 0, 0x78, 0, 0x02}};

struct Expected {
    Event event;
    Dialect dialect;
};
using Table = std::map<std::string, Expected>;

void add_constructed(Table& table, const std::string& prefix, const Dialect& dialect) {
    const auto change = [&](const char* stem, std::string_view device, DeviceState state) {
        table[prefix + stem] = {DeviceStateChange{device, state, kept, lab_eid}, dialect};
    };
    change("dsc-custom-abc-inuse", "Custom:abc", DeviceState::inuse);
    change("dsc-custom-doorbell-ringing", "Custom:doorbell", DeviceState::ringing);
    change("dsc-sip-alice-busy", "SIP/alice", DeviceState::busy);
    change("dsc-lowercase-sip-alice-busy", "sip/alice", DeviceState::busy);
    change("dsc-utf8-device", "Custom:t\xc3\xbcr", DeviceState::not_inuse);
    table[prefix + "ds-aggregate-custom-abc-inuse"] = {
        DeviceStateAggregate{"Custom:abc", DeviceState::inuse, kept, lab_eid}, dialect};
    table[prefix + "mwi-1000-default-2-5"] = {Mwi{"1000", "default", {2, 5}, lab_eid}, dialect};
}

void add_live(Table& table) {
    table["live11-dsc-custom-abc-ringing"] = {
        DeviceStateChange{"Custom:abc", DeviceState::ringing, kept, mixed2}, v11};
    table["live11-dsc-custom-doorbell-ringing"] = {
        DeviceStateChange{"Custom:doorbell", DeviceState::ringing, kept, mixed2}, v11};
    table["live11-ping"] = {Ping{mixed2}, v11};
    table["live22-cluster-discovery"] = {ClusterDiscovery{1, "10.78.0.1", mixed1}, today};
    table["live22-ds-aggregate-custom-abc-inuse"] = {
        DeviceStateAggregate{"Custom:abc", DeviceState::inuse, kept, mixed1}, today};
    table["live22-dsc-custom-abc-inuse"] = {DeviceStateChange{"Custom:abc", DeviceState::inuse, kept, mixed1},
                                            today};
    table["live22-dsc-custom-doorbell-busy"] = {
        DeviceStateChange{"Custom:doorbell", DeviceState::busy, kept, mixed1}, today};
    table["live22-ping"] = {Ping{mixed1}, today};
}

void add_walk(Table& table) {
    const std::string change = "cpg-change-";
    const std::string aggregate = "cpg-aggregate-";
    for (unsigned number = 1; number < state::device_state_count; ++number) {
        const auto state = static_cast<DeviceState>(number);
        const std::string text(config_text(state));
        table[change + text + "-node1"] = {DeviceStateChange{"Custom:abc", state, kept, node1}, today};
        if (state == DeviceState::invalid || state == DeviceState::unavailable) continue;  // hidden by node 2
        table[aggregate + text + "-node1"] = {DeviceStateAggregate{"Custom:abc", state, kept, node1}, today};
        table[aggregate + text + "-node2"] = {DeviceStateAggregate{"Custom:abc", state, kept, node2}, today};
    }
    table[change + "NOT_INUSE-node2"] = {DeviceStateChange{"Custom:abc", DeviceState::not_inuse, kept, node2},
                                         today};
    table["cpg-discovery-node1"] = {ClusterDiscovery{1, "10.77.0.1", node1}, today};
    table["cpg-discovery-node2"] = {ClusterDiscovery{2, "10.77.0.2", node2}, today};
    table["cpg-ping-node1"] = {Ping{node1}, today};
}

Table expectations() {
    Table table;
    add_constructed(table, "ast1.8.32.3-", v1_8);
    add_constructed(table, "ast11.25.3-", v11);
    add_constructed(table, "asthead-", today);
    table["ast11.25.3-ping"] = {Ping{lab_eid}, v11};
    table["asthead-ping"] = {Ping{lab_eid}, today};
    table["asthead-cluster-discovery-node1-10.78.0.1"] = {ClusterDiscovery{1, "10.78.0.1", lab_eid}, today};
    table["asthead-cluster-discovery-node7-v6"] = {ClusterDiscovery{0x0a000007, "fd00::7", lab_eid}, today};
    add_live(table);
    add_walk(table);
    return table;
}

TEST(Vectors, AreAllExpected) {
    std::vector<std::string> expected;
    for (const auto& [name, what] : expectations())
        expected.push_back(name);
    std::vector<std::string> found;
    for (const auto& file : std::filesystem::directory_iterator(folder))
        if (file.path().extension() == ".hex") found.push_back(file.path().stem().string());
    EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected));
}

TEST(Vectors, DecodeToWhatTheServerMeant) {
    for (const auto& [name, expected] : expectations()) {
        SCOPED_TRACE(name);
        const Buffer message = samples::vector(name);
        const auto event = decode(message);
        ASSERT_TRUE(event) << to_string(event.error());
        EXPECT_TRUE(*event == expected.event);
    }
}

TEST(Vectors, AreWhatTheEncoderWritesInTheDialectOfTheServer) {
    for (const auto& [name, expected] : expectations()) {
        SCOPED_TRACE(name);
        EXPECT_EQ(encoded(expected.event, expected.dialect), samples::vector(name));
    }
}

/// Everything in hex behind `mark` that a line of the file ends with.
std::vector<Buffer> messages_in(const std::string& file, std::string_view mark) {
    std::vector<Buffer> messages;
    std::istringstream lines(read_file(folder / file));
    for (std::string line; std::getline(lines, line);) {
        const auto at = line.rfind(mark);
        if (at == std::string::npos) continue;
        Buffer message = from_hex(std::string_view(line).substr(at + mark.size()));
        if (message.size() >= 14) messages.push_back(std::move(message));
    }
    return messages;
}

/// The dialect shows in the bytes only where the hashes of 11 and 22 differ; who sent it tells.
Dialect dialect_of(const Event& event, const state::Eid& sender_of_11) {
    const auto eid = std::visit([](const auto& kind) { return kind.eid; }, event);
    return eid == sender_of_11 ? v11 : today;
}

void expect_round_trip(const std::vector<Buffer>& messages, const state::Eid& sender_of_11 = {}) {
    for (const Buffer& message : messages) {
        const auto event = decode(message);
        ASSERT_TRUE(event) << to_string(event.error());
        EXPECT_EQ(encoded(*event, dialect_of(*event, sender_of_11)), message);
    }
}

TEST(Traces, OfTwoServersOf22RoundTrip) {
    const auto messages = messages_in("cpg-trace-22x22-join-change-leave-rejoin.txt", ": ");
    EXPECT_EQ(messages.size(), 34u);
    expect_round_trip(messages);
}

TEST(Traces, OfA22AndAn11RoundTrip) {
    const auto messages = messages_in("cpg-trace-22x11-mixed.txt", ": ");
    EXPECT_EQ(messages.size(), 26u);
    expect_round_trip(messages, mixed2);
}

TEST(Traces, OfTheWalkThroughTheStatesRoundTrip) {
    const auto walk = messages_in("cpg-tap-walkthrough.txt", ": ");
    EXPECT_EQ(walk.size(), 28u);
    expect_round_trip(walk);
    const auto restart = messages_in("cpg-tap-kill-restart.txt", ": ");
    EXPECT_EQ(restart.size(), 12u);
    expect_round_trip(restart);
    const auto distinct = messages_in("cpg-messages.tsv", "\t");
    EXPECT_EQ(distinct.size(), 24u);
    expect_round_trip(distinct);
}

}  // namespace
}  // namespace lamplight::wire::event
