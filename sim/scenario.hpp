#pragma once

#include "sim/world.hpp"

#include <tl/expected.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::sim {

/// Something wrong with a scenario, or with what it saw.
struct ScenarioProblem {
    std::size_t line = 0;
    std::string text;  ///< of a mismatch several lines, ending without a newline
};

/// A story of nodes, votes and faults, and what must be seen of it. The language: README.md.
class Scenario {
public:
    /// All problems at once, or a scenario that can run.
    static tl::expected<Scenario, std::vector<ScenarioProblem>> parse(std::string_view text);

    /// What was seen otherwise than expected; empty is success. Ends at the first thing that the checkers
    /// find.
    std::vector<ScenarioProblem> run() const;

    const std::string& title() const { return title_; }

    /// One thing that a scenario may say; `act` answers what is wrong, or nothing.
    struct Step {
        std::size_t line = 0;
        std::function<std::string(World&)> act;
    };

private:
    friend class ScenarioParser;
    std::string title_;
    WorldSettings settings_;
    std::vector<std::function<void(World&)>> nodes_;
    std::vector<Step> steps_;
};

}  // namespace lamplight::sim
