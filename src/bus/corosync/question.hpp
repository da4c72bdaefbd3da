#pragma once

#include "console/registry.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace lamplight::bus::corosync {

/// A console's question that Corosync is to answer. Answered once: by answer(), or when `patience` is over.
class Question : public std::enable_shared_from_this<Question> {
public:
    Question(boost::asio::io_context& loop, console::Responder responder);

    void wait(std::chrono::milliseconds patience);
    void answer(console::Reply reply);
    bool answered() const { return !responder_; }

private:
    console::Responder responder_;
    boost::asio::steady_timer timer_;
};

/// Those that are open; answers them when it goes.
class Questions {
public:
    explicit Questions(boost::asio::io_context& loop) : loop_(loop) {}
    ~Questions();
    Questions(const Questions&) = delete;
    Questions& operator=(const Questions&) = delete;

    /// Whether Corosync is to be asked now: else an answer is on its way already, for all who ask.
    bool ask(console::Responder responder);
    void answer_all(const console::Reply& reply);

private:
    bool on_its_way_ = false;
    boost::asio::io_context& loop_;
    std::vector<std::weak_ptr<Question>> open_;
};

}  // namespace lamplight::bus::corosync
