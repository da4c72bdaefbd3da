// A plugin with a Worker in it, which the test unloads while the Worker's thread stands in its code.
#include "ring/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include <memory>

namespace {

struct Running {
    boost::asio::io_context loop;
    std::unique_ptr<lamplight::ring::Worker> worker;
};

Running* running = nullptr;

}  // namespace

/// The thread says that it is in, reads from `descriptor`, and says that it has read.
extern "C" void begin_to_read(int descriptor, int entered) {
    running = new Running;
    running->worker = std::make_unique<lamplight::ring::Worker>(running->loop);
    running->worker->run(
        [descriptor, entered] {
            char byte = 'i';
            (void)!::write(entered, &byte, 1);
            (void)!::read(descriptor, &byte, 1);
            (void)!::write(entered, &byte, 1);
        },
        [] {});
}

extern "C" void end() {
    delete running;
}
