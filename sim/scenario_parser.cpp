#include "sim/scenario_parser.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace lamplight::sim {

namespace {

constexpr std::size_t most_nodes = 64;
constexpr std::uint32_t most_at_once = 100'000;

/// Words between blanks; one that starts with `#` and all after it are a comment.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    std::size_t at = 0;
    while (at < line.size()) {
        const auto begin = line.find_first_not_of(" \t\r", at);
        if (begin == std::string_view::npos || line[begin] == '#') break;
        at = std::min(line.find_first_of(" \t\r", begin), line.size());
        words.emplace_back(line.substr(begin, at - begin));
    }
    return words;
}

std::string trimmed(std::string_view line) {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    const auto end = line.find_last_not_of(" \t\r");
    return std::string(line.substr(begin, end - begin + 1));
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string seen_otherwise(std::string_view what, std::string_view expected, std::string_view seen) {
    return fmt::format("{}:\n  expected {}\n  seen     {}", what, expected, seen);
}

/// Line by line: `  ` in both, `- ` missing, `+ ` unexpected.
std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& seen) {
    // Longest common subsequence; traces in scenarios are short.
    const std::size_t rows = expected.size();
    const std::size_t columns = seen.size();
    std::vector<std::vector<std::size_t>> common(rows + 1, std::vector<std::size_t>(columns + 1, 0));
    for (std::size_t i = rows; i-- > 0;) {
        for (std::size_t j = columns; j-- > 0;) {
            common[i][j] = expected[i] == seen[j] ? common[i + 1][j + 1] + 1
                                                  : std::max(common[i + 1][j], common[i][j + 1]);
        }
    }
    std::string text;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < rows || j < columns) {
        if (i < rows && j < columns && expected[i] == seen[j]) {
            text += fmt::format("\n    {}", expected[i++]);
            ++j;
        } else if (j == columns || (i < rows && common[i + 1][j] >= common[i][j + 1])) {
            text += fmt::format("\n  - {}", expected[i++]);
        } else {
            text += fmt::format("\n  + {}", seen[j++]);
        }
    }
    return text;
}

const Daemon* running(World& world, const std::string& node) {
    return world.daemon(node);
}

std::string not_running(const std::string& node) {
    return fmt::format("{} does not run", node);
}

std::string described(const std::optional<state::VoteView>& vote) {
    if (!vote || vote->withdrawn) return "none";
    return fmt::format("{}{}{}", config_text(vote->state), vote->stale ? " stale" : "",
                       vote->counts ? "" : " not-counting");
}

std::optional<state::VoteOutcome> outcome_of(std::string_view text) {
    for (std::size_t i = 0; i < state::vote_outcome_count; ++i) {
        const auto outcome = static_cast<state::VoteOutcome>(i);
        if (to_string(outcome) == text) return outcome;
    }
    return std::nullopt;
}

