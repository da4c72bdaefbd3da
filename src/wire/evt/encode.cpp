#include "wire/evt/layout.hpp"

#include <algorithm>

namespace lamplight::wire::evt {
namespace {

/// Takes what a Writer takes and only counts it, so that one description of a record gives bytes and size.
class Counter {
public:
    void u8(std::uint8_t) { size_ += 1; }
    void u16(std::uint16_t) { size_ += 2; }
    void u32(std::uint32_t) { size_ += 4; }
    void u64(std::uint64_t) { size_ += 8; }
    void raw(Bytes bytes) { size_ += bytes.size(); }
    std::size_t size() const { return size_; }

private:
    std::size_t size_ = 0;
};

template <typename Number>
std::uint64_t number(Number value) {
    return static_cast<std::uint64_t>(value);
}

template <typename Out>
void write16(Out& out, Bytes bytes) {
    out.u16(static_cast<std::uint16_t>(bytes.size()));
    out.raw(bytes);
}

template <typename Out>
void write16(Out& out, std::string_view text) {
    write16(out, bytes_of(text));
}

template <typename Out>
Type write(Out& out, const Hello& hello) {
    out.u32(hello.publisher);
    out.u64(hello.since);
    out.u8(static_cast<std::uint8_t>(hello.state));
    out.u8(static_cast<std::uint8_t>(hello.wants));
    out.u64(number(hello.boot_time));
    out.u64(hello.initial_view);
    write16(out, hello.program);
    out.u16(static_cast<std::uint16_t>(hello.opens.size()));
    for (const StandingOpen& open : hello.opens) {
        out.u32(open.handle);
        out.u64(number(open.channel));
        out.u8(open.flags.bits);
        write16(out, open.name);
    }
    return Type::hello;
}

template <typename Out>
Type write(Out& out, const Open& open) {
    out.u32(open.handle);
    out.u64(number(open.proposed));
    out.u8(open.flags.bits);
    write16(out, open.name);
    return Type::open;
}

template <typename Out>
Type write(Out& out, const Close& close) {
    out.u32(close.handle);
    return Type::close;
}

template <typename Out>
Type write(Out& out, const Unlink& unlink) {
    write16(out, unlink.name);
    return Type::unlink;
}

template <typename Out>
Type write(Out& out, const Publish& publish) {
    out.u64(number(publish.channel));
    out.u64(number(publish.id));
    out.u8(publish.priority);
    out.u64(number(publish.retention));
    out.u64(number(publish.publish_time));
    write16(out, publish.channel_name);
    write16(out, publish.publisher);
    out.u8(static_cast<std::uint8_t>(publish.patterns.size()));
    for (const Bytes pattern : publish.patterns)
        write16(out, pattern);
    out.u32(static_cast<std::uint32_t>(publish.data.size()));
    out.raw(publish.data);
    return Type::publish;
}

template <typename Out>
Type write(Out& out, const Clear& clear) {
    out.u64(number(clear.channel));
    out.u64(number(clear.id));
    return Type::clear;
}

template <typename Out>
Type write(Out& out, const StateBegin& begin) {
    out.u32(begin.number);
    out.u8(static_cast<std::uint8_t>(begin.targets.size()));
    for (const Process& target : begin.targets) {
        out.u32(target.node_id);
        out.u32(target.pid);
    }
    return Type::state_begin;
}

template <typename Out>
Type write(Out& out, const StateChannel& channel) {
    out.u64(number(channel.id));
    out.u8(static_cast<std::uint8_t>(channel.status));
    write16(out, channel.name);
    return Type::state_channel;
}

template <typename Out>
Type write(Out& out, const StateEvent& event) {
    out.u64(number(event.remaining));
    write(out, event.event);
    return Type::state_event;
}

template <typename Out>
Type write(Out& out, const StateCleared& cleared) {
    out.u64(number(cleared.channel));
    out.u64(number(cleared.id));
    out.u64(number(cleared.remaining));
    return Type::state_cleared;
}

template <typename Out>
Type write(Out& out, const StateEnd& end) {
    out.u32(end.number);
    return Type::state_end;
}

template <typename Out>
Type write(Out&, const Unknown& unknown) {
    return static_cast<Type>(unknown.type);
}

}  // namespace

std::size_t size_of(const Record& record) {
    Counter counter;
    std::visit([&](const auto& content) { write(counter, content); }, record);
    return record_head_bytes + counter.size();
}

FrameWriter::FrameWriter(MutableBytes out) : writer_(out.first(std::min(out.size(), max_frame_bytes))) {
    writer_.raw(magic);
    writer_.u8(format_version);
    writer_.raw(std::array<std::uint8_t, reserved_bytes>{});
}

bool FrameWriter::add(const Record& record) {
    const std::size_t size = size_of(record);
    if (size > writer_.left()) return false;
    if (std::visit([](const auto& content) { return flaw(content).has_value(); }, record)) return false;
    const std::size_t type_at = writer_.size();
    writer_.u8(0);
    writer_.u32(static_cast<std::uint32_t>(size - record_head_bytes));
    const Type type = std::visit([&](const auto& content) { return write(writer_, content); }, record);
    writer_.patch(type_at, static_cast<std::uint8_t>(type));
    ++records_;
    return true;
}

std::size_t FrameWriter::bytes() const {
    return writer_.size();
}

}  // namespace lamplight::wire::evt
