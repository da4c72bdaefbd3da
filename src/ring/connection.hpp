#pragma once

#include "ring/inquiry.hpp"
#include "ring/types.hpp"
#include "wire/bytes.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace lamplight::ring {

/// What a connection hands on from within dispatch_one(). Views are valid during the call.
class Receiver {
public:
    virtual void on_message(Member from, wire::Bytes message) = 0;
    virtual void on_membership(const Membership& membership) = 0;
    virtual void on_totem(const Totem& totem) = 0;

protected:
    ~Receiver() = default;
};

/// One handle of libcpg. It is used by one thread at a time: the calls that wait for Corosync's answer are
/// for the worker, the others for the loop. Codes are cs_error_t.
class Connection {
public:
    struct Opened {
        Member self;
        std::vector<Member> there;  ///< in the group now
    };

    explicit Connection(std::string group);
    /// Never waits. When nobody has finalized it, Corosync sees us going at once, and the memory is not given
    /// back: that happens when the worker hangs at the end of a process.
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // --- these wait ---

    tl::expected<Opened, Failure> open();
    /// Of the group, which we need not be in.
    tl::expected<std::vector<Member>, Failure> members();
    /// CS_ERR_TRY_AGAIN also while a going of this very process is on its way to everybody.
    int join();
    /// Only after our own coming was seen: libcpg asks without a pause until it is.
    int leave();
    /// May be called twice, and without open().
    void finalize();

    // --- these do not ---

    /// Readable when dispatch_one() has something; libcpg closes it.
    int descriptor() const { return descriptor_; }
    int send(wire::Bytes message);
    /// At most one callback. CS_ERR_TRY_AGAIN: nothing there; anything else but CS_OK: Corosync is gone.
    int dispatch_one(Receiver& receiver);

private:
    struct Callbacks;

    bool has_room() const;

    std::string group_;
    std::uint64_t handle_ = 0;
    bool is_open_ = false;
    int descriptor_ = -1;
    int room_ = 0;  ///< of the socket that goes with the shared memory
    Receiver* receiver_ = nullptr;
    std::vector<Member> members_;
    std::vector<Moved> left_;
    std::vector<Moved> joined_;
};

}  // namespace lamplight::ring
