#include "c2s/resolver.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

namespace lamplight::c2s {

namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

constexpr int server_timeout_ms = 2000;
constexpr int tries = 2;
constexpr std::size_t most_addresses = 16;

LookupFailure failure_of(int status) {
    const bool is_absent = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
    return {is_absent ? LookupFailure::Kind::no_such_name : LookupFailure::Kind::no_answer,
            ares_strerror(status)};
}

Resolver::Services services_of(int status, const unsigned char* answer, int size) {
    ares_srv_reply* list = nullptr;
    if (status == ARES_SUCCESS) status = ares_parse_srv_reply(answer, size, &list);
    if (status != ARES_SUCCESS) return tl::unexpected(failure_of(status));
    std::vector<Srv> out;
    for (const ares_srv_reply* one = list; one != nullptr; one = one->next)
        out.push_back({one->priority, one->weight, one->port, one->host != nullptr ? one->host : ""});
    ares_free_data(list);
    for (Srv& one : out)
        if (one.target.ends_with('.')) one.target.pop_back();
    return out;
}

std::optional<asio::ip::address> address_of(const ares_addrinfo_node& node) {
    if (node.ai_family == AF_INET && node.ai_addrlen >= static_cast<ares_socklen_t>(sizeof(sockaddr_in))) {
        sockaddr_in in{};
        std::memcpy(&in, node.ai_addr, sizeof in);
        return asio::ip::address_v4(ntohl(in.sin_addr.s_addr));
    }
    if (node.ai_family == AF_INET6 && node.ai_addrlen >= static_cast<ares_socklen_t>(sizeof(sockaddr_in6))) {
        sockaddr_in6 in{};
        std::memcpy(&in, node.ai_addr, sizeof in);
        asio::ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
        return asio::ip::address_v6(bytes, in.sin6_scope_id);
    }
    return std::nullopt;
}

Resolver::Addresses addresses_of(int status, const ares_addrinfo* result) {
    if (status != ARES_SUCCESS) return tl::unexpected(failure_of(status));
    std::vector<asio::ip::address> out;
    for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
        const auto address = address_of(*node);
        const bool is_new = address && std::ranges::find(out, *address) == out.end();
        if (is_new && out.size() < most_addresses) out.push_back(*address);
    }
    if (out.empty()) return tl::unexpected(failure_of(ARES_ENODATA));
    return out;
}

}  // namespace

class Resolver::Impl {
public:
    explicit Impl(asio::io_context& loop) : loop_(loop), timer_(loop), alive_(std::make_shared<Impl*>(this)) {
        ares_options options{};
        options.timeout = server_timeout_ms;
        options.tries = tries;
        options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
            static_cast<Impl*>(self)->watch(socket, readable != 0, writable != 0);
        };
        options.sock_state_cb_data = this;
        started_ = ares_init_options(&channel_, &options,
                                     ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    }

    ~Impl() {
        alive_.reset();
        if (started_ == ARES_SUCCESS) ares_destroy(channel_);
    }

    void services(const std::string& name, std::function<void(Services)> on_answer) {
        on_services_ = std::move(on_answer);
        if (started_ != ARES_SUCCESS) return answer(Services(tl::unexpected(failure_of(started_))));
        ares_query(
            channel_, name.c_str(), ns_c_in, ns_t_srv,
            [](void* self, int status, int, unsigned char* bytes, int size) {
                if (status != ARES_EDESTRUCTION)
                    static_cast<Impl*>(self)->answer(services_of(status, bytes, size));
            },
            this);
        set_timer();
    }

    void addresses(const std::string& host, std::function<void(Addresses)> on_answer) {
        on_addresses_ = std::move(on_answer);
        if (started_ != ARES_SUCCESS) return answer(Addresses(tl::unexpected(failure_of(started_))));
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        ares_getaddrinfo(
            channel_, host.c_str(), nullptr, &hints,
            [](void* self, int status, int, ares_addrinfo* result) {
                if (status != ARES_EDESTRUCTION)
                    static_cast<Impl*>(self)->answer(addresses_of(status, result));
                if (result != nullptr) ares_freeaddrinfo(result);
            },
            this);
        set_timer();
    }

private:
    /// A socket of the library's: the loop watches it and never closes it.
    struct Watched {
        explicit Watched(asio::io_context& loop, ares_socket_t socket) : descriptor(loop, socket) {}
        ~Watched() { descriptor.release(); }
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;

