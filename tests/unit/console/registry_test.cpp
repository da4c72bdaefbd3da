#include "console/registry.hpp"

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace lamplight::console {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RegistryTest : public testing::Test {
protected:
    RegistryTest() {
        registration_ = registry_.add({echo("core show hints", {"show hints"}), echo("core show hint", {}),
                                       echo("core show help", {"help"}), echo("core set debug", {}),
                                       echo("device show", {})});
    }

    static Command echo(std::string words, std::vector<std::string> also) {
        Command command;
        command.words = words;
        command.also = std::move(also);
        command.run = [words](const Request& request, const Responder& responder) {
            std::string text = words + "|";
            for (const auto& arg : request.args)
                text += arg + ",";
            responder(Reply::ok(text));
        };
        if (words == "device show")
            command.complete = [](const std::vector<std::string>& args, std::string_view) {
                return args.empty() ? std::vector<std::string>{"like"}
                                    : std::vector<std::string>{"Custom:abc", "Custom:b c", "PJSIP/alice"};
            };
        return command;
    }

    Reply run(std::string_view line, bool json = false) {
        Reply answer;
        int answers = 0;
        registry_.run(line, json, Asker{"root", 1, 0}, [&](Reply reply) {
            answer = std::move(reply);
            ++answers;
        });
        EXPECT_EQ(answers, 1);
        return answer;
    }

    Registry registry_;
    Registry::Registration registration_;
};

TEST_F(RegistryTest, RunsACommandByItsWordsAndByItsOldOnes) {
    EXPECT_EQ(run("core show hints").text, "core show hints|");
    EXPECT_EQ(run("show hints").text, "core show hints|");
    EXPECT_EQ(run("core set debug 3 res_corosync").text, "core set debug|3,res_corosync,");
}

TEST_F(RegistryTest, TakesShortenedWordsWhileOnlyOneCommandIsMeant) {
    EXPECT_EQ(run("co sh hints").text, "core show hints|");
    EXPECT_EQ(run("d s").text, "device show|");
    EXPECT_EQ(run("core se d 1").text, "core set debug|1,");
}

TEST_F(RegistryTest, AWordInFullBeatsALongerOne) {
    EXPECT_EQ(run("core show hint 6001").text, "core show hint|6001,");
}

TEST_F(RegistryTest, NamesWhatAnAmbiguousLineCanMean) {
    const auto reply = run("core show h");
    EXPECT_EQ(reply.status, 1);
    EXPECT_THAT(reply.text, HasSubstr("No such command 'core show h'"));
    EXPECT_THAT(reply.text, HasSubstr("'core show hints'"));
    EXPECT_THAT(reply.text, HasSubstr("'core show help'"));
}

TEST_F(RegistryTest, AnswersAnUnknownCommandAsAsteriskDoes) {
    EXPECT_EQ(run("blah").text,
              "No such command 'blah' (type 'core show help blah' for other possible commands)\n");
    EXPECT_EQ(
        run("core show nothing at all").text.substr(0, 97),
        "No such command 'core show nothing at all' (type 'core show help core show nothing' for other pos");
    EXPECT_EQ(run("blah").status, 1);
}

TEST_F(RegistryTest, OffersTheNearestCommand) {
    EXPECT_THAT(run("core shwo hints").text, HasSubstr("Did you mean 'core show hints'?"));
    EXPECT_THAT(run("devices show").text, HasSubstr("Did you mean 'device show'?"));
    EXPECT_THAT(run("blah").text, Not(HasSubstr("Did you mean")));
}

TEST_F(RegistryTest, AnEmptyLineIsNoMistake) {
    EXPECT_EQ(run("").status, 0);
    EXPECT_EQ(run("   ").text, "");
}

TEST_F(RegistryTest, AnOpenQuoteIsSaid) {
    EXPECT_EQ(run("core \"show").status, 1);
    EXPECT_THAT(run("core \"show").text, HasSubstr("quote"));
}

TEST_F(RegistryTest, ACommandThatForgetsToAnswerFails) {
    Command forgetful;
    forgetful.words = "forget";
    forgetful.run = [](const Request&, const Responder&) {};
    const auto kept = registry_.add({forgetful});
    EXPECT_EQ(run("forget").status, 1);
}

TEST_F(RegistryTest, OnlyTheFirstAnswerCounts) {
    Command chatty;
    chatty.words = "chatty";
    chatty.run = [](const Request&, const Responder& responder) {
        responder(Reply::ok("one"));
        responder(Reply::ok("two"));
    };
    const auto kept = registry_.add({chatty});
    EXPECT_EQ(run("chatty").text, "one");
}

TEST_F(RegistryTest, JsonOfACommandWithoutDataSaysWhetherItWorked) {
    EXPECT_EQ(boost::json::serialize(*run("core show hints", true).json),
              R"({"ok":true,"text":"core show hints|"})");
    EXPECT_TRUE(run("blah", true).json->at("ok") == false);
}

TEST_F(RegistryTest, ForgetsTheCommandsOfARegistrationThatGoes) {
    {
        Command guest;
        guest.words = "guest";
        guest.run = [](const Request&, const Responder& responder) { responder(Reply::ok("here")); };
        const auto kept = registry_.add({guest});
        EXPECT_EQ(run("guest").text, "here");
    }
    EXPECT_EQ(run("guest").status, 1);
}

TEST_F(RegistryTest, ACommandMayRemoveItself) {
    auto kept = std::make_shared<Registry::Registration>();
    Command leaving;
    leaving.words = "leave";
    leaving.run = [kept, text = std::string(100, 'x')](const Request&, const Responder& responder) {
        *kept = {};
        responder(Reply::ok(text));
    };
    *kept = registry_.add({leaving});
    leaving = {};
    EXPECT_EQ(run("leave").text, std::string(100, 'x'));
    EXPECT_EQ(run("leave").status, 1);
}

TEST_F(RegistryTest, CompletesWordsOfCommands) {
    EXPECT_THAT(registry_.complete(""), ElementsAre("core", "device"));
    EXPECT_THAT(registry_.complete("co"), ElementsAre("core"));
    EXPECT_THAT(registry_.complete("core "), ElementsAre("set", "show"));
    EXPECT_THAT(registry_.complete("core show h"), ElementsAre("help", "hint", "hints"));
    EXPECT_THAT(registry_.complete("core show hints"), ElementsAre("hints"));
    EXPECT_THAT(registry_.complete("nothing "), IsEmpty());
}

TEST_F(RegistryTest, CompletesOldWordsWhenNoOthersFit) {
    EXPECT_THAT(registry_.complete("hel"), ElementsAre("help"));
}

TEST_F(RegistryTest, CompletesArgumentsByTheCommandItself) {
    EXPECT_THAT(registry_.complete("device show "), ElementsAre("like"));
    EXPECT_THAT(registry_.complete("device show like Cus"), ElementsAre("Custom:abc", "Custom:b c"));
    EXPECT_THAT(registry_.complete("dev sh like P"), ElementsAre("PJSIP/alice"));
}

TEST_F(RegistryTest, ListsCommandsByTheirWords) {
    std::vector<std::string> names;
    for (const auto* command : registry_.commands())
        names.push_back(command->words);
    EXPECT_THAT(names, ElementsAre("core set debug", "core show help", "core show hint", "core show hints",
                                   "device show"));
}

}  // namespace
}  // namespace lamplight::console
