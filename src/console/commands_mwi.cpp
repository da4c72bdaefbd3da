// mwi show [like X], mwi update, mwi delete
#include "console/commands.hpp"
#include "console/escaped.hpp"
#include "console/mailbox.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;
using state::Mailbox;
using state::MwiTable;
using state::MwiVoteView;
using Args = std::vector<std::string>;

/// In one answer: what is more is counted, not printed, so that no answer holds the loop up for long.
constexpr std::size_t most_mailboxes = 10'000;
constexpr std::size_t most_lines = 50'000;

constexpr std::string_view show_usage =
    "Usage: mwi show [like <text>]\n"
    "       Shows each mailbox's message counts, and below it those of each server. The newest of the\n"
    "       counts that count is the mailbox's; there is no sum, for servers that share a voice mail\n"
    "       store say the same number twice.\n";
constexpr std::string_view update_usage =
    "Usage: mwi update <mailbox>[@<context>] <new> <old>\n"
    "       Sets this server's message counts of a mailbox, as the manager action MWIUpdate does.\n"
    "       Without a context it is 'default'. The counts are not stored on disk: they are gone when\n"
    "       this daemon ends.\n";
constexpr std::string_view delete_usage =
    "Usage: mwi delete <mailbox>[@<context>]\n"
    "       Takes this server's message counts of a mailbox back, as the manager action MWIDelete does.\n";

bool says_something(const MwiTable& table, const Mailbox& mailbox) {
    bool something = false;
    table.for_each_vote(mailbox, [&](const MwiVoteView& vote) { something = something || !vote.withdrawn; });
    return something;
}

class Table {
public:
    Table(const Context& context, bool json)
        : engine_(context.engine), control_(context.control), json_(json), now_(control_.now()) {}

    void consider(const Mailbox& mailbox) {
        ++total_;
        if (shown_ >= most_mailboxes || lines_ >= most_lines) return;
        ++shown_;
        const auto newest = control_.mwi().newest(mailbox);
        if (!json_) add_line(cell(to_string(mailbox), 28), newest ? &newest->counts : nullptr, {}, {});
        array votes;
        control_.mwi().for_each_vote(mailbox, [&](const MwiVoteView& vote) {
            if (!vote.withdrawn) add(vote, newest && newest->node == vote.node, votes);
        });
        if (json_) mailboxes_.push_back(as_json(mailbox, newest, std::move(votes)));
    }

    Reply reply() {
        std::string text = "Mailbox / server                  New        Old Since     Age     Marks\n";
        text += text_;
        text += fmt::format("{} mailbox{}\n", total_, total_ == 1 ? "" : "es");
        if (shown_ < total_)
            text += fmt::format(
                "Only the first {} are shown: narrow them down with 'mwi show like <text>'.\n", shown_);
        return shown(std::move(text), object{{"mailboxes", std::move(mailboxes_)}, {"total", total_}});
    }

private:
    object as_json(const Mailbox& mailbox, const std::optional<MwiVoteView>& newest, array votes) const {
        object json{{"mailbox", mailbox.name}, {"context", mailbox.context}};
        if (newest) {
            json["new"] = newest->counts.new_messages;
            json["old"] = newest->counts.old_messages;
            json["newest"] = name_of(engine_.node(newest->node));
        }
        json["votes"] = std::move(votes);
        return json;
    }

    void add(const MwiVoteView& vote, bool newest, array& votes) {
        const auto node = engine_.node(vote.node);
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now_ - vote.since);
        const auto since = control_.wall(vote.since);
        ++lines_;
        if (json_) {
            votes.push_back(object{{"node", name_of(node)},
                                   {"eid", to_string(node.eid)},
                                   {"new", vote.counts.new_messages},
                                   {"old", vote.counts.old_messages},
                                   {"since", json_time(since)},
                                   {"age_seconds", age.count()},
                                   {"own", node.own},
                                   {"counts", vote.counts_now},
                                   {"newest", newest}});
            return;
        }
        std::vector<std::string_view> marks;
        if (node.own) marks.push_back("own");
        if (newest) marks.push_back("newest");
        if (!vote.counts_now) marks.push_back("not counting");
        add_line(
            "  " + cell(name_of(node), 26), &vote.counts,
            fmt::format("{} {}", cell(clock_text(since, control_.wall(now_)), 9), cell(age_text(age), 7)),
            fmt::format("{}", fmt::join(marks, ", ")));
    }

    void add_line(std::string_view who, const state::MessageCounts* counts, std::string_view since,
                  std::string_view marks) {
        const auto number = [&](std::uint32_t count) { return counts ? fmt::format("{}", count) : "-"; };
        auto line = fmt::format("{} {:>8} {:>10} {} {}", who, number(counts ? counts->new_messages : 0),
                                number(counts ? counts->old_messages : 0), since, marks);
        line.erase(line.find_last_not_of(' ') + 1);
        text_ += line + '\n';
    }

    const state::Engine& engine_;
    const DaemonControl& control_;
    bool json_;
    state::Time now_;
    std::string text_;
    array mailboxes_;
    std::size_t total_ = 0;
    std::size_t shown_ = 0;
    std::size_t lines_ = 0;
};

