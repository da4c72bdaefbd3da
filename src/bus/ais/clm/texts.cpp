// What operators of OpenAIS and of Asterisk knew, letter by letter.
#include "bus/ais/clm/membership.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais::clm {

namespace {

// A date, the program, and the subsystem in six places stood before every line of aisexec's.
constexpr std::string_view clm_mark = "[CLM   ] ";
constexpr std::string_view totem_mark = "[TOTEM ] ";
constexpr std::string_view main_mark = "[MAIN  ] ";

/// The address of its link 0 as totem printed interfaces; the blank at the end is totem's.
std::string member_line(NodeId id, const Membership& membership) {
    const std::string address = membership.known_node(id).address;
    if (address.empty()) return fmt::format("{}\tno interface found for nodeid {}", clm_mark, id);
    return fmt::format("{}\tr(0) ip({}) ", clm_mark, address);
}

class ChangeText {
public:
    explicit ChangeText(const Membership& membership) : membership_(membership) {}

    void add_block(const std::vector<NodeId>& members, const std::vector<NodeId>& left,
                   const std::vector<NodeId>& joined) {
        add(clm_mark, "CLM CONFIGURATION CHANGE");
        add_list("New Configuration:", members);
        add_list("Members Left:", left);
        add_list("Members Joined:", joined);
    }

    void add(std::string_view mark, std::string_view text) {
        lines_.push_back(fmt::format("{}{}", mark, text));
    }

    std::vector<std::string> take() { return std::move(lines_); }

private:
    void add_list(std::string_view title, const std::vector<NodeId>& nodes) {
        add(clm_mark, title);
        for (const NodeId node : nodes)
            lines_.push_back(member_line(node, membership_));
    }

    const Membership& membership_;
    std::vector<std::string> lines_;
};

constexpr std::string_view double_rule = "=============================================================\n";
constexpr std::string_view rule = "=== ---------------------------------------------------------\n";

std::string member_block(const Node& node) {
    return fmt::format(
        "{0}=== Node Name: {1}\n=== ==> ID: 0x{2:x}\n=== ==> Address: {3}\n=== ==> Member: {4}\n{0}===\n",
        rule, node.name, shown_id(node.id, node.address), node.address, node.member ? "Yes" : "No");
}

}  // namespace

std::uint32_t shown_id(NodeId id, std::string_view address) {
    in_addr parsed{};
    if (::inet_pton(AF_INET, std::string(address).c_str(), &parsed) != 1) return id;
    return ntohl(parsed.s_addr) == id ? __builtin_bswap32(id) : id;
}

std::vector<std::string> aisexec_lines(const Transition& transition, const Membership& membership) {
    std::vector<NodeId> stayed;
    for (const NodeId id : transition.before)
        if (!std::ranges::binary_search(transition.left, id)) stayed.push_back(id);
    ChangeText text(membership);
    text.add_block(stayed, transition.left, {});
    text.add_block(transition.members, {}, transition.joined);
    text.add(totem_mark, "A processor joined or left the membership and a new membership was formed.");
    text.add(main_mark, "Completed service synchronization, ready to provide service.");
    return text.take();
}

std::string members_text(std::span<const Node> members) {
    std::string text = fmt::format(
        "\n{0}=== Cluster Members =========================================\n{0}===\n", double_rule);
    for (const Node& node : members)
        text += member_block(node);
    return text + fmt::format("{}\n", double_rule);
}

}  // namespace lamplight::bus::ais::clm
