#include "conf/openais_conf.hpp"

#include "conf/file.hpp"
#include "conf/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace lamplight::conf {

namespace {

constexpr std::size_t most_named = 8;  ///< names in the notice
constexpr std::size_t longest_named = 64;

struct Number {
    std::int64_t value = 0;
    std::uint32_t line = 0;
};

class OpenaisReader {
public:
    OpenaisReader(const std::string& path, Problems& problems) : path_(path), problems_(problems) {}

    void read(std::string_view text, AisSettings& settings) {
        if (!read_lines(text)) return;
        if (!blocks_.empty())
            return warn(blocks_.back().line, fmt::format("the block {} has no end", blocks_.back().name),
                        std::string(passed_over), "add a line with }");
        take_numbers(settings);
        tell_what_is_left();
    }

private:
    static constexpr std::string_view passed_over = "the whole file is passed over";

    struct Block {
        std::string name;
        std::uint32_t line = 0;
    };

    bool read_lines(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            const std::string_view line = trimmed(text.substr(0, end));
            text = end == text.npos ? std::string_view{} : text.substr(end + 1);
            ++line_;
            if (!line.empty() && line.front() != '#' && !read_line(line)) return false;
        }
        return true;
    }

    /// In the order of Corosync's parser: a brace that opens, a colon, a brace that closes.
    bool read_line(std::string_view line) {
        if (line.size() > longest_line_bytes) return broken("a line is too long");
        if (const std::size_t brace = line.find('{'); brace != line.npos) return open(line, brace);
        if (const std::size_t colon = line.find(':'); colon != line.npos) {
            item(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
            return true;
        }
        if (line != "}") return broken("the line is no block, no key and no end of a block");
        if (blocks_.empty()) return broken("a block ends that was not begun");
        blocks_.pop_back();
        return true;
    }

    bool open(std::string_view line, std::size_t brace) {
        if (brace + 1 != line.size()) return broken("something stands behind the { of a block");
        const std::string_view name = trimmed(line.substr(0, brace));
        if (name.empty()) return broken("a block has no name");
        if (blocks_.empty() ? name != "event" : is_event()) note(name);
        blocks_.push_back({std::string(name.substr(0, longest_named)), line_});
        return true;
    }

    bool is_event() const { return blocks_.size() == 1 && blocks_.front().name == "event"; }

    void item(std::string_view key, std::string_view value) {
        if (is_event() && key == "delivery_queue_size")
            number(key, value, size_);
        else if (is_event() && key == "delivery_queue_resume")
            number(key, value, resume_);
        else if (is_event() || blocks_.empty())
            note(key);
    }

    void number(std::string_view key, std::string_view value, std::optional<Number>& target) {
        const auto parsed = parse_integer(value);
        const std::int64_t least = &target == &size_ ? least_delivery_queue : 1;
        if (parsed && *parsed >= least && *parsed <= most_delivery_queue) {
            target = Number{*parsed, line_};
            return;
        }
        wrong_ = true;
        warn(line_, fmt::format("{}: {} is refused", key, value.substr(0, longest_named)),
             fmt::format("it takes a whole number from {} to {}", least, most_delivery_queue),
             "correct or remove it");
    }

    void take_numbers(AisSettings& settings) {
        if (wrong_ || (!size_ && !resume_)) return;
        const AisSettings defaults;
        const std::int64_t size = size_ ? size_->value : defaults.queue_limit;
        const std::int64_t resume = resume_ ? resume_->value : size / 2;
        if (resume >= size)
            return warn(resume_->line, fmt::format("delivery_queue_resume: {} is refused", resume),
                        fmt::format("it is not less than delivery_queue_size, {}", size),
                        "correct or remove it");
        settings.queue_limit = static_cast<std::uint32_t>(size);
        settings.queue_resume = static_cast<std::uint32_t>(resume);
    }

    /// Something that has no meaning any more.
    void note(std::string_view name) {
        std::string full = is_event() ? "event." : "";
        full += name.substr(0, longest_named);
        has_totem_ = has_totem_ || full == "totem";
        if (std::find(left_.begin(), left_.end(), full) != left_.end()) return;
        if (left_.size() <= most_named) left_.push_back(std::move(full));
    }

    void tell_what_is_left() {
        if (left_.empty()) return;
        const bool more = left_.size() > most_named;
        if (more) left_.pop_back();
        problems_.push_back({Severity::notice,
                             {path_, 0},
                             fmt::format("what it says of {}{} has no meaning any more",
                                         fmt::join(left_, ", "), more ? " and others" : ""),
                             "of OpenAIS' file only the queue of the event service counts",
                             has_totem_ ? "totem belongs into /etc/corosync/corosync.conf" : ""});
    }

    bool broken(std::string what) {
        warn(line_, std::move(what), std::string(passed_over), "correct it, or remove the file");
        return false;
    }

    void warn(std::uint32_t line, std::string what, std::string why, std::string what_to_do) {
        collector_.add(
            {Severity::warning, {path_, line}, std::move(what), std::move(why), std::move(what_to_do)});
    }

    const std::string& path_;
    Problems& problems_;
    Collector collector_{problems_};
    std::uint32_t line_ = 0;
    std::vector<Block> blocks_;  ///< open ones, outermost first
    std::optional<Number> size_;
    std::optional<Number> resume_;
    bool wrong_ = false;
    std::vector<std::string> left_;  ///< one more than most_named when there are more
    bool has_totem_ = false;
};

}  // namespace

void read_openais(std::string_view text, const std::string& path, AisSettings& settings, Problems& problems) {
    OpenaisReader(path, problems).read(text, settings);
}

}  // namespace lamplight::conf