bool is_standing(std::string_view text) {
    using enum state::Standing;
    return std::ranges::any_of(std::vector{unheard, present, stale, gone},
                               [&](state::Standing standing) { return to_string(standing) == text; });
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    constexpr std::int64_t most = std::int64_t{10'000} * 3'600'000;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number > most || number < -most) return std::nullopt;
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    const std::int64_t factor = unit == "ms"  ? 1
                                : unit == "s" ? 1000
                                : unit == "m" ? 60'000
                                : unit == "h" ? 3'600'000
                                              : 0;
    if (factor == 0 || number > most / factor || number < -most / factor) return std::nullopt;
    return Duration{number * factor};
}

std::span<const ScenarioParser::Command> ScenarioParser::commands() {
    using P = ScenarioParser;
    constexpr std::size_t any = 1000;
    static constexpr Command table[] = {
        {"title", 1, any, "title TEXT", &P::read_title},
        {"set", 2, 2, "set bus|seed|delay|jitter|detection|merge|restart_hold|silent_hold|forget_after VALUE",
         &P::read_set},
        {"node", 2, 3, "node NAME EID [pbx]", &P::read_node},
        {"hint", 3, 3, "hint NODE EXTENSION@CONTEXT DEVICE[&DEVICE...]", &P::read_hint},
        {"start", 1, any, "start NODE...", &P::read_for_nodes<&World::start>},
        {"kill", 1, any, "kill NODE...", &P::read_for_nodes<&World::kill>},
        {"down", 1, any, "down NODE...", &P::read_for_nodes<&World::host_down>},
        {"stop", 1, any, "stop NODE...", &P::read_for_nodes<&World::stop>},
        {"restart", 1, any, "restart NODE...", &P::read_for_nodes<&World::restart>},
        {"erase-states", 1, any, "erase-states NODE...", &P::read_for_nodes<&World::erase_states>},
        {"erase-incarnation", 1, any, "erase-incarnation NODE...",
         &P::read_for_nodes<&World::erase_incarnation>},
        {"vote", 3, 3, "vote NODE DEVICE STATE", &P::read_vote},
        {"withdraw", 2, 2, "withdraw NODE DEVICE", &P::read_withdraw},
        {"link", 2, 2, "link NODE up|down", &P::read_link},
        {"clock", 2, 2, "clock NODE OFFSET", &P::read_clock},
        {"partition", 1, any, "partition NODE... | NODE...", &P::read_partition},
        {"heal", 0, 0, "heal", &P::read_heal},
        {"replay", 2, 2, "replay FROM TO", &P::read_replay},
        {"burst", 4, 4, "burst NODE DEVICE COUNT STATE", &P::read_burst},
        {"flood", 3, 3, "flood NODE COUNT STATE", &P::read_flood},
        {"wait", 1, 1, "wait DURATION", &P::read_wait},
        {"mark", 0, 0, "mark", &P::read_mark},
        {"expect", 1, any, "expect aggregate|vote|node|hint|outcome|agree|trace ...", &P::read_expect},
    };
    return table;
}

std::span<const ScenarioParser::Command> ScenarioParser::expectations() {
    using P = ScenarioParser;
    static constexpr Command table[] = {
        {"aggregate", 3, 3, "expect aggregate NODE DEVICE STATE", &P::expect_aggregate},
        {"vote", 4, 6, "expect vote NODE DEVICE VOTER STATE|none [stale] [not-counting]", &P::expect_vote},
        {"node", 3, 3, "expect node NODE OTHER unheard|present|stale|gone", &P::expect_node},
        {"hint", 3, 3, "expect hint NODE EXTENSION@CONTEXT STATUS|none", &P::expect_hint},
        {"outcome", 3, 3, "expect outcome NODE OUTCOME none|some", &P::expect_outcome},
        {"agree", 1, 1, "expect agree votes|aggregates", &P::expect_agree},
        {"trace", 1, 2, "expect trace NODE [START], the expected lines indented below", &P::expect_trace},
    };
    return table;
}

tl::expected<Scenario, std::vector<ScenarioProblem>> ScenarioParser::parse(std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        ++line_;
        read_line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    finish_trace();
    if (scenario_.steps_.empty() && problems_.empty()) problem("nothing happens in this scenario");
    if (!problems_.empty()) return tl::unexpected(std::move(problems_));
    return std::move(scenario_);
}

void ScenarioParser::read_line(std::string_view line) {
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    if (trace_ && indented) {
        const std::string text = trimmed(line);
        if (!text.empty() && !text.starts_with('#')) trace_->expected.push_back(text);
        return;
    }
    const auto words = words_of(line);
    if (words.empty()) return;
    finish_trace();
    read_command(commands(), words);
}

void ScenarioParser::read_command(std::span<const Command> table, Words words) {
    const auto command = std::ranges::find(table, words[0], &Command::name);
    if (command == table.end()) {
        problem(fmt::format("no such command: {}", words[0]));
    } else if (words.size() - 1 < command->least || words.size() - 1 > command->most) {
        problem(fmt::format("usage: {}", command->usage));
    } else {
        (this->*command->read)(words.subspan(1));
    }
}

// --- settings and declarations ---

void ScenarioParser::read_title(Words words) {
    scenario_.title_ = fmt::format("{}", fmt::join(words, " "));
}

void ScenarioParser::read_set(Words words) {
    WorldSettings& settings = scenario_.settings_;
    const std::string& name = words[0];
    if (!nodes_.empty()) return problem("settings come before the first node");
    if (name == "bus") {
        if (words[1] != "local" && words[1] != "corosync") return problem("a bus is local or corosync");
        settings.bus = words[1] == "local" ? state::Bus::local : state::Bus::corosync;
        return;
    }
    if (name == "seed") {
        if (const auto seed = count_of(words[1])) settings.seed = *seed;
        return;
    }
    const std::map<std::string_view, Duration*> durations = {
        {"delay", &settings.times.delay},
        {"jitter", &settings.times.jitter},
        {"detection", &settings.times.detection},
        {"merge", &settings.times.merge},
        {"restart_hold", &settings.policy.restart_hold},
        {"silent_hold", &settings.policy.silent_hold},
        {"forget_after", &settings.policy.forget_after},
    };
    const auto setting = durations.find(name);
    const auto value = parse_duration(words[1]);
    if (setting == durations.end()) return problem(fmt::format("no such setting: {}", name));
    if (!value || *value < Duration::zero()) return problem(fmt::format("not a duration: {}", words[1]));
    *setting->second = *value;
}

void ScenarioParser::read_node(Words words) {
    const auto eid = state::parse_eid(words[1]);
    if (!eid || eid->is_zero()) return problem(fmt::format("not an EID: {}", words[1]));
    if (words.size() == 3 && words[2] != "pbx")
        return problem(fmt::format("pbx or nothing, not {}", words[2]));
    if (nodes_.size() >= most_nodes) return problem("too many nodes");
    if (!nodes_.emplace(words[0], *eid).second) return problem(fmt::format("{} is there already", words[0]));
    const auto speaks =
        words.size() == 3 ? state::Announcement::Speaks::for_pbx : state::Announcement::Speaks::for_itself;
    scenario_.nodes_.push_back(
        [name = words[0], eid = *eid, speaks](World& world) { world.add_node(name, eid, speaks); });
}

void ScenarioParser::read_hint(Words words) {
    state::HintDefinition hint;
    if (!known_node(words[0]) || !split_extension(words[1], hint.extension, hint.context)) return;
    hint.text = words[2];
    hint.devices = split(words[2], '&');
    scenario_.nodes_.push_back([node = words[0], hint](World& world) { world.add_hint(node, hint); });
}

// --- what happens ---

template <void (World::*Act)(std::string_view)>
void ScenarioParser::read_for_nodes(Words words) {
    for (const std::string& node : words) {
        if (!known_node(node)) continue;
        step([node](World& world) {
            (world.*Act)(node);
            return std::string();
        });
    }
}

void ScenarioParser::read_vote(Words words) {
    const auto value = state_of(words[2]);
    if (!known_node(words[0]) || !value) return;
    step([node = words[0], device = words[1], value = *value](World& world) {
        world.vote(node, device, value);
        return std::string();
    });
}

void ScenarioParser::read_withdraw(Words words) {
    if (!known_node(words[0])) return;
    step([node = words[0], device = words[1]](World& world) {
        world.withdraw(node, device);
        return std::string();
    });
}

void ScenarioParser::read_link(Words words) {
    if (!known_node(words[0])) return;
    if (words[1] != "up" && words[1] != "down") return problem("a link is up or down");
    const auto link = words[1] == "up" ? wire::vote::Link::up : wire::vote::Link::down;
    step([node = words[0], link](World& world) {
        world.set_pbx_link(node, link);
        return std::string();
    });
}

void ScenarioParser::read_clock(Words words) {
    const auto offset = parse_duration(words[1]);
    if (!known_node(words[0])) return;
    if (!offset) return problem(fmt::format("not a duration: {}", words[1]));
    step([node = words[0], offset = *offset](World& world) {
        world.set_clock(node, offset);
        return std::string();
    });
}

void ScenarioParser::read_partition(Words words) {
    std::vector<std::vector<std::string>> groups(1);
    for (const std::string& word : words) {
        if (word == "|") {
            groups.emplace_back();
        } else if (known_node(word)) {
            groups.back().push_back(word);
        }
    }
    step([groups](World& world) {
        world.partition(groups);
        return std::string();
    });
}

void ScenarioParser::read_heal(Words) {
    step([](World& world) {
        world.heal();
        return std::string();
    });
}

void ScenarioParser::read_replay(Words words) {
    if (!known_node(words[0]) || !known_node(words[1])) return;
    step([from = words[0], to = words[1]](World& world) {
        world.replay_votes(from, to);
        return std::string();
    });
}

void ScenarioParser::read_burst(Words words) {
    const auto count = count_of(words[2]);
    const auto last = state_of(words[3]);
    if (!known_node(words[0]) || !count || !last) return;
    step([node = words[0], device = words[1], count = *count, last = *last](World& world) {
        for (std::uint32_t i = 0; i + 1 < count; ++i) {
            world.vote(node, device,
                       i % 2 == 0 ? state::DeviceState::ringing : state::DeviceState::not_inuse);
        }
        world.vote(node, device, last);
        return std::string();
    });
}

void ScenarioParser::read_flood(Words words) {
    const auto count = count_of(words[1]);
    const auto value = state_of(words[2]);
    if (!known_node(words[0]) || !count || !value) return;
    step([node = words[0], count = *count, value = *value](World& world) {
        for (std::uint32_t i = 1; i <= count; ++i)
            world.vote(node, fmt::format("Custom:flood{}", i), value);
        return std::string();
    });
}

void ScenarioParser::read_wait(Words words) {
    const auto duration = parse_duration(words[0]);
    if (!duration || *duration < Duration::zero())
        return problem(fmt::format("not a duration: {}", words[0]));
    step([duration = *duration](World& world) {
        world.run_for(duration);
        return std::string();
    });
}

void ScenarioParser::read_mark(Words) {
    step([](World& world) {
        world.trace().clear();
        return std::string();
    });
}

// --- what must be seen ---

void ScenarioParser::read_expect(Words words) {
    read_command(expectations(), words);
}

void ScenarioParser::expect_aggregate(Words words) {
    const auto expected = state_of(words[2]);
    if (!known_node(words[0]) || !expected) return;
    step([node = words[0], device = words[1], expected = *expected](World& world) {
        const Daemon* daemon = running(world, node);
        if (!daemon) return not_running(node);
        const auto seen = daemon->aggregate(device);
        if (seen == expected) return std::string();
        return seen_otherwise(fmt::format("{} on {}", device, node), config_text(expected),
                              config_text(seen));
    });
}

void ScenarioParser::expect_vote(Words words) {
    if (!known_node(words[0]) || !known_node(words[2])) return;
    if (words[3] != "none" && !state_of(words[3])) return;
    for (const std::string& mark : words.subspan(4)) {
        if (mark != "stale" && mark != "not-counting") return problem(fmt::format("no such mark: {}", mark));
    }
    const std::string expected = fmt::format("{}", fmt::join(words.subspan(3), " "));
    step([node = words[0], device = words[1], eid = nodes_[words[2]], voter = words[2],
          expected](World& world) {
        const Daemon* daemon = running(world, node);
        if (!daemon) return not_running(node);
        const auto id = daemon->engine().find_device(device);
        const auto from = daemon->engine().find_node(eid);
        const std::string seen =
            id && from ? described(daemon->engine().vote(*id, *from)) : described(std::nullopt);
        if (seen == expected) return std::string();
        return seen_otherwise(fmt::format("{}'s vote for {} on {}", voter, device, node), expected, seen);
    });
}

void ScenarioParser::expect_node(Words words) {
    if (!known_node(words[0]) || !known_node(words[1])) return;
    if (!is_standing(words[2])) return problem(fmt::format("no such standing: {}", words[2]));
    step([node = words[0], eid = nodes_[words[1]], other = words[1], expected = words[2]](World& world) {
        const Daemon* daemon = running(world, node);
        if (!daemon) return not_running(node);
        const auto id = daemon->engine().find_node(eid);
        const auto seen = to_string(id ? daemon->engine().node(*id).standing : state::Standing::unheard);
        return seen == expected ? std::string()
                                : seen_otherwise(fmt::format("{} on {}", other, node), expected, seen);
    });
}

void ScenarioParser::expect_hint(Words words) {
    std::string extension;
    std::string context;
    if (!known_node(words[0]) || !split_extension(words[1], extension, context)) return;
    step([node = words[0], extension, context, expected = words[2]](World& world) {
        Daemon* daemon = world.daemon(node);
        if (!daemon) return not_running(node);
        const auto found = daemon->extension_state(extension, context);
        const auto seen = found ? status_text(*found) : "none";
        if (seen == expected) return std::string();
        return seen_otherwise(fmt::format("{}@{} on {}", extension, context, node), expected, seen);
    });
}

void ScenarioParser::expect_outcome(Words words) {
    const auto outcome = outcome_of(words[1]);
    if (!known_node(words[0])) return;
    if (!outcome) return problem(fmt::format("no such outcome: {}", words[1]));
    if (words[2] != "none" && words[2] != "some") return problem("none or some");
    step([node = words[0], outcome = *outcome, expected = words[2]](World& world) {
        const Daemon* daemon = running(world, node);
        if (!daemon) return not_running(node);
        const auto count = daemon->engine().counters().votes[static_cast<std::size_t>(outcome)];
        if ((count != 0) == (expected == "some")) return std::string();
        return seen_otherwise(fmt::format("votes {} on {}", to_string(outcome), node), expected,
                              std::to_string(count));
    });
}

void ScenarioParser::expect_agree(Words words) {
    if (words[0] != "votes" && words[0] != "aggregates") return problem("votes or aggregates");
    const auto agreement = words[0] == "votes" ? Agreement::connected_votes : Agreement::aggregates;
    step([agreement](World& world) {
        const auto found = world.differences(agreement);
        return found.empty() ? std::string() : fmt::format("nodes disagree:\n  {}", fmt::join(found, "\n  "));
    });
}

/// Its lines follow; finish_trace() makes the step.
void ScenarioParser::expect_trace(Words words) {
    if (!known_node(words[0])) return;
    trace_ = PendingTrace{line_, words[0], words.size() > 1 ? words[1] : std::string(), {}};
}

void ScenarioParser::finish_trace() {
    if (!trace_) return;
    scenario_.steps_.push_back({trace_->line, [wanted = *trace_](World& world) {
                                    std::vector<std::string> seen;
                                    for (const TraceLine& line : world.trace().lines()) {
                                        const bool mine = line.node == wanted.node;
                                        if (mine && line.text.starts_with(wanted.filter))
                                            seen.push_back(line.text);
                                    }
                                    if (seen == wanted.expected) return std::string();
                                    return fmt::format("trace of {}:{}", wanted.node,
                                                       difference(wanted.expected, seen));
                                }});
    trace_.reset();
}

// --- words ---

bool ScenarioParser::known_node(const std::string& name) {
    if (nodes_.contains(name)) return true;
    problem(fmt::format("no such node: {}", name));
    return false;
}

std::optional<state::DeviceState> ScenarioParser::state_of(const std::string& text) {
    const auto value = state::parse_device_state(text);
    if (!value) problem(fmt::format("no such state: {}", text));
    return value;
}

std::optional<std::uint32_t> ScenarioParser::count_of(const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && number > 0 && number <= most_at_once) {
        return number;
    }
    problem(fmt::format("not a number from 1 to {}: {}", most_at_once, text));
    return std::nullopt;
}

bool ScenarioParser::split_extension(const std::string& text, std::string& extension, std::string& context) {
    const auto at = text.find('@');
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
        problem(fmt::format("not EXTENSION@CONTEXT: {}", text));
        return false;
    }
    extension = text.substr(0, at);
    context = text.substr(at + 1);
    return true;
}

}  // namespace lamplight::sim
