#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

namespace lamplight::ring {

/// One thread for calls into Corosync's libraries that wait for its answer. Everybody in a process who opens
/// or closes handles of libcpg has to share one: libqb finds a free place in their table without a lock
/// (qb_hdb_handle_create), and two threads at once may take the same.
///
/// Bounds  a hung Corosync (stopped, swapping) holds the thread and never the loop: tasks behind wait, each
///         asker has one at most. When the thread does not come back at the end, the code it stands in is
///         kept loaded and the thread left to itself.
class Worker {
public:
    explicit Worker(boost::asio::io_context& loop);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Runs `task` on the thread, in order, then `done` on the loop's thread. Neither runs after the end of
    /// this object, `done` not even when the task ran.
    void run(std::function<void()> task, std::function<void()> done);

private:
    struct Shared;
    static void* run_thread(void* serving);
    std::shared_ptr<Shared> shared_;
};

}  // namespace lamplight::ring
