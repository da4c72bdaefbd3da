#include "conf/comments.hpp"

namespace lamplight::conf {

namespace {

bool begins_block(std::string_view line, std::size_t at) {
    return line.substr(at, 3) == ";--" && line.substr(at + 3, 1) != "-";
}

/// `from` is where the last mark ended: its dashes are not used twice, so `;--;` only begins a block.
bool ends_block(std::string_view line, std::size_t at, std::size_t from) {
    return at >= from + 2 && line[at - 1] == '-' && line[at - 2] == '-';
}

}  // namespace

std::string CommentStripper::strip(std::string_view line) {
    ++line_;
    std::string kept;
    std::size_t from = 0;
    while (true) {
        const std::size_t at = line.find(';', from);
        const bool in_block = !begun_.empty();
        if (!in_block) kept += line.substr(from, at == line.npos ? line.npos : at - from);
        if (at == line.npos) return kept;

        std::size_t next = at + 1;
        if (at > from && line[at - 1] == '\\') {
            if (!in_block) kept.back() = ';';
        } else if (begins_block(line, at)) {
            next = at + 3;
            if (begun_.size() < deepest_block) begun_.push_back(line_);
        } else if (in_block) {
            if (ends_block(line, at, from)) begun_.pop_back();
        } else {
            return kept;
        }
        from = next;
    }
}

}  // namespace lamplight::conf
