#include "console/counter_rows.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace lamplight::console {

enum class Fault { cut, lying };
static std::string_view to_string(Fault fault) {
    return fault == Fault::cut ? "cut" : "lying";
}

namespace {

CounterRows rows() {
    CounterRows rows{{"frames_in", 12}, {"frames_out", 0}};
    add_refused<Fault>(rows, std::array<std::uint64_t, 2>{0, 3});
    return rows;
}

TEST(CounterRows, RefusalsThatDidNotHappenAreLeftOutForPeople) {
    EXPECT_EQ(text_of("Group asterisk", rows()),
              "Group asterisk\n"
              "  frames_in                                    12\n"
              "  frames_out                                    0\n"
              "  refused: lying                                3\n");
}

TEST(CounterRows, ProgramsGetAllOfThem) {
    EXPECT_EQ(boost::json::serialize(json_of(rows())),
              R"({"frames_in":12,"frames_out":0,"refused: cut":0,"refused: lying":3})");
}

}  // namespace
}  // namespace lamplight::console
