#include "bus/corosync/question.hpp"

#include <utility>

namespace lamplight::bus::corosync {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 3s;  ///< a stopped Corosync answers nobody

}  // namespace

Question::Question(boost::asio::io_context& loop, console::Responder responder)
    : responder_(std::move(responder)), timer_(loop) {}

void Question::wait(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->answer(console::Reply::failed("Corosync does not answer; see bus show.\n"));
    });
}

void Question::answer(console::Reply reply) {
    timer_.cancel();
    if (responder_) std::exchange(responder_, nullptr)(std::move(reply));
}

Questions::~Questions() {
    for (const auto& weak : open_)
        if (const auto question = weak.lock())
            question->answer(console::Reply::failed("The module is being unloaded.\n"));
}

bool Questions::ask(console::Responder responder) {
    std::erase_if(open_, [](const auto& weak) {
        const auto question = weak.lock();
        return !question || question->answered();
    });
    const auto question = std::make_shared<Question>(loop_, std::move(responder));
    open_.push_back(question);
    question->wait(patience);
    return !std::exchange(on_its_way_, true);
}

void Questions::answer_all(const console::Reply& reply) {
    on_its_way_ = false;
    for (const auto& weak : std::exchange(open_, {}))
        if (const auto question = weak.lock()) question->answer(reply);
}

}  // namespace lamplight::bus::corosync
