#include "ring/connection.hpp"

#include "ring/failure.hpp"

#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace lamplight::ring {

namespace {

cpg_name name_of(const std::string& group) {
    cpg_name name{};
    name.length = static_cast<std::uint32_t>(std::min<std::size_t>(group.size(), CPG_MAX_NAME_LENGTH));
    std::copy_n(group.begin(), name.length, name.value);
    return name;
}

Member member_of(const cpg_address& address) {
    return {.node_id = address.nodeid, .pid = address.pid};
}

Reason reason_of(const cpg_address& address, Reason otherwise) {
    switch (address.reason) {
        case CPG_REASON_JOIN:
            return Reason::join;
        case CPG_REASON_LEAVE:
            return Reason::leave;
        case CPG_REASON_NODEDOWN:
            return Reason::node_down;
        case CPG_REASON_NODEUP:
            return Reason::node_up;
        case CPG_REASON_PROCDOWN:
            return Reason::process_down;
        default:
            return otherwise;
    }
}

bool same_name(const cpg_name& left, const cpg_name& right) {
    const auto text = [](const cpg_name& name) {
        const std::string_view all(name.value, std::min<std::size_t>(name.length, CPG_MAX_NAME_LENGTH));
        return all.substr(0, all.find('\0'));  // some count the end of the string as part of it
    };
    return text(left) == text(right);
}

void copy(std::span<const cpg_address> addresses, std::vector<Member>& out) {
    out.clear();
    for (const cpg_address& address : addresses)
        out.push_back(member_of(address));
}

void copy(std::span<const cpg_address> addresses, Reason otherwise, std::vector<Moved>& out) {
    out.clear();
    for (const cpg_address& address : addresses)
        out.push_back({.member = member_of(address), .reason = reason_of(address, otherwise)});
}

}  // namespace

/// As libcpg calls them, from within cpg_dispatch().
struct Connection::Callbacks {
    static Connection& connection_of(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return *static_cast<Connection*>(context);
    }

    static void deliver(cpg_handle_t handle, const cpg_name* /*group*/, std::uint32_t node_id,
                        std::uint32_t pid, void* message, std::size_t size) {
        connection_of(handle).receiver_->on_message({.node_id = node_id, .pid = pid},
                                                    {static_cast<const std::uint8_t*>(message), size});
    }

    static void configure(cpg_handle_t handle, const cpg_name* /*group*/, const cpg_address* members,
                          std::size_t member_count, const cpg_address* left, std::size_t left_count,
                          const cpg_address* joined, std::size_t joined_count) {
        Connection& self = connection_of(handle);
        copy({members, member_count}, self.members_);
        copy({left, left_count}, Reason::process_down, self.left_);
        copy({joined, joined_count}, Reason::join, self.joined_);
        self.receiver_->on_membership({.members = self.members_, .left = self.left_, .joined = self.joined_});
    }

    static void totem(cpg_handle_t handle, cpg_ring_id id, std::uint32_t count, const std::uint32_t* nodes) {
        connection_of(handle).receiver_->on_totem({.nodes = {nodes, count}, .ring_sequence = id.seq});
    }
};

Connection::Connection(std::string group) : group_(std::move(group)) {}

Connection::~Connection() {
    if (is_open_) ::shutdown(descriptor_, SHUT_RDWR);
}

tl::expected<Connection::Opened, Failure> Connection::open() {
    cpg_model_v1_data_t model{.model = CPG_MODEL_V1,
                              .cpg_deliver_fn = Callbacks::deliver,
                              .cpg_confchg_fn = Callbacks::configure,
                              .cpg_totem_confchg_fn = Callbacks::totem,
                              .flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF};
    int code =
        cpg_model_initialize(&handle_, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), this);
    if (code != CS_OK) return tl::unexpected(make_failure(code));
    is_open_ = true;

    unsigned node_id = 0;
    code = cpg_fd_get(handle_, &descriptor_);
    if (code == CS_OK) code = cpg_local_get(handle_, &node_id);
    auto there = code == CS_OK ? members() : tl::unexpected(make_failure(code));
    if (!there) {
        finalize();
        return tl::unexpected(std::move(there.error()));
    }
    socklen_t size = sizeof room_;
    if (::getsockopt(descriptor_, SOL_SOCKET, SO_SNDBUF, &room_, &size) != 0) room_ = 0;
    return Opened{.self = {.node_id = node_id, .pid = static_cast<std::uint32_t>(::getpid())},
                  .there = std::move(*there)};
}

tl::expected<std::vector<Member>, Failure> Connection::members() {
    // Not by cpg_membership_get(), which writes as many as there are into a room of any size.
    cpg_iteration_handle_t iteration{};
    int code = cpg_iteration_initialize(handle_, CPG_ITERATION_ALL, nullptr, &iteration);
    if (code != CS_OK) return tl::unexpected(make_failure(code));
    const cpg_name name = name_of(group_);
    std::vector<Member> out;
    cpg_iteration_description_t found{};
    while ((code = cpg_iteration_next(iteration, &found)) == CS_OK)
        if (same_name(found.group, name)) out.push_back({.node_id = found.nodeid, .pid = found.pid});
    cpg_iteration_finalize(iteration);
    if (code != CS_ERR_NO_SECTIONS) return tl::unexpected(make_failure(code));
    // With us there would be more than libcpg's callbacks have room for.
    if (out.size() >= CPG_MEMBERS_MAX) return tl::unexpected(make_failure(CS_ERR_TOO_MANY_GROUPS));
    return out;
}

int Connection::join() {
    const cpg_name name = name_of(group_);
    return cpg_join(handle_, &name);
}

int Connection::leave() {
    const cpg_name name = name_of(group_);
    return cpg_leave(handle_, &name);
}

void Connection::finalize() {
    if (!std::exchange(is_open_, false)) return;
    cpg_finalize(handle_);
}

// libqb writes a byte into a socket for every message it has put into shared memory, and when the socket is
// full it tries again in a loop without an end: a stopped Corosync would stop us after some 280 messages. So
// the room is looked at before; unix(7) takes another byte as long as less than SO_SNDBUF is under way.
bool Connection::has_room() const {
    int under_way = 0;
    return ::ioctl(descriptor_, SIOCOUTQ, &under_way) == 0 && under_way < room_;
}

int Connection::send(wire::Bytes message) {
    if (!has_room()) return CS_ERR_TRY_AGAIN;
    const iovec part{.iov_base = const_cast<std::uint8_t*>(message.data()), .iov_len = message.size()};
    return cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &part, 1);
}

int Connection::dispatch_one(Receiver& receiver) {
    receiver_ = &receiver;
    return cpg_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING);
}

}  // namespace lamplight::ring
