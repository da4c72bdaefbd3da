#include "conf/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace lamplight::conf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DiskFilesTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "lamplight-conf-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& content) {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        return (folder_ / name).string();
    }

    std::filesystem::path folder_;
    DiskFiles files_;
};

TEST_F(DiskFilesTest, GiveTheWholeContent) {
    const std::string content = std::string(200'000, 'x') + '\0' + "end";
    EXPECT_EQ(files_.read(write("a.conf", content)).value(), content);
    EXPECT_EQ(files_.read(write("empty.conf", "")).value(), "");
}

TEST_F(DiskFilesTest, SayThatAFileIsMissing) {
    EXPECT_EQ(files_.read((folder_ / "none.conf").string()).error().failure, ReadFailure::missing);
    EXPECT_EQ(files_.read(write("a.conf", "x") + "/b.conf").error().failure, ReadFailure::missing);
}

TEST_F(DiskFilesTest, RefuseWhatIsNoFile) {
    EXPECT_EQ(files_.read(folder_.string()).error().failure, ReadFailure::not_a_file);
    const std::string fifo = (folder_ / "fifo").string();
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(files_.read(fifo).error().failure, ReadFailure::not_a_file);
}

TEST_F(DiskFilesTest, RefuseAFileThatIsTooLarge) {
    const std::string path = write("large.conf", "");
    std::filesystem::resize_file(path, largest_file_bytes + 1);
    EXPECT_EQ(files_.read(path).error().failure, ReadFailure::too_large);
}

TEST_F(DiskFilesTest, SayWhyAFileCannotBeRead) {
    // A loop of links fails for every user; permissions do not stop root.
    std::filesystem::create_symlink(folder_ / "loop", folder_ / "loop");
    const ReadError error = files_.read((folder_ / "loop").string()).error();
    EXPECT_EQ(error.failure, ReadFailure::not_readable);
    EXPECT_FALSE(error.why.empty());
}

TEST_F(DiskFilesTest, FindFilesByPattern) {
    const std::string b = write("b.conf", "");
    const std::string a = write("a.conf", "");
    write("c.txt", "");
    EXPECT_THAT(files_.matches((folder_ / "*.conf").string()), ElementsAre(a, b));
    EXPECT_THAT(files_.matches((folder_ / "{b,a}.conf").string()), ElementsAre(b, a));
    EXPECT_THAT(files_.matches((folder_ / "*.none").string()), IsEmpty());
}

}  // namespace
}  // namespace lamplight::conf