Reply show(const Context& context, const Request& request) {
    const bool filtered = request.args.size() == 2 && request.args[0] == "like";
    if (!request.args.empty() && !filtered) return wrong_usage(show_usage);
    const MwiTable& mwi = context.control.mwi();
    Table table(context, request.json);
    mwi.for_each([&](const Mailbox& mailbox) {
        if (filtered && !contains_text(to_string(mailbox), request.args[1])) return;
        if (says_something(mwi, mailbox)) table.consider(mailbox);
    });
    return table.reply();
}

/// What a person must know whose counts are not, or no longer, those of the mailbox.
std::string others_line(const Context& context, const Mailbox& mailbox) {
    const auto newest = context.control.mwi().newest(mailbox);
    if (!newest) return {};
    const auto node = context.engine.node(newest->node);
    if (node.own) return {};
    return fmt::format(
        "It has {}: {} says so since {}\n", to_string(newest->counts), escaped(name_of(node)),
        clock_text(context.control.wall(newest->since), context.control.wall(context.control.now())));
}

Reply update(const Context& context, const Request& request) {
    if (request.args.size() != 3) return wrong_usage(update_usage);
    const auto mailbox = parse_mailbox(request.args[0]);
    if (!mailbox) return Reply::failed(mailbox.error() + '\n');
    const auto fresh = parse_messages(request.args[1]);
    if (!fresh) return Reply::failed(fresh.error() + '\n');
    const auto old = parse_messages(request.args[2]);
    if (!old) return Reply::failed(old.error() + '\n');
    const state::MessageCounts counts{*fresh, *old};
    const std::string name = to_string(*mailbox);
    context.log.notice("{} set the message counts of {} to {}", name_of(request.asker), name,
                       to_string(counts));
    if (auto updated = context.control.update_mwi(*mailbox, counts, request.asker); !updated)
        return Reply::failed(fmt::format("{} was not updated: {}\n", name, updated.error()));
    return Reply::ok(
        fmt::format("Updated {}: {}\n{}", name, to_string(counts), others_line(context, *mailbox)));
}

Reply remove(const Context& context, const Request& request) {
    if (request.args.size() != 1) return wrong_usage(delete_usage);
    const auto mailbox = parse_mailbox(request.args[0]);
    if (!mailbox) return Reply::failed(mailbox.error() + '\n');
    const std::string name = to_string(*mailbox);
    context.log.notice("{} asked: mwi delete {}", name_of(request.asker), name);
    if (auto deleted = context.control.delete_mwi(*mailbox, request.asker); !deleted)
        return Reply::failed(fmt::format("{} was not deleted: {}\n", name, deleted.error()));
    return Reply::ok(fmt::format("Deleted {}\n{}", name, others_line(context, *mailbox)));
}

// --- completion ---

enum class Whose : std::uint8_t { everybody, own };

Args mailboxes(const Context& context, Whose whose, std::string_view begun) {
    constexpr std::size_t most = 200;
    const MwiTable& mwi = context.control.mwi();
    Args offers;
    mwi.for_each([&](const Mailbox& mailbox) {
        if (offers.size() >= most) return;
        auto name = to_string(mailbox);
        if (!name.starts_with(begun) || !is_printable(name)) return;
        bool fits = false;
        mwi.for_each_vote(mailbox, [&](const MwiVoteView& vote) {
            fits = fits ||
                   (!vote.withdrawn && (whose == Whose::everybody || context.engine.node(vote.node).own));
        });
        if (fits) offers.push_back(std::move(name));
    });
    return offers;
}

Args complete_show(const Context& context, const Args& args, std::string_view begun) {
    if (args.empty()) return {"like"};
    if (args.size() != 1 || args[0] != "like") return {};
    return mailboxes(context, Whose::everybody, begun);
}

}  // namespace

std::vector<Command> mwi_commands(const Context& context) {
    return {
        {"mwi show",
         {"show mwi"},
         "Show mailboxes and each server's message counts",
         std::string(show_usage),
         [context](const Request& request, const Responder& responder) { responder(show(context, request)); },
         [context](const Args& args, std::string_view begun) { return complete_show(context, args, begun); }},
        {"mwi update",
         {},
         "Set this server's message counts of a mailbox",
         std::string(update_usage),
         [context](const Request& request, const Responder& responder) {
             responder(update(context, request));
         },
         [context](const Args& args, std::string_view begun) {
             return args.empty() ? mailboxes(context, Whose::everybody, begun) : Args{};
         }},
        {"mwi delete",
         {},
         "Take this server's message counts of a mailbox back",
         std::string(delete_usage),
         [context](const Request& request, const Responder& responder) {
             responder(remove(context, request));
         },
         [context](const Args& args, std::string_view begun) {
             return args.empty() ? mailboxes(context, Whose::own, begun) : Args{};
         }},
    };
}

}  // namespace lamplight::console
