#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace lamplight::state {

/// Memory for tables that are walked at random: aligned to 2 MiB and offered to the kernel for huge pages,
/// which takes the page-table walk out of each look-up. Throws std::bad_alloc.
void* allocate_huge(std::size_t bytes);
void free_huge(void* memory) noexcept;

/// For std::vector: small requests as usual, those of 2 MiB and more by allocate_huge.
template <typename T>
struct HugeAllocator {
    using value_type = T;
    static constexpr std::size_t huge_from = std::size_t{2} << 20;

    HugeAllocator() = default;
    template <typename U>
    HugeAllocator(const HugeAllocator<U>&) {}

    T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        return static_cast<T*>(bytes >= huge_from ? allocate_huge(bytes) : ::operator new(bytes));
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        if (count * sizeof(T) >= huge_from)
            free_huge(memory);
        else
            ::operator delete(memory);
    }
    bool operator==(const HugeAllocator&) const { return true; }
};

/// Fixed-size blocks of one size, cut from chunks of 2 MiB; freed blocks are used again, chunks stay until
/// the end. Blocks are aligned to 64 bytes when their size is a multiple of it.
class BlockPool {
public:
    explicit BlockPool(std::size_t block_bytes) : block_bytes_(block_bytes) {}
    void* take();
    void give_back(void* block);

private:
    struct Free {
        Free* next;
    };
    struct Release {
        void operator()(void* memory) const noexcept { free_huge(memory); }
    };
    static constexpr std::size_t chunk_bytes = std::size_t{2} << 20;

    std::size_t block_bytes_;
    Free* free_ = nullptr;
    std::byte* next_ = nullptr;
    std::byte* end_ = nullptr;
    std::vector<std::unique_ptr<void, Release>> chunks_;
};

}  // namespace lamplight::state
