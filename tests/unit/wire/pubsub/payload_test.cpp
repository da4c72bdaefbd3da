#include "wire/pubsub/payload.hpp"

#include "samples.hpp"
#include "wire/vote/frame.hpp"
#include "wire/xml/write.hpp"

#include <gtest/gtest.h>

namespace lamplight::wire::pubsub {
namespace {

using state::Cachable;
using state::DeviceState;

constexpr state::Eid eid{{0x02, 0, 0, 0x78, 0, 0x01}};

tl::expected<Payload, Refusal> parse(const std::string& item) {
    return parse_item(samples::read(item));
}

Refusal refusal_of(const std::string& item) {
    const auto payload = parse(item);
    EXPECT_FALSE(payload) << item;
    return payload ? Refusal{} : payload.error();
}

std::string state_item(const std::string& content, const std::string& id = "SIP/a") {
    return "<item id='" + id + "'>" + content + "</item>";
}
std::string state_with(const std::string& attributes, const std::string& text = "INUSE") {
    return state_item("<state xmlns='http://asterisk.org' " + attributes + ">" + text + "</state>");
}
std::string mailbox_item(const std::string& counts, const std::string& id = "1000@default") {
    return "<item id='" + id + "'><mailbox xmlns='http://asterisk.org' eid='02:00:00:78:00:01'>" + counts +
           "</mailbox></item>";
}
const std::string with_eid = "eid='02:00:00:78:00:01'";

Cachable cachable_of(const std::string& value) {
    const auto payload = parse(state_with(with_eid + " cachable='" + value + "'"));
    EXPECT_TRUE(payload) << value;
    return payload ? std::get<StateItem>(*payload).cachable : Cachable{};
}

TEST(Payload, ReadsAState) {
    EXPECT_EQ(parse(state_with(with_eid + " cachable='0'", "RINGINUSE")),
              Payload(StateItem{"SIP/a", eid, DeviceState::ringinuse, Cachable::no}));
}

TEST(Payload, ReadsMessageCounts) {
    EXPECT_EQ(parse(mailbox_item("<NEWMSGS>2</NEWMSGS><OLDMSGS>5</OLDMSGS>")),
              Payload(MailboxItem{{"1000", "default"}, eid, 2, 5}));
}

TEST(Payload, LooksAtTheNameWithoutCaseAndNotAtTheNamespace) {
    EXPECT_TRUE(parse(state_item("<STATE xmlns='x' " + with_eid + ">BUSY</STATE>")));
    EXPECT_TRUE(parse(state_item("<State " + with_eid + ">busy</State>")));
    EXPECT_EQ(refusal_of(state_item("<stat " + with_eid + ">BUSY</stat>")), Refusal::unknown_payload);
}

TEST(Payload, ReadsTheFirstElementAlone) {
    const auto payload =
        parse(state_item("<state " + with_eid + ">BUSY</state><state " + with_eid + ">INUSE</state>"));
    EXPECT_EQ(std::get<StateItem>(payload.value()).state, DeviceState::busy);
}

TEST(Payload, TakesWhiteSpaceAroundElementsAndTexts) {
    EXPECT_TRUE(parse(state_item("\n  <state " + with_eid + ">\n BUSY\n</state>\n")));
    EXPECT_TRUE(parse(mailbox_item("\n <NEWMSGS> 2 </NEWMSGS>\n <OLDMSGS>5</OLDMSGS>\n")));
}

TEST(Payload, TakesCachableAsAsteriskDoes) {
    EXPECT_EQ(std::get<StateItem>(parse(state_with(with_eid)).value()).cachable, Cachable::yes);
    for (const char* yes : {"1", " 1", "+1", "01", "1x", "", "yes", "x0", "+-0", "-"})
        EXPECT_EQ(cachable_of(yes), Cachable::yes) << yes;
    for (const char* no : {"0", "2", "-1", "0x1", "00", " 0", "99999999999999999999"})
        EXPECT_EQ(cachable_of(no), Cachable::no) << no;
}

TEST(Payload, RefusesAnItemWithoutAPayload) {
    EXPECT_EQ(refusal_of("<item id='SIP/a'/>"), Refusal::no_payload);
    EXPECT_EQ(refusal_of("<item id='SIP/a'>INUSE</item>"), Refusal::no_payload);
    EXPECT_EQ(refusal_of(state_item("x<state " + with_eid + ">BUSY</state>")), Refusal::text_before_payload);
    EXPECT_EQ(refusal_of(state_item("<entry xmlns='http://www.w3.org/2005/Atom'/>")),
              Refusal::unknown_payload);
    EXPECT_EQ(refusal_of(state_item("<frame>AAAA</frame>")), Refusal::unknown_payload);
}

TEST(Payload, RefusesAnItemOfNobody) {
    EXPECT_EQ(refusal_of(state_with("")), Refusal::no_eid);
    for (const char* bad : {"", "02:00:00:78:00", "02:00:00:78:00:01:02", "zz:00:00:78:00:01", "020000780001",
                            "00:00:00:00:00:00", "02:00:00:78:00:01 "})
        EXPECT_EQ(refusal_of(state_with("eid='" + std::string(bad) + "'")), Refusal::bad_eid) << bad;
}

TEST(Payload, RefusesAnItemOfNothing) {
    EXPECT_EQ(refusal_of("<item><state " + with_eid + ">BUSY</state></item>"), Refusal::no_id);
    EXPECT_EQ(refusal_of("<item id=''><state " + with_eid + ">BUSY</state></item>"), Refusal::no_id);
}

TEST(Payload, ChecksTheLengthAndFormOfNames) {
    const std::string content = "<state " + with_eid + ">BUSY</state>";
    EXPECT_TRUE(parse(state_item(content, std::string(255, 'x'))));
    EXPECT_EQ(refusal_of(state_item(content, std::string(256, 'x'))), Refusal::bad_name);
    EXPECT_EQ(refusal_of(state_item(content, "SIP/a&#10;b")), Refusal::bad_name);
    EXPECT_EQ(refusal_of(state_item(content, "SIP/a\x7f")), Refusal::bad_name);
    EXPECT_TRUE(parse(state_item(content, "SIP/t\xc3\xbcr")));
    const std::string counts = "<NEWMSGS>2</NEWMSGS><OLDMSGS>5</OLDMSGS>";
    for (const std::string& id :
         {std::string("1000"), std::string("@default"), std::string("1000@"), std::string("@"),
          std::string(256, '1') + "@default", "1000@" + std::string(256, 'd')})
        EXPECT_EQ(refusal_of(mailbox_item(counts, id)), Refusal::bad_name) << id;
}

TEST(Payload, SplitsAMailboxAtTheFirstSign) {
    const auto payload = parse(mailbox_item("<NEWMSGS>2</NEWMSGS><OLDMSGS>5</OLDMSGS>", "a@b@c"));
    EXPECT_EQ(std::get<MailboxItem>(payload.value()).mailbox, (state::Mailbox{"a", "b@c"}));
}

TEST(Payload, RefusesAStateThatIsNone) {
    EXPECT_EQ(refusal_of(state_with(with_eid, "")), Refusal::no_state);
    EXPECT_EQ(refusal_of(state_with(with_eid, " \n")), Refusal::no_state);
    EXPECT_EQ(refusal_of(state_with(with_eid, "<x/>BUSY")), Refusal::no_state);
    EXPECT_EQ(refusal_of(state_with(with_eid, "SLEEPING")), Refusal::unknown_state);
    EXPECT_EQ(refusal_of(state_with(with_eid, "2")), Refusal::unknown_state);
    EXPECT_EQ(std::get<StateItem>(parse(state_with(with_eid, "UNKNOWN")).value()).state,
              DeviceState::unknown);
}

TEST(Payload, RefusesCountsThatAreNone) {
    for (const char* bad :
         {"", "<NEWMSGS>2</NEWMSGS>", "<OLDMSGS>2</OLDMSGS>", "<NEWMSGS>2</NEWMSGS><OLDMSGS/>",
          "<NEWMSGS>-2</NEWMSGS><OLDMSGS>5</OLDMSGS>", "<NEWMSGS>2x</NEWMSGS><OLDMSGS>5</OLDMSGS>",
          "<NEWMSGS>2</NEWMSGS><OLDMSGS>2147483648</OLDMSGS>",
          "<NEWMSGS>99999999999</NEWMSGS><OLDMSGS>5</OLDMSGS>"})
        EXPECT_EQ(refusal_of(mailbox_item(bad)), Refusal::bad_counts) << bad;
    EXPECT_TRUE(parse(mailbox_item("<NEWMSGS>0</NEWMSGS><OLDMSGS>2147483647</OLDMSGS>")));
}

TEST(Payload, ReadsAFrame) {
    const std::string text =
        "<item id='votes'><frame xmlns='urn:lamplight:votes:1'>Zm9v\nYg==</frame></item>";
    EXPECT_EQ(parse(text), Payload(FrameItem{{'f', 'o', 'o', 'b'}}));
}

TEST(Payload, RefusesAFrameThatIsNone) {
    const auto frame = [](const std::string& text) {
        return refusal_of("<item><frame xmlns='urn:lamplight:votes:1'>" + text + "</frame></item>");
    };
    EXPECT_EQ(frame(""), Refusal::bad_frame);
    EXPECT_EQ(frame("Zm9"), Refusal::bad_frame);
    EXPECT_EQ(frame("Zm9v<x/>"), Refusal::bad_frame);
    EXPECT_EQ(frame("Zm 9v"), Refusal::bad_frame);
}

TEST(Payload, TakesNoLongerFrameThanAReceiverDoes) {
    const std::vector<std::uint8_t> longest(vote::max_received_bytes, 0x55);
    EXPECT_EQ(parse_frame(make_frame(longest)), (FrameItem{longest}));
    const std::vector<std::uint8_t> longer(vote::max_received_bytes + 1, 0x55);
    EXPECT_EQ(parse_frame(make_frame(longer)).error(), Refusal::bad_frame);
}

TEST(Payload, TakesNoOtherElementForAFrame) {
    EXPECT_EQ(parse_frame(samples::read("<following xmlns='urn:lamplight:votes:1'/>")).error(),
              Refusal::unknown_payload);
    EXPECT_EQ(parse_frame(samples::read("<frame>Zm9v</frame>")).error(), Refusal::unknown_payload);
}

TEST(Payload, WritesWhatItReads) {
    for (unsigned number = 0; number < state::device_state_count; ++number) {
        const StateItem item{"Custom:t\xc3\xbcr & <x>", eid, static_cast<DeviceState>(number),
                             number % 2 ? Cachable::yes : Cachable::no};
        EXPECT_EQ(parse_item(make_item(item)), Payload(item));
        EXPECT_EQ(parse(xml::to_text(make_item(item))), Payload(item));
    }
    const MailboxItem counts{{"1000", "default"}, eid, 7, 0};
    EXPECT_EQ(parse(xml::to_text(make_item(counts))), Payload(counts));
    const FrameItem frame{{0, 1, 0xff}};
    EXPECT_EQ(parse(xml::to_text(make_item(frame.frame, "votes"))), Payload(frame));
}

TEST(Payload, KnowsWhichNamesAsterisksWireCarries) {
    EXPECT_TRUE(is_sendable_name("SIP/t\xc3\xbcr"));
    EXPECT_TRUE(is_sendable_name(std::string(79, 'x')));
    EXPECT_FALSE(is_sendable_name(std::string(80, 'x')));
    EXPECT_FALSE(is_sendable_name(""));
    EXPECT_FALSE(is_sendable_name("a\nb"));
    EXPECT_FALSE(is_sendable_name("a\xff"));
}

TEST(Payload, HasAWordForEachRefusal) {
    for (std::size_t i = 0; i < refusal_count; ++i)
        EXPECT_NE(to_string(static_cast<Refusal>(i)), "?");
    EXPECT_EQ(to_string(static_cast<Refusal>(refusal_count)), "?");
}

}  // namespace
}  // namespace lamplight::wire::pubsub
