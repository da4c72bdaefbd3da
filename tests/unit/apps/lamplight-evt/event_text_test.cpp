#include "event_text.hpp"

#include "wire/event/event.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <string>

namespace lamplight::evt_app {
namespace {

using namespace std::string_literals;
namespace json = boost::json;
using bus::ais::evt::Event;
using bus::ais::evt::EventId;

std::string encoded(const wire::event::Event& event) {
    std::array<std::uint8_t, wire::event::max_event_bytes> buffer{};
    const std::size_t bytes = wire::event::encode(event, {}, buffer);
    return std::string(wire::text_of(wire::Bytes{buffer.data(), bytes}));
}

const state::Eid eid{{2, 0, 0, 0x78, 0, 1}};

Event an_event(std::string data) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    Event event;
    event.id = EventId{0x9016180a00000409};
    event.attributes.patterns = {"device_state\0"s};
    event.attributes.publisher = "pbx1";
    event.publish_time = 1'289'631'330'123'456'789;
    event.from = {.node_id = 1, .pid = 4711};
    event.data = std::move(data);
    return event;
}

TEST(EvtEventText, AsterisksEventsAreDecoded) {
    EXPECT_EQ(asterisk_text(encoded(wire::event::DeviceStateChange{
                  .device = "Custom:abc", .state = state::DeviceState::inuse, .eid = eid})),
              "Custom:abc INUSE from 02:00:00:78:00:01");
    EXPECT_EQ(asterisk_text(encoded(wire::event::DeviceStateChange{.device = "Custom:abc",
                                                                   .state = state::DeviceState::ringing,
                                                                   .cachable = state::Cachable::no,
                                                                   .eid = eid})),
              "Custom:abc RINGING from 02:00:00:78:00:01 (not cachable)");
    EXPECT_EQ(asterisk_text(encoded(wire::event::DeviceStateAggregate{
                  .device = "Custom:abc", .state = state::DeviceState::busy, .eid = eid})),
              "Custom:abc aggregate BUSY of 02:00:00:78:00:01");
    EXPECT_EQ(asterisk_text(encoded(
                  wire::event::Mwi{.mailbox = "100", .context = "default", .counts = {3, 1}, .eid = eid})),
              "100@default 3 new 1 old from 02:00:00:78:00:01");
    EXPECT_EQ(asterisk_text(encoded(wire::event::Ping{.eid = eid})), "ping from 02:00:00:78:00:01");
    EXPECT_EQ(asterisk_text(
                  encoded(wire::event::ClusterDiscovery{.node_id = 7, .address = "10.0.0.7", .eid = eid})),
              "node 7 at 10.0.0.7 is 02:00:00:78:00:01");
    EXPECT_FALSE(asterisk_text("plain text"));
    EXPECT_FALSE(asterisk_text(""));
}

TEST(EvtEventText, ALineHasTimeIdPublisherPriorityPatternsAndData) {
    EXPECT_EQ(line_of(an_event("hello"), Form::text),
              "Nov 13 06:55:30.123456 0x9016180a00000409 pbx1 3 [device_state\\0] hello\n");
}

TEST(EvtEventText, WhatIsMissingHasAPlaceAllTheSame) {
    Event event = an_event("");
    event.attributes = {};
    EXPECT_EQ(line_of(event, Form::text), "Nov 13 06:55:30.123456 0x9016180a00000409 - 3 [] (no data)\n");
    event.attributes.patterns = {"a b", "", "c\\"};
    EXPECT_EQ(line_of(event, Form::text),
              "Nov 13 06:55:30.123456 0x9016180a00000409 - 3 [a b][][c\\\\] (no data)\n");
}

TEST(EvtEventText, DataThatIsNoTextIsHex) {
    EXPECT_TRUE(line_of(an_event("a\nb"), Form::text).ends_with(" 610a62\n"));
    EXPECT_TRUE(line_of(an_event("Büro"), Form::text).ends_with(" Büro\n"));
    Event event = an_event("x");
    event.attributes.publisher = "evil\n\x1b[2J";
    EXPECT_NE(line_of(event, Form::text).find(" evil\\x0a\\x1b[2J "), std::string::npos);
}

TEST(EvtEventText, JsonHasEverything) {
    Event event = an_event(encoded(wire::event::Ping{.eid = eid}));
    event.attributes.retention = 1'500'000'000;
    const auto shown = json::parse(line_of(event, Form::json)).as_object();
    EXPECT_EQ(shown.at("id"), "0x9016180a00000409");
    EXPECT_EQ(shown.at("time"), "2010-11-13T06:55:30.123Z");
    EXPECT_EQ(shown.at("publish_time_ns"), 1'289'631'330'123'456'789);
    EXPECT_EQ(shown.at("publisher"), "pbx1");
    EXPECT_EQ(shown.at("priority"), 3);
    EXPECT_EQ(shown.at("retention_seconds"), 1.5);
    EXPECT_EQ(shown.at("patterns"), json::array{"device_state\\0"});
    EXPECT_EQ(shown.at("node"), 1);
    EXPECT_EQ(shown.at("pid"), 4711);
    EXPECT_EQ(shown.at("bytes").to_number<std::size_t>(), event.data.size());
    EXPECT_EQ(shown.at("asterisk"), "ping from 02:00:00:78:00:01");
    EXPECT_FALSE(shown.contains("text"));
}

TEST(EvtEventText, JsonHasDataAsHexAndAsTextWhereItIsText) {
    const auto text = json::parse(line_of(an_event("Büro"), Form::json)).as_object();
    EXPECT_EQ(text.at("text"), "Büro");
    EXPECT_EQ(text.at("hex"), "42c3bc726f");
    const auto bytes = json::parse(line_of(an_event("\xff\0"s), Form::json)).as_object();
    EXPECT_FALSE(bytes.contains("text"));
    EXPECT_EQ(bytes.at("hex"), "ff00");
}

TEST(EvtEventText, RawIsTheDataAndAnEndOfLine) {
    EXPECT_EQ(line_of(an_event("a\0b\n"s), Form::raw), "a\0b\n\n"s);
}

TEST(EvtEventText, LostEventsAreSaidInEveryFormButRaw) {
    EXPECT_TRUE(lost_line(Form::text).starts_with("--- events were lost here"));
    EXPECT_EQ(lost_line(Form::json), "{\"lost\":true}\n");
    EXPECT_EQ(lost_line(Form::raw), "");
}

}  // namespace
}  // namespace lamplight::evt_app
