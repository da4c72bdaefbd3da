#include "sim/scenario.hpp"

#include "sim/scenario_parser.hpp"

#include <fmt/format.h>

namespace lamplight::sim {

tl::expected<Scenario, std::vector<ScenarioProblem>> Scenario::parse(std::string_view text) {
    ScenarioParser parser;
    return parser.parse(text);
}

std::vector<ScenarioProblem> Scenario::run() const {
    World world(settings_);
    for (const auto& add : nodes_)
        add(world);
    std::vector<ScenarioProblem> problems;
    for (const Step& step : steps_) {
        if (std::string wrong = step.act(world); !wrong.empty())
            problems.push_back({step.line, std::move(wrong)});
        const auto failures = world.failures();
        for (const std::string& failure : failures)
            problems.push_back({step.line, failure});
        if (!failures.empty()) break;
    }
    return problems;
}

}  // namespace lamplight::sim
