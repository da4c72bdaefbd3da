#pragma once

#include "state/huge_memory.hpp"
#include "state/journal.hpp"
#include "state/vote.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace lamplight::state {

/// How a vote stands, beside its state, in one byte each.
namespace mark {
inline constexpr std::uint8_t state = 0x0f;         ///< DeviceState
inline constexpr std::uint8_t held = 0x10;          ///< its node is away or has not confirmed it since: stale
inline constexpr std::uint8_t not_counting = 0x20;  ///< the hold has ended
inline constexpr std::uint8_t withdrawn = 0x40;
inline constexpr std::uint8_t unconfirmed = 0x80;  ///< not seen since the node's snapshot began
}  // namespace mark

/// What of a vote is read only when that vote is touched.
struct VoteDetail {
    Version version;
    Time since;
};

/// The votes of one device, as arrays in one block of memory: what an aggregate needs (marks) and what finds
/// a vote (nodes) share the first cache line up to 16 votes, details follow. Layout for a capacity c: u16
/// node[c], u8 mark[c], u8 road[c], VoteDetail[c]; 28 bytes a vote.
class VoteBlock {
public:
    static constexpr std::size_t npos = ~std::size_t{0};
    static constexpr std::uint8_t cachable_bit = 0x80;

    VoteBlock(std::byte* memory, std::size_t capacity) : memory_(memory), capacity_(capacity) {}

    std::uint16_t* nodes() const { return reinterpret_cast<std::uint16_t*>(memory_); }
    std::uint8_t* marks() const { return reinterpret_cast<std::uint8_t*>(memory_) + 2 * capacity_; }
    /// Bus in the low bits, cachable_bit.
    std::uint8_t* roads() const { return reinterpret_cast<std::uint8_t*>(memory_) + 3 * capacity_; }
    VoteDetail* details() const { return reinterpret_cast<VoteDetail*>(memory_ + 4 * capacity_); }

    static constexpr std::size_t bytes(std::size_t capacity) { return capacity * (4 + sizeof(VoteDetail)); }

private:
    std::byte* memory_;
    std::size_t capacity_;
};

/// One device. 32 bytes, two a cache line; reached by its id.
struct DeviceRecord {
    std::byte* block = nullptr;
    const char* name = nullptr;
    JournalPosition journal = 0;
    std::uint32_t retained = 0;
    std::uint16_t votes = 0;
    std::uint8_t name_bytes = 0;
    std::uint8_t capacity_log2 = 0;
    DeviceState aggregate = DeviceState::unknown;
    bool used = false;
    bool known = false;  ///< somebody has voted for it once

    std::size_t capacity() const { return block == nullptr ? 0 : std::size_t{1} << capacity_log2; }
    VoteBlock votes_block() const { return {block, capacity()}; }
    std::string_view name_view() const { return {name, name_bytes}; }
};
static_assert(sizeof(DeviceRecord) == 32);

/// The set of states that count.
StateSet counting_states(const DeviceRecord& record);

/// Names and votes by device, without any rule of what a vote means.
class DeviceTable {
public:
    DeviceTable(std::uint32_t limit, std::uint64_t hash_seed);
    ~DeviceTable();
    DeviceTable(const DeviceTable&) = delete;
    DeviceTable& operator=(const DeviceTable&) = delete;

    std::optional<DeviceId> find(std::string_view name) const;
    /// The name is not in the table and at most 255 bytes. Ids of forgotten devices are used again.
    DeviceId add(std::string_view name);
    void remove(DeviceId device);

    DeviceRecord& record(DeviceId device) { return records_[index_of(device)]; }
    const DeviceRecord& record(DeviceId device) const { return records_[index_of(device)]; }
    bool valid(DeviceId device) const {
        return index_of(device) < records_.size() && records_[index_of(device)].used;
    }
    std::uint32_t bound() const { return static_cast<std::uint32_t>(records_.size()); }
    std::uint32_t size() const { return static_cast<std::uint32_t>(ids_.size()); }

    /// The place of a node's vote among the device's, or VoteBlock::npos.
    static std::size_t find_vote(const DeviceRecord& record, NodeId node);
    /// A new, empty place for the node's vote; grows the block. The node has none yet.
    std::size_t add_vote(DeviceRecord& record, NodeId node);
    /// Moves the last vote into the place of the removed one.
    void remove_vote(DeviceRecord& record, std::size_t place);

    /// Most devices gain their voters in the same order, so a node's place is mostly its number.
    static void prefetch_likely_detail(const DeviceRecord& record, NodeId node) {
        const std::size_t likely = std::min<std::size_t>(index_of(node), record.votes);
        __builtin_prefetch(record.votes_block().details() + likely, 1);
    }
    void prefetch_record(DeviceId device) const { __builtin_prefetch(&records_[index_of(device)], 1); }
    void prefetch_block(DeviceId device) const { __builtin_prefetch(records_[index_of(device)].block, 1); }

private:
    /// The index holds ids only; hash and comparison look the name up in the record, which is read next
    /// anyway.
    struct NameHash {
        using is_transparent = void;
        using is_avalanching = void;
        const DeviceTable* table;
        std::size_t operator()(std::string_view name) const;
        std::size_t operator()(DeviceId device) const { return (*this)(table->record(device).name_view()); }
    };
    struct SameName {
        using is_transparent = void;
        const DeviceTable* table;
        bool operator()(DeviceId left, DeviceId right) const { return left == right; }
        bool operator()(std::string_view name, DeviceId device) const {
            const DeviceRecord& record = table->record(device);
            __builtin_prefetch(record.block, 1);  // whoever asks by name is about to vote
            return record.name_view() == name;
        }
        bool operator()(DeviceId device, std::string_view name) const { return (*this)(name, device); }
    };
    /// Chunks of names; a freed name's room serves the next name of its size.
    class NameArena {
    public:
        const char* store(std::string_view name);
        void free(const char* name, std::size_t bytes);

    private:
        static constexpr std::size_t grain = 16;
        std::array<std::vector<char*>, 255 / grain + 1> free_;
        std::vector<std::unique_ptr<char[]>> chunks_;
        std::size_t left_ = 0;
        char* next_ = nullptr;
    };

    static constexpr std::uint8_t least_capacity_log2 = 1;  ///< keeps details aligned
    static constexpr std::uint8_t most_capacity_log2 = 16;

    std::uint64_t seed_;
    std::vector<DeviceRecord, HugeAllocator<DeviceRecord>> records_;
    std::vector<std::uint32_t> free_ids_;
    boost::unordered_flat_set<DeviceId, NameHash, SameName> ids_;
    NameArena names_;
    std::array<std::unique_ptr<BlockPool>, 7>
        pools_;  ///< by log2 of the capacity, 2..64; larger blocks come one by one
};

}  // namespace lamplight::state
