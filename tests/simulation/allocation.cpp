// A quick operator new for hopyard-sim, which spends a third of its time in a general one: lists of
// free blocks by size, for one thread. Nothing is given back to the system. Sanitizers bring their
// own.
#ifndef HOPYARD_SANITIZED

#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t step = 16;
constexpr std::size_t classes = 256;  ///< up to 4 KiB
constexpr std::size_t chunk_bytes = 1u << 20;

/// In front of every block; a free one is in the list of its class.
union Header {
    std::size_t size_class;
    Header* next;
    std::max_align_t aligned;
};

std::array<Header*, classes + 1> free_blocks{};
char* fresh = nullptr;
char* fresh_end = nullptr;

Header* carve(std::size_t bytes) {
    if (static_cast<std::size_t>(fresh_end - fresh) < bytes) {
        fresh = static_cast<char*>(std::malloc(chunk_bytes));
        if (fresh == nullptr) throw std::bad_alloc();
        fresh_end = fresh + chunk_bytes;
    }
    auto* block = reinterpret_cast<Header*>(fresh);
    fresh += bytes;
    return block;
}

void* allocate(std::size_t size) {
    const std::size_t size_class = (size + step - 1) / step;
    Header* block = nullptr;
    if (size_class > classes) {
        block = static_cast<Header*>(std::malloc(size + sizeof(Header)));
        if (block == nullptr) throw std::bad_alloc();
    } else if (free_blocks[size_class] != nullptr) {
        block = free_blocks[size_class];
        free_blocks[size_class] = block->next;
    } else {
        block =
            carve((size_class * step + 2 * sizeof(Header) - 1) / sizeof(Header) * sizeof(Header));
    }
    block->size_class = size_class;
    return block + 1;
}

void release(void* memory) {
    if (memory == nullptr) return;
    Header* block = static_cast<Header*>(memory) - 1;
    const std::size_t size_class = block->size_class;
    if (size_class > classes) return std::free(block);
    block->next = free_blocks[size_class];
    free_blocks[size_class] = block;
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate(size);
}
void* operator new[](std::size_t size) {
    return allocate(size);
}
void operator delete(void* memory) noexcept {
    release(memory);
}
void operator delete[](void* memory) noexcept {
    release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    release(memory);
}

#endif
