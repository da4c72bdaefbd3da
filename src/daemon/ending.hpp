#pragma once

#include "bus/module.hpp"
#include "console/daemon_control.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>

namespace lamplight::daemon {

/// What the process does once it has said goodbye.
enum class After : std::uint8_t {
    exit,
    start_again,  ///< the same program with the same arguments
};

struct End {
    bus::Goodbye goodbye = bus::Goodbye::stop;
    After after = After::exit;
    console::When when = console::When::now;
};

/// The way out: wait if asked to, say goodbye on every bus, let the loop end.
///
/// | step     | until                                             | at most |
/// |----------|---------------------------------------------------|---------|
/// | graceful | every own vote is sent, every custom state stored | 10 s    |
/// | goodbye  | every bus has said it                             | 3 s     |
///
/// A second call while the first is under way only hurries it: what was graceful becomes now.
class Ending {
public:
    /// What the steps need to know and do.
    struct Steps {
        std::function<bool()> is_quiet;  ///< nothing waits to be sent, stored or answered
        std::function<void(bus::Goodbye, std::function<void()>)> say_goodbye;
        std::function<void(After)> finish;  ///< called once, last
    };
    static constexpr std::chrono::seconds longest_wait{10};

    Ending(boost::asio::io_context& loop, Steps steps);

    void begin(const End& end);
    bool begun() const { return step_ != Step::running; }

private:
    enum class Step : std::uint8_t { running, waiting, leaving };
    void wait();
    void leave();

    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point deadline_;
    Steps steps_;
    Step step_ = Step::running;
    End end_;
};

}  // namespace lamplight::daemon
