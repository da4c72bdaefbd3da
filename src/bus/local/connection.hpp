#pragma once

#include "bus/local/file_descriptor.hpp"
#include "bus/sync/exchange.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamplight::bus::local {

/// One socket to one peer: frames in, frames out, the end. What to send it asks its owner for when the socket
/// has room, so it holds one frame at most. Kept alive by what it waits for; silent after close().
class Connection : public std::enable_shared_from_this<Connection> {
public:
    struct Owner {
        /// A frame came. May close the connection.
        std::function<void(wire::Bytes)> on_frame;
        /// Frames of one turn are through: publish what came of them.
        std::function<void()> on_turn_end;
        /// Writes the next frame to send; 0 bytes: none.
        std::function<sync::Taken(wire::MutableBytes)> take;
        /// Whether take() wants to be called again although it gave nothing.
        std::function<bool()> wants_to_send;
        std::function<void(sync::FrameId)> on_sent;
        /// The peer closed, or died. Not called after close().
        std::function<void(std::string why)> on_end;
    };

    Connection(boost::asio::io_context& loop, FileDescriptor socket, Owner owner);

    void start();
    /// There may be something to send.
    void send();
    void close();
    bool open() const { return !closed_; }

private:
    void wait_to_read();
    void wait_to_write();
    void write_later();
    void read();
    void write();
    enum class Sent : std::uint8_t { yes, no_room, peer_gone, failed };
    Sent write_frame();
    void end(std::string why);

    boost::asio::io_context& loop_;
    boost::asio::posix::stream_descriptor socket_;
    Owner owner_;
    bool closed_ = false;
    bool deaf_ = false;     ///< the peer reads no more: what it said last is still to be read
    bool writing_ = false;  ///< waits for room, or its turn
    std::vector<std::uint8_t> out_;
    sync::Taken taken_;  ///< in out_, not sent yet
};

}  // namespace lamplight::bus::local
