#include "ring/inquiry.hpp"

#include "ring/failure.hpp"
#include "ring/worker.hpp"

#include <arpa/inet.h>
#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

// Everything but the two functions of the header runs on the worker, with handles of its own that live as
// long as the question.
namespace lamplight::ring {

namespace {

/// A handle of one of Corosync's libraries and the way to give it back.
template <typename Value, auto finalize>
class Handle {
public:
    Handle() = default;
    ~Handle() {
        if (open_) finalize(value_);
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    /// The code of `initialize(Value*)`.
    template <typename Initialize>
    int open(Initialize initialize) {
        const int code = initialize(&value_);
        open_ = code == CS_OK;
        return code;
    }
    Value get() const { return value_; }

private:
    Value value_{};
    bool open_ = false;
};

using CpgHandle = Handle<cpg_handle_t, cpg_finalize>;
using CmapHandle = Handle<cmap_handle_t, cmap_finalize>;
using CfgHandle = Handle<corosync_cfg_handle_t, corosync_cfg_finalize>;

std::string text_of(const cpg_name& name) {
    const std::size_t length = std::min<std::size_t>(name.length, CPG_MAX_NAME_LENGTH);
    const std::string_view text(name.value, length);
    return std::string(text.substr(0, text.find('\0')));  // some count the end of the string as part of it
}

Occupants ask_occupants() {
    CpgHandle cpg;
    cpg_callbacks_t no_callbacks{};
    int code = cpg.open([&](cpg_handle_t* handle) { return cpg_initialize(handle, &no_callbacks); });
    if (code != CS_OK) return tl::unexpected(make_failure(code));
    Handle<cpg_iteration_handle_t, cpg_iteration_finalize> iteration;
    code = iteration.open([&](cpg_iteration_handle_t* handle) {
        return cpg_iteration_initialize(cpg.get(), CPG_ITERATION_ALL, nullptr, handle);
    });
    if (code != CS_OK) return tl::unexpected(make_failure(code));

    std::vector<Occupant> out;
    cpg_iteration_description_t found{};
    while ((code = cpg_iteration_next(iteration.get(), &found)) == CS_OK)
        out.push_back({.group = text_of(found.group), .member = {.node_id = found.nodeid, .pid = found.pid}});
    if (code != CS_ERR_NO_SECTIONS) return tl::unexpected(make_failure(code));
    return out;
}

/// Empty when there is no such key.
std::string text_at(cmap_handle_t cmap, const std::string& key) {
    char* text = nullptr;
    if (cmap_get_string(cmap, key.c_str(), &text) != CS_OK) return {};
    const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
    return text;
}

/// The N of nodelist.node.N, ascending.
std::vector<unsigned> places_of_nodes(cmap_handle_t cmap) {
    constexpr const char* prefix = "nodelist.node.";
    std::vector<unsigned> out;
    cmap_iter_handle_t iteration{};
    if (cmap_iter_init(cmap, prefix, &iteration) != CS_OK) return out;
    std::array<char, CMAP_KEYNAME_MAXLEN + 1> key{};
    while (cmap_iter_next(cmap, iteration, key.data(), nullptr, nullptr) == CS_OK) {
        const std::string_view rest = std::string_view(key.data()).substr(std::string_view(prefix).size());
        unsigned place = 0;
        if (std::from_chars(rest.begin(), rest.end(), place).ec == std::errc{}) out.push_back(place);
    }
    cmap_iter_finalize(cmap, iteration);
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::string numeric(const corosync_cfg_node_address_t& address) {
    sockaddr_storage name{};
    std::copy_n(address.address, sizeof address.address, reinterpret_cast<char*>(&name));
    const socklen_t size = name.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(reinterpret_cast<sockaddr*>(&name), size, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0)
        return {};
    return text.data();
}

/// Of its first link; empty when Corosync does not know the node (yet).
std::string address_of(corosync_cfg_handle_t cfg, std::uint32_t node_id) {
    std::array<corosync_cfg_node_address_t, 8> addresses{};
    int count = 0;
    if (corosync_cfg_get_node_addrs(cfg, node_id, addresses.size(), &count, addresses.data()) != CS_OK ||
        count < 1)
        return {};
    return numeric(addresses.front());
}

Description ask_description() {
    CmapHandle cmap;
    if (const int code = cmap.open([](cmap_handle_t* handle) { return cmap_initialize(handle); });
        code != CS_OK)
        return tl::unexpected(make_failure(code));
    CfgHandle cfg;
    corosync_cfg_callbacks_t no_callbacks{};
    if (const int code = cfg.open(
            [&](corosync_cfg_handle_t* handle) { return corosync_cfg_initialize(handle, &no_callbacks); });
        code != CS_OK)
        return tl::unexpected(make_failure(code));

    RingDescription out{.cluster_name = text_at(cmap.get(), "totem.cluster_name"), .nodes = {}};
    for (const unsigned place : places_of_nodes(cmap.get())) {
        const std::string node = fmt::format("nodelist.node.{}.", place);
        std::uint32_t node_id = 0;
        if (cmap_get_uint32(cmap.get(), (node + "nodeid").c_str(), &node_id) != CS_OK) continue;
        out.nodes.push_back({.node_id = node_id,
                             .name = text_at(cmap.get(), node + "name"),
                             .address = address_of(cfg.get(), node_id)});
    }
    return out;
}

template <typename Answer>
void ask(Worker& worker, Answer (*question)(), std::function<void(Answer)> done) {
    const auto answer = std::make_shared<std::optional<Answer>>();
    worker.run([answer, question] { answer->emplace(question()); },
               [answer, done = std::move(done)] { done(std::move(**answer)); });
}

}  // namespace

void list_occupants(Worker& worker, std::function<void(Occupants)> done) {
    ask<Occupants>(worker, ask_occupants, std::move(done));
}

void describe_ring(Worker& worker, std::function<void(Description)> done) {
    ask<Description>(worker, ask_description, std::move(done));
}

}  // namespace lamplight::ring
