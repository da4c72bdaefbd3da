#pragma once

#include "state/device_state.hpp"
#include "state/mwi.hpp"
#include "state/types.hpp"
#include "wire/xml/element.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>

/// What res_xmpp makes of what is published, written after asterisk-facts 5.3 and 5.4 and not with our codec:
/// the first item only, by the name of its first child; what would kill or blind it is a failure.
namespace lamplight::bus::xmpp::test {

class AsteriskModel {
public:
    explicit AsteriskModel(const state::Eid& own) : own_(state::to_string(own)) {}

    using Key = std::pair<std::string, std::string>;  ///< EID, device or `mailbox@context`
    std::map<Key, std::string> states;
    std::map<Key, std::pair<std::string, std::string>> counts;

    /// Somebody's publish, as the service hands it on.
    void hears(const wire::xml::Element& iq) {
        const wire::xml::Element& publish = only_child(iq, "pubsub").children.at(0);
        ASSERT_EQ(publish.name, "publish") << "nothing but a publish may be sent";
        ASSERT_EQ(publish.children.size(), 1u) << "further items are ignored";
        const wire::xml::Element& item = publish.children.front();
        ASSERT_EQ(item.name, "item");
        const std::string id(item.value_of("id"));
        ASSERT_FALSE(id.empty());
        ASSERT_EQ(item.children.size(), 1u);
        const wire::xml::Element& content = item.children.front();
        ASSERT_TRUE(content.attribute("eid") != nullptr) << "it dies";
        const std::string eid(content.value_of("eid"));
        if (eid == own_) return;
        if (content.name == "state")
            hears_state({eid, id}, content);
        else
            hears_counts({eid, id}, content);
    }
    /// It starts anew: its cache is empty.
    void restart() {
        states.clear();
        counts.clear();
    }

private:
    static const wire::xml::Element& only_child(const wire::xml::Element& of, std::string_view name) {
        EXPECT_EQ(of.children.size(), 1u);
        EXPECT_EQ(of.children.at(0).name, name);
        return of.children.at(0);
    }
    void hears_state(const Key& key, const wire::xml::Element& content) {
        ASSERT_FALSE(content.text.empty()) << "it dies";
        ASSERT_LE(key.second.size(), 79u) << "it is cut";
        states[key] = content.text;
    }
    void hears_counts(const Key& key, const wire::xml::Element& content) {
        ASSERT_EQ(content.name, "mailbox");
        const wire::xml::Element* fresh = content.child("NEWMSGS");
        const wire::xml::Element* old = content.child("OLDMSGS");
        ASSERT_TRUE(fresh != nullptr && old != nullptr && !fresh->text.empty() && !old->text.empty())
            << "it dies";
        counts[key] = {fresh->text, old->text};
    }

    std::string own_;
};

}  // namespace lamplight::bus::xmpp::test
