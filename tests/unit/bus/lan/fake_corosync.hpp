#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// A Corosync of one node for this process. Its libraries' functions are defined in this program, where the
/// loader finds them before those of the libraries: nothing here meets a Corosync that may run on this
/// machine. Used from the worker and from the loop.
namespace lamplight::bus::lan::test {

class FakeCorosync {
public:
    /// The one that the libraries' functions are of, while it is there; without one, or when it is not up,
    /// nobody answers them.
    FakeCorosync();
    ~FakeCorosync();
    FakeCorosync(const FakeCorosync&) = delete;
    FakeCorosync& operator=(const FakeCorosync&) = delete;

    void start();
    /// Every connection is lost.
    void die();
    /// From here on calls that wait for an answer get none; the worker stands in them.
    void stop();
    void resume();
    /// What is sent from here on comes back to nobody.
    void hold_messages();

    /// Another process joins the group.
    void come(const std::string& group, std::uint32_t node_id, std::uint32_t pid);

    using Message = std::vector<std::uint8_t>;
    /// All that was ever sent to a group.
    std::vector<Message> sent(const std::string& group) const;
    std::size_t joins(const std::string& group) const;
    std::size_t leaves(const std::string& group) const;
    /// Connections to the groups.
    std::size_t connections() const;
    /// Questions for the processes in all groups.
    std::size_t lists() const;
};

}  // namespace lamplight::bus::lan::test
