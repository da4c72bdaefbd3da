#include "state/device_table.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace lamplight::state {

namespace {

/// Eight node numbers at once; gcc and clang turn this into one compare on every architecture that has it.
using EightNodes = std::uint16_t __attribute__((vector_size(16)));

constexpr std::uint16_t no_node = 0xffff;

/// Adds up the bits of counting states; withdrawn and not counting marks map to none.
constexpr std::array<StateSet, 256> counting_bits = [] {
    std::array<StateSet, 256> bits{};
    for (unsigned m = 0; m < 256; ++m)
        if ((m & (mark::not_counting | mark::withdrawn)) == 0)
            bits[m] = static_cast<StateSet>(1u << (m & mark::state));
    return bits;
}();

}  // namespace

StateSet counting_states(const DeviceRecord& record) {
    const std::uint8_t* marks = record.votes_block().marks();
    StateSet set = 0;
    for (std::size_t i = 0; i < record.votes; ++i)
        set |= counting_bits[marks[i]];
    return set;
}

std::size_t DeviceTable::NameHash::operator()(std::string_view name) const {
    return XXH3_64bits_withSeed(name.data(), name.size(), table->seed_);
}

const char* DeviceTable::NameArena::store(std::string_view name) {
    const std::size_t size_class = name.size() / grain;
    const std::size_t room = (size_class + 1) * grain;
    char* place = nullptr;
    if (!free_[size_class].empty()) {
        place = free_[size_class].back();
        free_[size_class].pop_back();
    } else {
        if (left_ < room) {
            left_ = std::size_t{1} << 20;
            next_ = chunks_.emplace_back(new char[left_]).get();
        }
        place = next_;
        next_ += room;
        left_ -= room;
    }
    std::memcpy(place, name.data(), name.size());
    return place;
}

void DeviceTable::NameArena::free(const char* name, std::size_t bytes) {
    free_[bytes / grain].push_back(const_cast<char*>(name));
}

DeviceTable::DeviceTable(std::uint32_t limit, std::uint64_t hash_seed)
    : seed_(hash_seed), ids_(0, NameHash{this}, SameName{this}) {
    records_.reserve(limit);  // untouched pages cost nothing, and records never move
    for (std::size_t i = least_capacity_log2; i < pools_.size(); ++i) {
        const std::size_t bytes = VoteBlock::bytes(std::size_t{1} << i);
        pools_[i] = std::make_unique<BlockPool>((bytes + 63) / 64 * 64);
    }
}

DeviceTable::~DeviceTable() {
    for (DeviceRecord& record : records_)
        if (record.block != nullptr && record.capacity_log2 >= pools_.size()) ::operator delete(record.block);
}

std::optional<DeviceId> DeviceTable::find(std::string_view name) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) return std::nullopt;
    return *found;
}

DeviceId DeviceTable::add(std::string_view name) {
    assert(!name.empty() && name.size() <= 255);
    std::uint32_t index = 0;
    if (!free_ids_.empty()) {
        index = free_ids_.back();
        free_ids_.pop_back();
    } else {
        index = bound();
        records_.emplace_back();
    }
    DeviceRecord& record = records_[index];
    record = {};
    record.used = true;
    record.name = names_.store(name);
    record.name_bytes = static_cast<std::uint8_t>(name.size());
    ids_.insert(DeviceId{index});
    return DeviceId{index};
}

void DeviceTable::remove(DeviceId device) {
    DeviceRecord& record = this->record(device);
    while (record.votes > 0)
        remove_vote(record, record.votes - 1u);
    ids_.erase(device);
    names_.free(record.name, record.name_bytes);
    record = {};
    free_ids_.push_back(index_of(device));
}

std::size_t DeviceTable::find_vote(const DeviceRecord& record, NodeId node) {
    const std::uint16_t* nodes = record.votes_block().nodes();
    const std::size_t votes = record.votes;
    std::size_t i = 0;
    for (; i + 8 <= record.capacity() && i < votes; i += 8) {
        EightNodes eight;
        std::memcpy(&eight, nodes + i, sizeof eight);
        const auto hits = eight == index_of(node);
        std::uint64_t halves[2];
        std::memcpy(halves, &hits, sizeof halves);
        // Places past the last vote hold no_node, which no vote has.
        if (halves[0] != 0) return i + static_cast<std::size_t>(std::countr_zero(halves[0])) / 16;
        if (halves[1] != 0) return i + 4 + static_cast<std::size_t>(std::countr_zero(halves[1])) / 16;
    }
    for (; i < votes; ++i)
        if (nodes[i] == index_of(node)) return i;
    return VoteBlock::npos;
}

std::size_t DeviceTable::add_vote(DeviceRecord& record, NodeId node) {
    if (record.votes == record.capacity()) {
        const auto log2 = static_cast<std::uint8_t>(record.block == nullptr ? least_capacity_log2
                                                                            : record.capacity_log2 + 1);
        assert(log2 <= most_capacity_log2);
        const std::size_t capacity = std::size_t{1} << log2;
        void* memory =
            log2 < pools_.size() ? pools_[log2]->take() : ::operator new(VoteBlock::bytes(capacity));
        const VoteBlock to(static_cast<std::byte*>(memory), capacity);
        std::fill_n(to.nodes(), capacity, no_node);
        const VoteBlock from = record.votes_block();
        if (record.votes > 0) {
            std::copy_n(from.nodes(), record.votes, to.nodes());
            std::copy_n(from.marks(), record.votes, to.marks());
            std::copy_n(from.roads(), record.votes, to.roads());
            std::copy_n(from.details(), record.votes, to.details());
            if (record.capacity_log2 < pools_.size())
                pools_[record.capacity_log2]->give_back(record.block);
            else
                ::operator delete(record.block);
        }
        record.block = static_cast<std::byte*>(memory);
        record.capacity_log2 = log2;
    }
    const std::size_t place = record.votes++;
    const VoteBlock block = record.votes_block();
    block.nodes()[place] = index_of(node);
    block.marks()[place] = 0;
    block.roads()[place] = 0;
    block.details()[place] = {};
    return place;
}

void DeviceTable::remove_vote(DeviceRecord& record, std::size_t place) {
    const VoteBlock block = record.votes_block();
    const std::size_t last = --record.votes;
    block.nodes()[place] = block.nodes()[last];
    block.marks()[place] = block.marks()[last];
    block.roads()[place] = block.roads()[last];
    block.details()[place] = block.details()[last];
    block.nodes()[last] = no_node;
    if (record.votes > 0) return;
    if (record.capacity_log2 < pools_.size())
        pools_[record.capacity_log2]->give_back(record.block);
    else
        ::operator delete(record.block);
    record.block = nullptr;
    record.capacity_log2 = 0;
}

}  // namespace lamplight::state
