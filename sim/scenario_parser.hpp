#pragma once

#include "sim/scenario.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::sim {

/// `15s`, `200ms`, `2m`, `25h`, `-1h`; at most 10,000 hours.
std::optional<Duration> parse_duration(std::string_view text);

/// Reads a scenario, line by line.
class ScenarioParser {
public:
    tl::expected<Scenario, std::vector<ScenarioProblem>> parse(std::string_view text);

    using Words = std::span<const std::string>;
    using Act = std::function<std::string(World&)>;

private:
    struct Command {
        std::string_view name;
        std::size_t least;  ///< words that follow
        std::size_t most;
        std::string_view usage;
        void (ScenarioParser::*read)(Words);
    };
    static std::span<const Command> commands();
    static std::span<const Command> expectations();

    void read_line(std::string_view line);
    void read_command(std::span<const Command> table, Words words);
    void problem(std::string text) { problems_.push_back({line_, std::move(text)}); }
    void step(Act act) { scenario_.steps_.push_back({line_, std::move(act)}); }
    void finish_trace();

    // Settings and declarations.
    void read_title(Words words);
    void read_set(Words words);
    void read_node(Words words);
    void read_hint(Words words);
    // What happens.
    template <void (World::*Act)(std::string_view)>
    void read_for_nodes(Words words);
    void read_vote(Words words);
    void read_withdraw(Words words);
    void read_link(Words words);
    void read_clock(Words words);
    void read_partition(Words words);
    void read_heal(Words words);
    void read_replay(Words words);
    void read_burst(Words words);
    void read_flood(Words words);
    void read_wait(Words words);
    void read_mark(Words words);
    // What must be seen.
    void read_expect(Words words);
    void expect_aggregate(Words words);
    void expect_vote(Words words);
    void expect_node(Words words);
    void expect_hint(Words words);
    void expect_outcome(Words words);
    void expect_agree(Words words);
    void expect_trace(Words words);

    bool known_node(const std::string& name);
    std::optional<state::DeviceState> state_of(const std::string& text);
    std::optional<std::uint32_t> count_of(const std::string& text);
    bool split_extension(const std::string& text, std::string& extension, std::string& context);

    struct PendingTrace {
        std::size_t line = 0;
        std::string node;
        std::string filter;
        std::vector<std::string> expected;
    };

    Scenario scenario_;
    std::map<std::string, state::Eid, std::less<>> nodes_;
    std::optional<PendingTrace> trace_;
    std::vector<ScenarioProblem> problems_;
    std::size_t line_ = 0;
};

}  // namespace lamplight::sim
