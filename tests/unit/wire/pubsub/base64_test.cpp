#include "wire/pubsub/base64.hpp"

#include <gtest/gtest.h>

namespace lamplight::wire::pubsub {
namespace {

std::optional<std::string> decoded(std::string_view text, std::size_t most = 100) {
    const auto bytes = decode_base64(text, most);
    if (!bytes) return {};
    return std::string(text_of(*bytes));
}

TEST(Base64, WritesAndReadsTheExamplesOfRfc4648) {
    for (const auto& [text, base64] :
         std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}}) {
        EXPECT_EQ(encode_base64(bytes_of(text)), base64);
        EXPECT_EQ(decoded(base64), text);
    }
}

TEST(Base64, HasEveryByte) {
    std::vector<std::uint8_t> all(256);
    for (unsigned i = 0; i < 256; ++i)
        all[i] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(decode_base64(encode_base64(all), 256), all);
    EXPECT_EQ(decoded("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64, TakesLineBreaksAndNoOtherSpace) {
    EXPECT_EQ(decoded("\nZm9\r\nvYg=\n=\r\n"), "foob");
    EXPECT_EQ(decoded("Zm9v Yg=="), std::nullopt);
    EXPECT_EQ(decoded("Zm9v\tYg=="), std::nullopt);
}

TEST(Base64, RefusesWhatIsNotWritten) {
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zg==Zg==", "Zm9v=", "=", "====", "Z===", "Zg=a",
                             "Zg=A", "Zm8=Zm9v", "Zm9-", "Zm9_", "Zm9\xc3", "Zh==", "Zm9="})
        EXPECT_EQ(decoded(text), std::nullopt) << text;
}

TEST(Base64, RefusesMoreBytesThanAllowed) {
    EXPECT_EQ(decoded("Zm9vYg==", 4), "foob");
    EXPECT_EQ(decoded("Zm9vYg==", 3), std::nullopt);
}

}  // namespace
}  // namespace lamplight::wire::pubsub
