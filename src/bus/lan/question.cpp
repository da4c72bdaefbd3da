#include "bus/lan/question.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

namespace lamplight::bus::lan {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 3s;  ///< a stopped Corosync answers nobody

}  // namespace

/// Answered once: by answer(), or when `patience` is over.
class Question : public std::enable_shared_from_this<Question> {
public:
    Question(boost::asio::io_context& loop, console::Responder responder)
        : responder_(std::move(responder)), timer_(loop) {}

    void wait() {
        timer_.expires_after(patience);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error) self->answer(console::Reply::failed("Corosync does not answer; see bus show.\n"));
        });
    }
    void answer(console::Reply reply) {
        timer_.cancel();
        if (responder_) std::exchange(responder_, nullptr)(std::move(reply));
    }
    bool answered() const { return !responder_; }

private:
    console::Responder responder_;
    boost::asio::steady_timer timer_;
};

Questions::Questions(boost::asio::io_context& loop, ring::Worker& worker)
    : loop_(loop), worker_(worker), alive_(std::make_shared<Questions*>(this)) {}

Questions::~Questions() {
    alive_.reset();
    for (const auto& weak : open_)
        if (const auto question = weak.lock())
            question->answer(console::Reply::failed("The module is being unloaded.\n"));
}

void Questions::ask_occupants(console::Responder responder, Words words) {
    if (!join_the_queue(std::move(responder))) return;
    words_ = std::move(words);
    ring::list_occupants(worker_, [alive = std::weak_ptr(alive_)](const ring::Occupants& occupants) {
        if (const auto questions = alive.lock()) (*questions)->on_answer(occupants);
    });
}

/// Whether Corosync is to be asked now: else an answer is on its way already, for all who ask.
bool Questions::join_the_queue(console::Responder responder) {
    std::erase_if(open_, [](const auto& weak) {
        const auto question = weak.lock();
        return !question || question->answered();
    });
    const auto question = std::make_shared<Question>(loop_, std::move(responder));
    open_.push_back(question);
    question->wait();
    return !words_;
}

void Questions::on_answer(const ring::Occupants& occupants) {
    const console::Reply reply = std::exchange(words_, nullptr)(occupants);
    for (const auto& weak : std::exchange(open_, {}))
        if (const auto question = weak.lock()) question->answer(reply);
}

}  // namespace lamplight::bus::lan
