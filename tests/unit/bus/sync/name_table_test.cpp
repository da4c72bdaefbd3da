#include "bus/sync/name_table.hpp"

#include <gtest/gtest.h>

namespace lamplight::bus::sync {
namespace {

using Meaning = NameTable::Meaning;

struct Names : testing::Test {
    state::Engine engine;
    state::Changes changes;
    NameTable table;

    state::DeviceId intern(std::string_view name) { return *engine.intern_device(name, changes); }
};

TEST_F(Names, AnIdMeansWhatItsSenderLastSaid) {
    table.use(1);
    EXPECT_EQ(table.find(5).meaning, Meaning::unknown);
    table.define(5, intern("Custom:a"));
    table.define(5, intern("Custom:b"));
    ASSERT_EQ(table.find(5).meaning, Meaning::device);
    EXPECT_EQ(table.find(5).device, engine.find_device("Custom:b"));
    table.define_refused(5);
    EXPECT_EQ(table.find(5).meaning, Meaning::refused);
}

TEST_F(Names, AnotherTableVoidsEverything) {
    table.use(1);
    table.define(5, intern("Custom:a"));
    table.define_name(6, "Custom:b");
    table.use(1);
    EXPECT_EQ(table.find(5).meaning, Meaning::device);
    table.use(2);
    EXPECT_EQ(table.find(5).meaning, Meaning::unknown);
    EXPECT_EQ(table.find(6).meaning, Meaning::unknown);
}

TEST_F(Names, TheHighestIdCostsNoTable) {
    table.use(1);
    table.define((1u << 22) - 1, intern("Custom:a"));
    EXPECT_EQ(table.find((1u << 22) - 1).meaning, Meaning::device);
    EXPECT_EQ(table.find((1u << 22) - 2).meaning, Meaning::unknown);
    EXPECT_EQ(table.find(0).meaning, Meaning::unknown);
}

TEST_F(Names, AForgottenDeviceIsRememberedByName) {
    table.use(1);
    const auto gone = intern("Custom:gone");
    table.define(5, intern("Custom:stays"));
    table.define(6, gone);
    state::Engine other;  // where the names stand under other numbers, as after forgetting
    state::Changes none;
    (void)other.intern_device("Custom:stays", none);
    for (int twice = 0; twice < 2; ++twice) {
        table.forget({{gone, "Custom:gone"}}, other);
        EXPECT_EQ(table.find(5).meaning, Meaning::device);
        ASSERT_EQ(table.find(6).meaning, Meaning::named);
        EXPECT_EQ(*table.find(6).name, "Custom:gone");
    }
    table.define(6, intern("Custom:again"));
    EXPECT_EQ(table.find(6).meaning, Meaning::device);
}

TEST_F(Names, ADeviceThatIsBackUnderItsNumberWasNotForgotten) {
    table.use(1);
    const auto back = intern("Custom:back");
    table.define(5, back);
    table.forget({{back, "Custom:back"}}, engine);
    EXPECT_EQ(table.find(5).meaning, Meaning::device);
}

TEST_F(Names, WhenOneNumberWasTwoNamesTheIdIsUnknown) {
    table.use(1);
    const auto id = intern("Custom:now");
    table.define(5, id);
    table.forget({{id, "Custom:first"}, {id, "Custom:second"}}, engine);
    EXPECT_EQ(table.find(5).meaning, Meaning::unknown);
}

}  // namespace
}  // namespace lamplight::bus::sync
