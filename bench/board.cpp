#include "bench/board.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
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
    const auto fail = [&](std::string_view what) {
        return tl::unexpected(fmt::format("{}: {}", file.string(), what));
    };
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return fail(std::strerror(errno));
    struct stat status{};
    const bool known = ::fstat(fd, &status) == 0;
    const auto bytes = static_cast<std::size_t>(status.st_size);
    void* memory = known && bytes >= sizeof(Head)
                       ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                       : MAP_FAILED;
    ::close(fd);
    if (memory == MAP_FAILED) return fail("it cannot be mapped, or is too short");
    const std::uint64_t devices = static_cast<Head*>(memory)->devices;
    if (devices == 0 || devices > most_devices ||
        bytes != sizeof(Head) + devices * sizeof(Slot) + most_samples * sizeof(std::uint32_t)) {
        ::munmap(memory, bytes);
        return fail("its size is not that of its devices");
    }
    return Board(memory, bytes, devices);
}

Board::Board(void* memory, std::size_t bytes, std::size_t devices)
    : memory_(memory), bytes_(bytes), head_(static_cast<Head*>(memory)) {
    static_assert(sizeof(Head) == 128 && sizeof(Slot) == 24);
    auto* place = static_cast<std::byte*>(memory) + sizeof(Head);
    slots_ = {reinterpret_cast<Slot*>(place), devices};
    samples_ = reinterpret_cast<std::atomic<std::uint32_t>*>(place + slots_.size_bytes());
}

Board::~Board() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

Board::Board(Board&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      bytes_(other.bytes_),
      head_(other.head_),
      slots_(other.slots_),
      samples_(other.samples_) {}

Board& Board::operator=(Board&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    std::swap(head_, other.head_);
    std::swap(slots_, other.slots_);
    std::swap(samples_, other.samples_);
    return *this;
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

void Board::sample(std::int64_t nanoseconds) {
    const std::uint64_t count = head_->samples.load(relaxed);
    if (count >= most_samples) return;
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    samples_[count].store(static_cast<std::uint32_t>(std::clamp<std::int64_t>(nanoseconds, 0, most)),
                          relaxed);
    add_one(head_->samples);
}

}  // namespace lamplight::bench
