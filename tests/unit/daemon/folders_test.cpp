#include "daemon/folders.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace lamplight::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Folders, AreMadeForTheDaemonAndItsGroup) {
    test::TemporaryFolder folder;
    ASSERT_TRUE(ensure_folder(folder / "run", "run_dir"));
    struct stat made{};
    ASSERT_EQ(::stat((folder / "run").c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0027u, 0u) << "others may not look in, the group may not write";
    EXPECT_EQ(made.st_mode & 0700u, 0700u);
    EXPECT_TRUE(ensure_folder(folder / "run", "run_dir")) << "one that is there is fine";
}

TEST(Folders, ATypingErrorGrowsNoTree) {
    test::TemporaryFolder folder;
    const auto made = ensure_folder(folder / "nowhere" / "run", "run_dir");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().status, ExitStatus::cannot_create);
    EXPECT_THAT(made.error().text, AllOf(HasSubstr("run_dir"), HasSubstr("there is no folder")));
    EXPECT_FALSE(std::filesystem::exists(folder / "nowhere"));
}

TEST(Folders, AFileIsNoFolder) {
    test::TemporaryFolder folder;
    test::write_file(folder / "run", "mine");
    const auto made = ensure_folder(folder / "run", "run_dir");
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().text, HasSubstr("is no folder"));
    EXPECT_EQ(test::read_file(folder / "run"), "mine");
}

}  // namespace
}  // namespace lamplight::daemon
