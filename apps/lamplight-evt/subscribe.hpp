#pragma once

#include "channel.hpp"

#include <boost/asio/steady_timer.hpp>

namespace lamplight::evt_app {

/// `subscribe`: prints each event of a channel. What is not printed yet waits in the client's queue, which is
/// bounded: what it has no room for is lost, and said.
class Subscribe : public ChannelCommand {
public:
    Subscribe(Session& session, const SubscribeOptions& options);

    void on_output(bus::ais::evt::Output& out) override;
    void on_room() override { print(); }
    WhenLost when_lost() const override { return WhenLost::wait; }
    int on_signal() override { return status(); }

private:
    void on_open() override;
    void print();
    void print(const bus::ais::evt::Delivery& delivery);
    void on_timeout();
    int status() const { return printed_ >= options_.count ? 0 : 1; }

    SubscribeOptions options_;
    boost::asio::steady_timer timer_;
    std::uint64_t printed_ = 0;
};

}  // namespace lamplight::evt_app
