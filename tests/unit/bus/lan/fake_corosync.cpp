#include "fake_corosync.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

namespace {

// As in corotypes.h and cpg.h.
constexpr int ok = 1;
constexpr int no_library = 2;
constexpr int try_again = 6;
constexpr int not_there = 12;
constexpr int no_sections = 27;
constexpr std::uint32_t reason_join = 1;
constexpr std::uint32_t reason_leave = 2;

struct Name {
    std::uint32_t length = 0;
    std::array<char, 128> value{};
};
struct Address {
    std::uint32_t node_id = 0;
    std::uint32_t pid = 0;
    std::uint32_t reason = 0;
};
struct RingId {
    std::uint32_t node_id = 0;
    std::uint64_t sequence = 0;
};
struct Found {
    Name group;
    std::uint32_t node_id = 0;
    std::uint32_t pid = 0;
};
struct Model {
    int model = 0;
    void (*deliver)(std::uint64_t, const Name*, std::uint32_t, std::uint32_t, void*, std::size_t) = nullptr;
    void (*configure)(std::uint64_t, const Name*, const Address*, std::size_t, const Address*, std::size_t,
                      const Address*, std::size_t) = nullptr;
    void (*totem)(std::uint64_t, RingId, std::uint32_t, const std::uint32_t*) = nullptr;
    unsigned flags = 0;
};

std::string text_of(const Name& name) {
    return {name.value.data(), name.length};
}

Name name_of(const std::string& text) {
    Name name;
    name.length = static_cast<std::uint32_t>(text.size());
    std::copy(text.begin(), text.end(), name.value.begin());
    return name;
}

struct Connection {
    ~Connection() {
        for (const int end : ends)
            ::close(end);
    }
    void push(std::function<void()> event) {
        events.push_back(std::move(event));
        (void)!::write(ends[1], "", 1);
    }

    std::uint64_t handle = 0;
    void* context = nullptr;
    Model model;
    std::string group;
    bool lost = false;
    std::array<int, 2> ends{-1, -1};
    std::deque<std::function<void()>> events;
};

struct Ring {
    std::mutex mutex;
    std::condition_variable resumed;
    bool up = false;
    bool stopped = false;
    bool holding = false;
    std::uint64_t handles = 0;
    std::size_t lists = 0;
    std::map<std::uint64_t, std::shared_ptr<Connection>> connections;
    std::map<std::string, std::vector<Address>> members;
    std::map<std::string, std::vector<std::vector<std::uint8_t>>> sent;
    std::map<std::string, std::size_t> joins;
    std::map<std::string, std::size_t> leaves;
    std::map<std::uint64_t, std::vector<Found>> iterations;

    void change(const std::string& group, const std::vector<Address>& left,
                const std::vector<Address>& joined) {
        for (const auto& [handle, connection] : connections)
            if (connection->group == group)
                connection->push([one = connection.get(), group, left, joined, now = members[group]] {
                    const Name name = name_of(group);
                    const std::array<std::uint32_t, 1> nodes{1};
                    one->model.configure(one->handle, &name, now.data(), now.size(), left.data(), left.size(),
                                         joined.data(), joined.size());
                    one->model.totem(one->handle, {1, 4}, 1, nodes.data());
                });
    }
};

// The libraries' functions have no other way to it.
std::unique_ptr<Ring> ring;

/// For calls that wait: comes back when Corosync is not stopped.
std::unique_lock<std::mutex> answer() {
    std::unique_lock lock(ring->mutex);
    ring->resumed.wait(lock, [] { return !ring->stopped; });
    return lock;
}

std::uint32_t own_pid() {
    return static_cast<std::uint32_t>(::getpid());
}

}  // namespace

// --- what libcpg, libcmap and libcfg offer ---

extern "C" {

int cpg_model_initialize(std::uint64_t* handle, int, void* model, void* context) {
    const auto lock = answer();
    if (!ring->up) return no_library;
    auto made = std::make_shared<Connection>();
    made->handle = *handle = ++ring->handles;
    made->context = context;
    made->model = *static_cast<Model*>(model);
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, made->ends.data()) != 0) return no_library;
    ring->connections[*handle] = made;
    return ok;
}

