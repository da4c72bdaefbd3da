#pragma once

#include "console/registry.hpp"
#include "ring/inquiry.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace lamplight::bus::lan {

class Question;

/// A command's questions that Corosync is to answer: who is in the groups of the ring. All that wait get the
/// answer of one; each within 3 s, or it is told that Corosync does not answer. Those that are open when it
/// goes are answered then.
///
/// The worker outlives a module that is unloaded, and with it what was asked: it is left with code of this
/// library only.
class Questions {
public:
    using Words = std::function<console::Reply(const ring::Occupants&)>;

    Questions(boost::asio::io_context& loop, ring::Worker& worker);
    ~Questions();
    Questions(const Questions&) = delete;
    Questions& operator=(const Questions&) = delete;

    /// `words` puts the answer into words; that of the first asker is for all who wait with him.
    void ask_occupants(console::Responder responder, Words words);

private:
    bool join_the_queue(console::Responder responder);
    void on_answer(const ring::Occupants& occupants);

    boost::asio::io_context& loop_;
    ring::Worker& worker_;
    Words words_;  ///< of the question that is on its way
    std::vector<std::weak_ptr<Question>> open_;
    /// Answers hold it weakly: gone means that nobody asks any more.
    std::shared_ptr<Questions*> alive_;
};

}  // namespace lamplight::bus::lan
