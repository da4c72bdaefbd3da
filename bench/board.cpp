#include "bench/board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>
#include <utility>

namespace lamplight::bench {

namespace {

constexpr std::string_view technology = "SIP/";
constexpr std::size_t digits = 6;
constexpr auto relaxed = std::memory_order_relaxed;

void add_one(std::atomic<std::uint64_t>& number) {
    number.store(number.load(relaxed) + 1, std::memory_order_release);
}

}  // namespace

std::int64_t now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t cpu_ns() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string device_name(std::uint32_t index) {
    return fmt::format("{}{:0{}}", technology, index, digits);
}

std::optional<std::uint32_t> device_index(std::string_view name) {
    if (name.size() != technology.size() + digits || !name.starts_with(technology)) return {};
    std::uint32_t index = 0;
    const char* end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + technology.size(), end, index);
    if (read.ec != std::errc{} || read.ptr != end) return {};
    return index;
}

tl::expected<Board, std::string> Board::open(const std::filesystem::path& file) {
    auto mapped = MappedFile::open(file);
    if (!mapped) return tl::unexpected(mapped.error());
    const std::uint64_t devices =
        mapped->bytes() < sizeof(Head) ? 0 : reinterpret_cast<Head*>(mapped->memory())->devices.load();
    if (devices == 0 || devices > most_devices ||
        mapped->bytes() != sizeof(Head) + devices * sizeof(Slot) + most_samples * sizeof(std::uint32_t))
        return tl::unexpected(fmt::format("{}: its size is not that of its devices", file.string()));
    return Board(std::move(*mapped), devices);
}

Board::Board(MappedFile file, std::size_t devices)
    : file_(std::move(file)), head_(reinterpret_cast<Head*>(file_.memory())) {
    static_assert(sizeof(Head) == 128 && sizeof(Slot) == 24);
    std::byte* place = file_.memory() + sizeof(Head);
    slots_ = {reinterpret_cast<Slot*>(place), devices};
    samples_ = reinterpret_cast<std::atomic<std::uint32_t>*>(place + slots_.size_bytes());
}

bool Board::is_free(std::uint32_t device) const {
    const Slot& slot = slots_[device];
    return slot.seen.load(std::memory_order_acquire) == slot.given.load(relaxed);
}

void Board::give(std::uint32_t device, std::int64_t now) {
    Slot& slot = slots_[device];
    slot.given_ns.store(now, relaxed);
    slot.given.store(slot.given.load(relaxed) + 1, std::memory_order_release);
    if (head_->given.load(relaxed) == 0) head_->first_given_ns.store(now, relaxed);
    add_one(head_->given);
}

void Board::begin() {
    for (Slot& slot : slots_)
        slot.given.store(slot.seen.load(relaxed), relaxed);
}

bool Board::see(std::uint32_t device, std::uint32_t state, std::int64_t now) {
    if (device >= slots_.size()) return false;
    Slot& slot = slots_[device];
    if (slot.state.load(relaxed) == state + 1) return false;
    slot.state.store(state + 1, relaxed);
    if (head_->wants_samples.load(relaxed) != 0) sample(now - slot.given_ns.load(relaxed));
    slot.seen.store(slot.seen.load(relaxed) + 1, std::memory_order_release);
    head_->last_seen_ns.store(now, relaxed);
    add_one(head_->seen);
    return true;
}

void Board::take_event(std::int64_t now) {
    head_->last_event_ns.store(now, relaxed);
    add_one(head_->events);
}

void Board::lose() {
    add_one(head_->lost);
}

void Board::sample(std::int64_t nanoseconds) {
    const std::uint64_t count = head_->samples.load(relaxed);
    if (count >= most_samples) return;
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    samples_[count].store(static_cast<std::uint32_t>(std::clamp<std::int64_t>(nanoseconds, 0, most)),
                          relaxed);
    add_one(head_->samples);
}

}  // namespace lamplight::bench