int cpg_initialize(std::uint64_t* handle, void*) {
    const auto lock = answer();
    *handle = 0;
    return ring->up ? ok : no_library;
}

int cpg_finalize(std::uint64_t handle) {
    const auto lock = answer();
    const auto found = ring->connections.find(handle);
    if (found == ring->connections.end()) return ok;
    const std::string group = found->second->group;
    ring->connections.erase(found);
    std::erase_if(ring->members[group], [](const Address& one) { return one.pid == own_pid(); });
    return ok;
}

int cpg_fd_get(std::uint64_t handle, int* descriptor) {
    const std::lock_guard lock(ring->mutex);
    *descriptor = ring->connections.at(handle)->ends[0];
    return ok;
}

int cpg_context_get(std::uint64_t handle, void** context) {
    const std::lock_guard lock(ring->mutex);
    *context = ring->connections.at(handle)->context;
    return ok;
}

int cpg_local_get(std::uint64_t, unsigned* node_id) {
    *node_id = 1;
    return ok;
}

int cpg_iteration_initialize(std::uint64_t cpg, int, const Name*, std::uint64_t* iteration) {
    const auto lock = answer();
    if (cpg == 0) ++ring->lists;
    *iteration = ++ring->handles;
    for (const auto& [group, members] : ring->members)
        for (const Address& one : members)
            ring->iterations[*iteration].push_back({name_of(group), one.node_id, one.pid});
    return ok;
}

int cpg_iteration_next(std::uint64_t iteration, Found* found) {
    const std::lock_guard lock(ring->mutex);
    auto& rest = ring->iterations[iteration];
    if (rest.empty()) return no_sections;
    *found = rest.back();
    rest.pop_back();
    return ok;
}

int cpg_iteration_finalize(std::uint64_t) {
    return ok;
}

int cpg_join(std::uint64_t handle, const Name* name) {
    const auto lock = answer();
    Connection& connection = *ring->connections.at(handle);
    connection.group = text_of(*name);
    const Address self{1, own_pid(), reason_join};
    ring->members[connection.group].push_back(self);
    ++ring->joins[connection.group];
    ring->change(connection.group, {}, {self});
    return ok;
}

int cpg_leave(std::uint64_t handle, const Name* name) {
    const auto lock = answer();
    const std::string group = text_of(*name);
    std::erase_if(ring->members[group], [](const Address& one) { return one.pid == own_pid(); });
    ++ring->leaves[group];
    ring->change(group, {{1, own_pid(), reason_leave}}, {});
    ring->connections.at(handle)->group = group;
    return ok;
}

int cpg_mcast_joined(std::uint64_t handle, int, const iovec* parts, unsigned) {
    const std::lock_guard lock(ring->mutex);
    const auto& connection = ring->connections.at(handle);
    const auto* bytes = static_cast<const std::uint8_t*>(parts->iov_base);
    std::vector<std::uint8_t> message(bytes, bytes + parts->iov_len);
    ring->sent[connection->group].push_back(message);
    if (ring->holding) return ok;
    connection->push([one = connection.get(), message]() mutable {
        const Name name = name_of(one->group);
        one->model.deliver(one->handle, &name, 1, own_pid(), message.data(), message.size());
    });
    return ok;
}

int cpg_dispatch(std::uint64_t handle, int) {
    std::function<void()> event;
    std::shared_ptr<Connection> connection;
    {
        const std::lock_guard lock(ring->mutex);
        connection = ring->connections.at(handle);
        if (connection->lost) return no_library;
        if (connection->events.empty()) return try_again;
        event = std::move(connection->events.front());
        connection->events.pop_front();
        char byte = 0;
        (void)!::read(connection->ends[0], &byte, 1);
    }
    event();
    return ok;
}

int cmap_initialize(std::uint64_t* handle) {
    const auto lock = answer();
    *handle = 0;
    return ring->up ? ok : no_library;
}

