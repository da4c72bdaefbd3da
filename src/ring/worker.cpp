#include "ring/worker.hpp"

#include <boost/asio/post.hpp>
#include <dlfcn.h>
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

namespace lamplight::ring {

namespace {

// Long enough for a finalize beneath a Corosync that died (41 ms), for two groups.
constexpr std::chrono::milliseconds patience_at_the_end{100};

// Corosync's libraries put up to a megabyte there, and a thread's default is what `ulimit -s` says.
constexpr std::size_t stack_bytes = 4u << 20;

struct Task {
    std::function<void()> task;
    std::function<void()> done;
};

// A thread that is left to itself comes back into this code one day; it must still be there.
void keep_loaded(const void* code) {
    Dl_info info{};
    if (::dladdr(code, &info) != 0 && info.dli_fname != nullptr)
        (void)::dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace

struct Worker::Shared {
    explicit Shared(boost::asio::io_context& the_loop) : loop(the_loop) {}

    static void serve(const std::shared_ptr<Shared>& self);
    bool take(Task& out);
    void give_back(const std::shared_ptr<Shared>& self, std::function<void()> done);

    boost::asio::io_context& loop;  ///< not to be touched when `ending`
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Task> tasks;
    bool ending = false;     ///< what waits is run, without its `done`
    bool abandoned = false;  ///< what waits is not run
    bool gone = false;       ///< the thread ends
    pthread_t thread{};
};

void Worker::Shared::serve(const std::shared_ptr<Shared>& self) {
    for (Task next; self->take(next); next = {}) {
        next.task();
        next.task = nullptr;
        self->give_back(self, std::move(next.done));
    }
}

bool Worker::Shared::take(Task& out) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return ending || !tasks.empty(); });
    if (abandoned || tasks.empty()) {
        gone = true;
        changed.notify_all();
        return false;
    }
    out = std::move(tasks.front());
    tasks.pop_front();
    return true;
}

void Worker::Shared::give_back(const std::shared_ptr<Shared>& self, std::function<void()> done) {
    const std::lock_guard lock(mutex);
    if (ending || !done) return;
    boost::asio::post(loop, [self, done = std::move(done)] {
        if (!self->ending) done();  // `ending` is set on the loop's thread
    });
}

void* Worker::run_thread(void* serving) {
    const std::unique_ptr<std::shared_ptr<Shared>> self(static_cast<std::shared_ptr<Shared>*>(serving));
    Shared::serve(*self);
    return nullptr;
}

Worker::Worker(boost::asio::io_context& loop) : shared_(std::make_shared<Shared>(loop)) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // the thread inherits it: signals are the loop's
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    auto serving = std::make_unique<std::shared_ptr<Shared>>(shared_);
    const int error = pthread_create(&shared_->thread, &attributes, &run_thread, serving.get());
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0)
        throw std::system_error(error, std::generic_category(), "a thread for Corosync's libraries");
    (void)serving.release();  // the thread's
}

Worker::~Worker() {
    std::deque<Task> dropped;
    std::unique_lock lock(shared_->mutex);
    shared_->ending = true;
    shared_->changed.notify_all();
    if (shared_->changed.wait_for(lock, patience_at_the_end, [this] { return shared_->gone; })) {
        lock.unlock();
        pthread_join(shared_->thread, nullptr);
        return;
    }
    shared_->abandoned = true;
    dropped.swap(shared_->tasks);
    keep_loaded(reinterpret_cast<const void*>(&Shared::serve));
    pthread_detach(shared_->thread);
    lock.unlock();
}

void Worker::run(std::function<void()> task, std::function<void()> done) {
    const std::lock_guard lock(shared_->mutex);
    shared_->tasks.push_back({std::move(task), std::move(done)});
    shared_->changed.notify_all();
}

}  // namespace lamplight::ring
