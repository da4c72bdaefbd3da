#include "console/registry.hpp"

#include "conf/nearest.hpp"
#include "console/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace lamplight::console {

namespace {

using Words = std::vector<std::string>;

/// One way to write a command.
struct Pattern {
    Words words;
    const Command* command = nullptr;
    bool main = true;  ///< not one of Command::also
};

struct Entry {
    std::uint32_t registration = 0;
    std::unique_ptr<Command> command;
};

/// How a typed line fits a pattern's first words.
struct Fit {
    const Pattern* pattern = nullptr;
    std::vector<bool> exact;  ///< by word: written in full
    bool whole = false;       ///< every word of the pattern is there
};

/// Answers once, and with a failure when the command forgot to.
class Answer {
public:
    Answer(Responder responder, bool json) : responder_(std::move(responder)), json_(json) {}
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
    ~Answer() { give(Reply::failed("The command gave no answer.\n")); }

    void give(Reply reply) {
        if (!responder_) return;
        if (json_ && !reply.json)
            reply.json = boost::json::object{{"ok", reply.status == 0}, {"text", reply.text}};
        std::exchange(responder_, nullptr)(std::move(reply));
    }

private:
    Responder responder_;
    bool json_;
};

std::optional<Fit> fit(const Pattern& pattern, const Words& typed) {
    Fit result{&pattern, {}, typed.size() >= pattern.words.size()};
    const std::size_t count = std::min(typed.size(), pattern.words.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (typed[i].empty() || !pattern.words[i].starts_with(typed[i])) return std::nullopt;
        result.exact.push_back(typed[i] == pattern.words[i]);
    }
    return result;
}

/// At the first word where one fit is written in full and another only begun, the full one is meant.
std::vector<Fit> closest(std::vector<Fit> fits) {
    std::size_t longest = 0;
    for (const auto& one : fits)
        longest = std::max(longest, one.exact.size());
    for (std::size_t i = 0; i < longest; ++i) {
        const auto is_exact = [i](const Fit& one) { return i < one.exact.size() && one.exact[i]; };
        if (std::any_of(fits.begin(), fits.end(), is_exact))
            std::erase_if(fits, [&](const Fit& one) { return i < one.exact.size() && !one.exact[i]; });
    }
    return fits;
}

/// Among patterns that are all there the longest counts: `core show hints` is no argument of `core show`.
std::vector<Fit> longest_whole(const std::vector<Fit>& fits) {
    std::vector<Fit> whole;
    std::copy_if(fits.begin(), fits.end(), std::back_inserter(whole),
                 [](const Fit& one) { return one.whole; });
    std::size_t longest = 0;
    for (const auto& one : whole)
        longest = std::max(longest, one.exact.size());
    std::erase_if(whole, [&](const Fit& one) { return one.exact.size() < longest; });
    return whole;
}

bool all_one_command(const std::vector<Fit>& fits) {
    return std::all_of(fits.begin(), fits.end(),
                       [&](const Fit& one) { return one.pattern->command == fits[0].pattern->command; });
}

}  // namespace

Reply Reply::ok(std::string text) {
    return {std::move(text), std::nullopt, 0};
}
Reply Reply::failed(std::string text, int status) {
    return {std::move(text), std::nullopt, status};
}

class Registry::Impl {
public:
    std::uint32_t add(std::vector<Command> commands) {
        const std::uint32_t id = ++last_registration_;
        for (auto& command : commands)
            entries_.push_back({id, std::make_unique<Command>(std::move(command))});
        rebuild();
        return id;
    }

    void remove(std::uint32_t id) {
        std::erase_if(entries_, [&](const Entry& entry) { return entry.registration == id; });
        rebuild();
    }

    void run(std::string_view line, bool json, const Asker& asker, Responder responder) const {
        const auto answer = std::make_shared<Answer>(std::move(responder), json);
        auto words = split_words(line);
        if (!words) return answer->give(Reply::failed(words.error() + '\n'));
        if (words->empty()) return answer->give(Reply::ok({}));
        const auto fits = longest_whole(closest(fitting(*words)));
        if (fits.empty() || !all_one_command(fits)) return answer->give(no_such_command(*words));

        Request request{std::string(line), std::move(*words), {}, json, asker};
        const Pattern& pattern = *fits[0].pattern;
        const auto behind = static_cast<std::ptrdiff_t>(pattern.words.size());
        request.args.assign(request.words.begin() + behind, request.words.end());
        std::copy(pattern.words.begin(), pattern.words.end(), request.words.begin());
        // A module may be unloaded by its own command: what runs is a copy.
        const auto handler = pattern.command->run;
        handler(request, [answer](Reply reply) { answer->give(std::move(reply)); });
    }

