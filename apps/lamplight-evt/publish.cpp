#include "publish.hpp"

#include "console/texts.hpp"
#include "wire/evt/frame.hpp"

#include <fmt/format.h>

#include <utility>

namespace lamplight::evt_app {

namespace evt = bus::ais::evt;

namespace {

constexpr evt::OpenFlags flags{evt::OpenFlags::publisher | evt::OpenFlags::create};

}  // namespace

Publish::Publish(Session& session, const PublishOptions& options)
    : ChannelCommand(session, options.channel, flags), options_(options) {
    attributes_.patterns = options_.patterns;
    attributes_.priority = options_.priority;
    attributes_.retention = options_.retention;
    if (options_.source != PublishOptions::Source::lines) kept_ = options_.data;
}

void Publish::on_open() {
    attributes_.publisher =
        options_.publisher.value_or(session().membership().known_node(session().membership().self()).name);
    if (options_.source == PublishOptions::Source::lines)
        input_.emplace(session().loop(), wire::evt::max_data_bytes, [this] { go_on(); });
    go_on();
}

void Publish::go_on() {
    if (!is_open() || session().is_ending()) return;
    bool more = false;
    while (session().output().has_room() && publish_next())
        more = true;
    if (session().is_ending()) return;
    if (more) session().group().settle_soon();
    print_returned();
    if (is_all_published() && under_way_.empty() && session().service().waiting() == 0) finish();
}

bool Publish::publish_next() {
    auto data = next_data();
    if (!data) return false;
    const auto id =
        session().service().publish(handle(), attributes_, wire::bytes_of(*data), session().group().moment());
    if (id) {
        under_way_.push_back(*id);
        ++published_;
        return true;
    }
    if (id.error() == Error::try_again)
        kept_ = std::move(data);
    else
        fail(id.error(), input_ ? fmt::format(", line {}", published_ + 1) : "");
    return false;
}

std::optional<std::string> Publish::next_data() {
    if (kept_) return std::exchange(kept_, std::nullopt);
    return input_ ? input_->next() : std::nullopt;
}

bool Publish::is_all_published() {
    return !kept_ && (!input_ || input_->at_end());
}

/// What waits in the service is in order, so all but the last so many have come back.
void Publish::print_returned() {
    std::string ids;
    for (; under_way_.size() > session().service().waiting(); under_way_.pop_front())
        ids += to_string(under_way_.front()) + "\n";
    if (!ids.empty()) session().output().write(ids);
}

void Publish::finish() {
    if (input_ && !input_->trouble().empty())
        return session().fail(fmt::format("standard input: {}", input_->trouble()));
    if (options_.retention > 0 && session().service().members().size() <= 1)
        Session::say(
            "nobody else is in the group saEvt: what is retained is gone with this program. A lamplightd "
            "with an "
            "ais.conf, or a subscriber that runs, keeps it");
    session().end(0);
}

std::string Publish::unfinished() const {
    if (published_ == 0) return {};
    return fmt::format("{} of {} did not come back", under_way_.size(),
                       console::counted(published_, "event"));
}

}  // namespace lamplight::evt_app
