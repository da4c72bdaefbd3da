#include "bus/ais/audience.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::bus::ais {
namespace {

using Kind = Audience::Event::Kind;
using Events = std::vector<Audience::Event>;
using ring::Member;
using state::Departure;

constexpr Member self{1, 100};
constexpr Member pbx2{2, 200};
constexpr Member pbx3{3, 300};

/// A group in which opens are said, and our audience of it.
struct Group : testing::Test {
    Events member(group::MemberEvent::Kind kind, Member who, Departure departure = {}) {
        Events events;
        audience.on_member({kind, who, departure}, events);
        return events;
    }
    Events came(Member who) { return member(group::MemberEvent::Kind::came, who); }
    Events returned(Member who) { return member(group::MemberEvent::Kind::returned, who); }
    Events gone(Member who, Departure departure) {
        return member(group::MemberEvent::Kind::gone, who, departure);
    }
    Events look() {
        std::vector<evt::Service::ChannelView> views = more;
        for (const auto& [who, channel] : open) {
            const auto known = std::ranges::find(views, channel, &evt::Service::ChannelView::name);
            auto& view = known == views.end() ? views.emplace_back() : *known;
            view.name = channel;
            view.opens.push_back({who, {evt::OpenFlags::subscriber}});
        }
        Events events;
        audience.look(ours, views, self, events);
        return events;
    }
    Events opens(Member who, const std::string& channel) {
        open.insert({who, channel});
        return look();
    }
    Events closes(Member who, const std::string& channel) {
        open.erase({who, channel});
        return look();
    }