    std::vector<std::string> complete(std::string_view line) const {
        const auto [words, begun] = split_begun(line);
        auto found = completions(words, begun, [](const Pattern& pattern) { return pattern.main; });
        if (found.empty())
            found = completions(words, begun, [](const Pattern& pattern) { return !pattern.main; });
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }

    std::vector<const Command*> commands() const {
        std::vector<const Command*> all;
        for (const auto& entry : entries_)
            all.push_back(entry.command.get());
        std::sort(all.begin(), all.end(), [](auto* left, auto* right) { return left->words < right->words; });
        return all;
    }

private:
    void rebuild() {
        patterns_.clear();
        for (const auto& entry : entries_) {
            patterns_.push_back(
                {split_words(entry.command->words).value_or(Words{}), entry.command.get(), true});
            for (const auto& other : entry.command->also)
                patterns_.push_back({split_words(other).value_or(Words{}), entry.command.get(), false});
        }
    }

    std::vector<Fit> fitting(const Words& typed) const {
        std::vector<Fit> fits;
        for (const auto& pattern : patterns_) {
            if (auto one = fit(pattern, typed)) fits.push_back(std::move(*one));
        }
        return fits;
    }

    template <typename Wanted>
    std::vector<std::string> completions(const Words& words, const std::string& begun,
                                         const Wanted& wanted) const {
        auto fits = fitting(words);
        std::erase_if(fits, [&](const Fit& one) { return !wanted(*one.pattern); });
        fits = closest(std::move(fits));
        std::vector<std::string> found;
        for (const auto& one : fits) {
            if (!one.whole && one.pattern->words[words.size()].starts_with(begun))
                found.push_back(one.pattern->words[words.size()]);
        }
        for (const auto& one : longest_whole(fits)) {
            if (!one.pattern->command->complete) continue;
            const Words args(words.begin() + static_cast<std::ptrdiff_t>(one.pattern->words.size()),
                             words.end());
            for (auto& word : one.pattern->command->complete(args, begun)) {
                if (word.starts_with(begun)) found.push_back(std::move(word));
            }
        }
        return found;
    }

    /// Asterisk's own answer; the words of the second half are those up to the first that nothing begins
    /// with.
    Reply no_such_command(const Words& words) const {
        std::size_t known = 0;
        Words begin;
        do {
            begin.push_back(words[known++]);
        } while (known < words.size() && !fitting(begin).empty());
        std::string text =
            fmt::format("No such command '{}' (type 'core show help {}' for other possible commands)\n",
                        join_words(words), join_words(begin));
        const auto fits = longest_whole(closest(fitting(words)));
        if (fits.size() > 1) {
            text += fmt::format("It can mean {}.\n", names_of(fits));
        } else if (const auto near = nearest(words); !near.empty()) {
            text += fmt::format("Did you mean '{}'?\n", near);
        }
        return Reply::failed(std::move(text));
    }

    static std::string names_of(const std::vector<Fit>& fits) {
        Words names;
        for (const auto& one : fits)
            names.push_back(fmt::format("'{}'", join_words(one.pattern->words)));
        std::sort(names.begin(), names.end());
        return fmt::format("{}", fmt::join(names, ", "));
    }

    std::string nearest(const Words& words) const {
        std::string best;
        std::size_t best_distance = 0;
        for (const auto& pattern : patterns_) {
            const std::string typed = join_words(words, 0, pattern.words.size()).substr(0, 80);
            const std::string name = join_words(pattern.words);
            const auto distance = conf::edit_distance(typed, name);
            if (distance > std::max<std::size_t>(2, name.size() / 3)) continue;
            if (!best.empty() && distance >= best_distance) continue;
            best = name;
            best_distance = distance;
        }
        return best;
    }

    std::vector<Entry> entries_;
    std::vector<Pattern> patterns_;
    std::uint32_t last_registration_ = 0;

    friend class Registry;
};

Registry::Registration::Registration(Registry& registry, std::uint32_t id) : registry_(&registry), id_(id) {}

Registry::Registration::Registration(Registration&& other) noexcept
    : registry_(std::exchange(other.registry_, nullptr)), id_(other.id_) {}

Registry::Registration& Registry::Registration::operator=(Registration&& other) noexcept {
    std::swap(registry_, other.registry_);
    std::swap(id_, other.id_);
    return *this;
}

Registry::Registration::~Registration() {
    if (registry_ != nullptr) registry_->impl_->remove(id_);
}

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Registry::Registration Registry::add(std::vector<Command> commands) {
    return {*this, impl_->add(std::move(commands))};
}

void Registry::run(std::string_view line, bool json, const Asker& asker, Responder responder) {
    impl_->run(line, json, asker, std::move(responder));
}

std::vector<std::string> Registry::complete(std::string_view line) const {
    return impl_->complete(line);
}
std::vector<const Command*> Registry::commands() const {
    return impl_->commands();
}

}  // namespace lamplight::console
