#include "state/huge_memory.hpp"

#include <sys/mman.h>

#include <cstdlib>

namespace lamplight::state {

namespace {
constexpr std::size_t huge_page = std::size_t{2} << 20;
}

void* allocate_huge(std::size_t bytes) {
    const std::size_t rounded = (bytes + huge_page - 1) / huge_page * huge_page;
    void* memory = std::aligned_alloc(huge_page, rounded);
    if (memory == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    madvise(memory, rounded, MADV_HUGEPAGE);  // advice only: without huge pages it is slower, not wrong
#endif
    return memory;
}

void free_huge(void* memory) noexcept {
    std::free(memory);
}

void* BlockPool::take() {
    if (free_ != nullptr) {
        Free* block = free_;
        free_ = block->next;
        return block;
    }
    if (static_cast<std::size_t>(end_ - next_) < block_bytes_) {
        next_ = static_cast<std::byte*>(allocate_huge(chunk_bytes));
        end_ = next_ + chunk_bytes;
        chunks_.emplace_back(next_);
    }
    std::byte* block = next_;
    next_ += block_bytes_;
    return block;
}

void BlockPool::give_back(void* block) {
    free_ = new (block) Free{free_};
}

}  // namespace lamplight::state