int cmap_finalize(std::uint64_t) {
    return ok;
}

int cmap_iter_init(std::uint64_t, const char*, std::uint64_t* iteration) {
    const std::lock_guard lock(ring->mutex);
    *iteration = ++ring->handles;
    ring->iterations[*iteration].resize(2);
    return ok;
}

/// Of two nodes, in no order.
int cmap_iter_next(std::uint64_t, std::uint64_t iteration, char* key, std::size_t*, int*) {
    const std::lock_guard lock(ring->mutex);
    auto& rest = ring->iterations[iteration];
    if (rest.empty()) return no_sections;
    rest.pop_back();
    const std::string name = "nodelist.node." + std::to_string(rest.size()) + ".nodeid";
    std::memcpy(key, name.c_str(), name.size() + 1);
    return ok;
}

int cmap_iter_finalize(std::uint64_t, std::uint64_t) {
    return ok;
}

/// The second node of the list has the lower id.
int cmap_get_uint32(std::uint64_t, const char* key, std::uint32_t* value) {
    *value = std::string_view(key) == "nodelist.node.0.nodeid" ? 2 : 1;
    return ok;
}

int cmap_get_string(std::uint64_t, const char* key, char** value) {
    const std::string_view name = key;
    const char* text = nullptr;
    if (name == "totem.cluster_name") text = "ward";
    if (name == "nodelist.node.0.name") text = "pbx2";
    if (name == "nodelist.node.1.name") text = "pbx1";
    if (text == nullptr) return not_there;
    *value = ::strdup(text);
    return ok;
}

int corosync_cfg_initialize(std::uint64_t* handle, const void*) {
    *handle = 0;
    return ok;
}

int corosync_cfg_finalize(std::uint64_t) {
    return ok;
}

int corosync_cfg_get_node_addrs(std::uint64_t, unsigned, std::size_t, int*, void*) {
    return not_there;
}

}  // extern "C"

namespace lamplight::bus::lan::test {

FakeCorosync::FakeCorosync() {
    ring = std::make_unique<Ring>();
}

FakeCorosync::~FakeCorosync() {
    ring.reset();
}

void FakeCorosync::start() {
    const std::lock_guard lock(ring->mutex);
    ring->up = true;
}

void FakeCorosync::die() {
    const std::lock_guard lock(ring->mutex);
    ring->up = false;
    ring->members.clear();
    for (const auto& [handle, connection] : ring->connections) {
        connection->lost = true;
        (void)!::write(connection->ends[1], "", 1);
    }
}

void FakeCorosync::stop() {
    const std::lock_guard lock(ring->mutex);
    ring->stopped = true;
}

void FakeCorosync::resume() {
    const std::lock_guard lock(ring->mutex);
    ring->stopped = false;
    ring->resumed.notify_all();
}

void FakeCorosync::hold_messages() {
    const std::lock_guard lock(ring->mutex);
    ring->holding = true;
}

void FakeCorosync::come(const std::string& group, std::uint32_t node_id, std::uint32_t pid) {
    const std::lock_guard lock(ring->mutex);
    const Address one{node_id, pid, reason_join};
    ring->members[group].push_back(one);
    ring->change(group, {}, {one});
}

std::vector<FakeCorosync::Message> FakeCorosync::sent(const std::string& group) const {
    const std::lock_guard lock(ring->mutex);
    return ring->sent[group];
}

std::size_t FakeCorosync::joins(const std::string& group) const {
    const std::lock_guard lock(ring->mutex);
    return ring->joins[group];
}

std::size_t FakeCorosync::leaves(const std::string& group) const {
    const std::lock_guard lock(ring->mutex);
    return ring->leaves[group];
}

std::size_t FakeCorosync::connections() const {
    const std::lock_guard lock(ring->mutex);
    return ring->connections.size();
}

std::size_t FakeCorosync::lists() const {
    const std::lock_guard lock(ring->mutex);
    return ring->lists;
}

}  // namespace lamplight::bus::lan::test