        stream_descriptor descriptor;
        bool reads = false;   ///< wanted
        bool writes = false;  ///< wanted
        bool waits_to_read = false;
        bool waits_to_write = false;
    };

    auto ready(ares_socket_t socket, const std::shared_ptr<Watched>& watched, bool Watched::* waits) {
        return [alive = std::weak_ptr(alive_), weak = std::weak_ptr(watched), socket,
                waits](boost::system::error_code error) {
            const auto self = alive.lock();
            const auto same = weak.lock();
            if (error || !self || !same) return;
            (*same).*waits = false;
            (*self)->process(socket, waits);
        };
    }

    /// The library wants to hear of that socket, or is about to close it.
    void watch(ares_socket_t socket, bool readable, bool writable) {
        if (!readable && !writable) {
            sockets_.erase(socket);
            return;
        }
        auto& watched = sockets_[socket];
        if (!watched) watched = std::make_shared<Watched>(loop_, socket);
        watched->reads = readable;
        watched->writes = writable;
        wait(socket, watched);
    }

    void wait(ares_socket_t socket, const std::shared_ptr<Watched>& watched) {
        if (watched->reads && !std::exchange(watched->waits_to_read, true))
            watched->descriptor.async_wait(stream_descriptor::wait_read,
                                           ready(socket, watched, &Watched::waits_to_read));
        if (watched->writes && !std::exchange(watched->waits_to_write, true))
            watched->descriptor.async_wait(stream_descriptor::wait_write,
                                           ready(socket, watched, &Watched::waits_to_write));
    }

    void process(ares_socket_t socket, bool Watched::* waits) {
        const bool is_read = waits == &Watched::waits_to_read;
        ares_process_fd(channel_, is_read ? socket : ARES_SOCKET_BAD, is_read ? ARES_SOCKET_BAD : socket);
        if (const auto found = sockets_.find(socket); found != sockets_.end()) wait(socket, found->second);
        set_timer();
    }

    void set_timer() {
        timeval buffer{};
        const timeval* next = ares_timeout(channel_, nullptr, &buffer);
        if (next == nullptr) {
            timer_.cancel();
            return;
        }
        // A millisecond more, so that it has passed for the library, too.
        timer_.expires_after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec) +
                             std::chrono::milliseconds(1));
        timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
            const auto self = alive.lock();
            if (error || !self) return;
            ares_process_fd((*self)->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
            (*self)->set_timer();
        });
    }

    void answer(Services result) { later(on_services_, std::move(result)); }
    void answer(Addresses result) { later(on_addresses_, std::move(result)); }

    /// Not from within the library: who is called may end this object.
    template <typename Result>
    void later(std::function<void(Result)>& on_answer, Result result) {
        asio::post(loop_, [alive = std::weak_ptr(alive_), on_answer = std::exchange(on_answer, {}),
                           result = std::move(result)]() mutable {
            if (!alive.expired() && on_answer) on_answer(std::move(result));
        });
    }

    asio::io_context& loop_;
    asio::steady_timer timer_;
    ares_channel channel_ = nullptr;
    int started_ = ARES_ENOTINITIALIZED;
    std::map<ares_socket_t, std::shared_ptr<Watched>> sockets_;
    std::function<void(Services)> on_services_;
    std::function<void(Addresses)> on_addresses_;
    std::shared_ptr<Impl*> alive_;
};

Resolver::Resolver(asio::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
Resolver::~Resolver() = default;

void Resolver::services(const std::string& name, std::function<void(Services)> on_answer) {
    impl_->services(name, std::move(on_answer));
}
void Resolver::addresses(const std::string& host, std::function<void(Addresses)> on_answer) {
    impl_->addresses(host, std::move(on_answer));
}

}  // namespace lamplight::c2s