    Audience audience;
    std::vector<std::string> ours{"device_state", "mwi"};
    std::set<std::pair<Member, std::string>> open;
    std::vector<evt::Service::ChannelView> more;
};

evt::Service::ChannelView channel(std::string name, std::vector<Member> members, bool unlinked) {
    evt::Service::ChannelView view;
    view.name = std::move(name);
    view.unlinked = unlinked;
    for (const Member member : members)
        view.opens.push_back({member, {}});
    return view;
}

TEST_F(Group, MemberWithNothingOpenIsNobody) {
    EXPECT_EQ(came(pbx2), Events{});
    EXPECT_EQ(look(), Events{});
    EXPECT_EQ(opens(pbx2, "somebody else's"), Events{});
    EXPECT_FALSE(audience.contains(pbx2));
    EXPECT_EQ(gone(pbx2, Departure::failed), Events{});
}

TEST_F(Group, MemberComesWithItsFirstChannelAndHearsMoreWithTheNext) {
    came(pbx2);
    EXPECT_EQ(opens(pbx2, "mwi"), (Events{{Kind::came, pbx2, {}}}));
    EXPECT_EQ(look(), Events{}) << "once";
    EXPECT_EQ(opens(pbx2, "device_state"), (Events{{Kind::hears_more, pbx2, {}}}));
    EXPECT_TRUE(audience.contains(pbx2));
    EXPECT_EQ(audience.size(), 1u);
}

TEST_F(Group, MemberGoesWithItsLastChannel) {
    came(pbx2);
    open = {{pbx2, "mwi"}, {pbx2, "device_state"}};
    EXPECT_EQ(look(), (Events{{Kind::came, pbx2, {}}}));
    EXPECT_EQ(closes(pbx2, "mwi"), Events{});
    EXPECT_EQ(closes(pbx2, "device_state"), (Events{{Kind::gone, pbx2, Departure::left}}));
    EXPECT_EQ(audience.size(), 0u);
    EXPECT_EQ(opens(pbx2, "mwi"), (Events{{Kind::came, pbx2, {}}})) << "and may come again";
}

TEST_F(Group, MemberThatClosesOneAndOpensAnotherAtOnceHearsMore) {
    came(pbx2);
    opens(pbx2, "mwi");
    open = {{pbx2, "device_state"}};
    EXPECT_EQ(look(), (Events{{Kind::hears_more, pbx2, {}}}));
}

TEST_F(Group, MemberGoesWhenWeCloseTheChannelThatItHasOpen) {
    came(pbx2);
    opens(pbx2, "mwi");
    ours = {"device_state"};
    EXPECT_EQ(look(), (Events{{Kind::gone, pbx2, Departure::left}}));
    ours = {"device_state", "mwi"};
    EXPECT_EQ(look(), (Events{{Kind::came, pbx2, {}}}));
}

TEST_F(Group, MemberGoesAsItsProcessWent) {
    came(pbx2);
    came(pbx3);
    opens(pbx2, "mwi");
    opens(pbx3, "mwi");
    EXPECT_EQ(gone(pbx2, Departure::failed), (Events{{Kind::gone, pbx2, Departure::failed}}));
    EXPECT_EQ(gone(pbx3, Departure::left), (Events{{Kind::gone, pbx3, Departure::left}}));
    EXPECT_EQ(look(), Events{}) << "whatever is still said of them";
    EXPECT_EQ(audience.size(), 0u);
}

TEST_F(Group, MemberOfAnUnlinkedChannelStaysWhileWeHaveItOpenToo) {
    came(pbx2);
    came(pbx3);
    more = {channel("mwi", {pbx2, self}, true), channel("mwi", {pbx3}, true)};
    EXPECT_EQ(look(), (Events{{Kind::came, pbx2, {}}}));
    more = {channel("mwi", {pbx2}, true), channel("mwi", {pbx3, self}, false)};
    EXPECT_EQ(look(), (Events{{Kind::gone, pbx2, Departure::left}, {Kind::came, pbx3, {}}}));
}

TEST_F(Group, MemberOfASecondChannelOfTheSameNameIsOneToo) {
    came(pbx2);
    came(pbx3);
    more = {channel("mwi", {pbx2, self}, false), channel("mwi", {pbx3}, false)};
    EXPECT_EQ(look(), (Events{{Kind::came, pbx2, {}}, {Kind::came, pbx3, {}}}));
    more = {channel("mwi", {self}, false), channel("mwi", {pbx2, pbx3}, false)};
    EXPECT_EQ(look(), Events{});
}

TEST_F(Group, MemberOutOfSightKeepsWhatItHasOpenUntilItIsBack) {
    came(pbx2);
    opens(pbx2, "mwi");
    EXPECT_EQ(gone(pbx2, Departure::silent), (Events{{Kind::gone, pbx2, Departure::silent}}));
    EXPECT_FALSE(audience.contains(pbx2));
    EXPECT_EQ(closes(pbx2, "mwi"), Events{}) << "nothing is known of it";
    EXPECT_EQ(returned(pbx2), (Events{{Kind::returned, pbx2, {}}}));
    EXPECT_TRUE(audience.contains(pbx2));
    EXPECT_EQ(look(), (Events{{Kind::gone, pbx2, Departure::left}})) << "it closed meanwhile";
}

TEST_F(Group, MemberThatOpenedWhileOutOfSightComesWhenItIsBack) {
    came(pbx2);
    gone(pbx2, Departure::silent);
    EXPECT_EQ(opens(pbx2, "mwi"), Events{});
    EXPECT_EQ(returned(pbx2), Events{});
    EXPECT_EQ(look(), (Events{{Kind::came, pbx2, {}}}));
}

TEST_F(Group, MemberThatIsGivenUpOutOfSightIsGoneOnceMore) {
    came(pbx2);
    opens(pbx2, "mwi");
    gone(pbx2, Departure::silent);
    EXPECT_EQ(gone(pbx2, Departure::failed), (Events{{Kind::gone, pbx2, Departure::failed}}));
    EXPECT_EQ(returned(pbx2), Events{});
}

TEST_F(Group, ProcessWithTheIdOfAnotherTakesItsPlace) {
    came(pbx2);
    opens(pbx2, "mwi");
    open.clear();
    EXPECT_EQ(came(pbx2), (Events{{Kind::gone, pbx2, Departure::failed}}));
    EXPECT_EQ(look(), Events{});
}

}  // namespace
}  // namespace lamplight::bus::ais
