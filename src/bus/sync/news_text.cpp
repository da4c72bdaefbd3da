#include "bus/sync/news_text.hpp"

#include <fmt/format.h>

namespace lamplight::bus::sync {

Weight weight_of(News::Kind kind) {
    switch (kind) {
        case News::Kind::hello:
        case News::Kind::goodbye:
        case News::Kind::newer_asked:
            return Weight::talk;
        case News::Kind::malformed:
        case News::Kind::unknown_format:
        case News::Kind::format_refused:
        case News::Kind::foreign:
            return Weight::warning;
        case News::Kind::outdated:
        case News::Kind::votes_missed:
        case News::Kind::digest_different:
            return Weight::notice;
    }
    return Weight::notice;
}

std::string to_text(const News& news, std::string_view who) {
    switch (news.kind) {
        case News::Kind::hello:
            return fmt::format("{} says hello: {}", who, news.text);
        case News::Kind::goodbye:
            return fmt::format("{} says goodbye: {}", who, news.text);
        case News::Kind::malformed:
            return fmt::format("a frame from {} was refused: {}", who, news.text);
        case News::Kind::unknown_format:
            return fmt::format("{} speaks frame format {}, which this version does not know: it was told so",
                               who, news.text);
        case News::Kind::format_refused:
            return fmt::format("{} does not know frame format {}", who, news.text);
        case News::Kind::foreign:
            return fmt::format("{} announces {}, for which it may not speak: nothing of it is believed", who,
                               news.text);
        case News::Kind::outdated:
            return fmt::format("{} announces {} with an incarnation that is past: it is told the present one",
                               who, news.text);
        case News::Kind::votes_missed:
            return fmt::format("something that {} said was missed: asked again", who);
        case News::Kind::digest_different:
            return fmt::format("what is known of {} is not what {} says: asked for all of it", news.text,
                               who);
        case News::Kind::newer_asked:
            return fmt::format("what is known of {} may not be all that {} says: asked for what is newer",
                               news.text, who);
    }
    return {};
}

}  // namespace lamplight::bus::sync
