#include "simulation/fibers.h"

#include <algorithm>

#include <sys/mman.h>

#include "base/check.h"

#if defined(HOPYARD_ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#define HOPYARD_FIBERS_TELL_ASAN 1
#endif

namespace hopyard::simulation {
namespace {

constexpr std::size_t stack_bytes = 1u << 20;  // touched pages only

class Stack {
  public:
    Stack() {
        void* memory = ::mmap(nullptr,
                              stack_bytes,
                              PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                              -1,
                              0);
        CHECK(memory != MAP_FAILED);
        bottom_ = static_cast<char*>(memory);
    }
    ~Stack() { ::munmap(bottom_, stack_bytes); }
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;
    char* bottom() const { return bottom_; }

  private:
    char* bottom_;
};

/// The sanitizer has to know on which stack it is.
void before_switch([[maybe_unused]] void** save,
                   [[maybe_unused]] const void* bottom,
                   [[maybe_unused]] std::size_t size) {
#ifdef HOPYARD_FIBERS_TELL_ASAN
    __sanitizer_start_switch_fiber(save, bottom, size);
#endif
}

void after_switch([[maybe_unused]] void* saved,
                  [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] std::size_t* size) {
#ifdef HOPYARD_FIBERS_TELL_ASAN
    __sanitizer_finish_switch_fiber(saved, bottom, size);
#endif
}

}  // namespace

struct Fibers::Fiber {
    Stack stack;
    ucontext_t own{};
    ucontext_t back{};
    int program = 0;
    std::uint64_t use = 0;  ///< rises with every body, so that an old wake-up finds nobody
    std::function<void()> body;
    bool active = false;
    bool killed = false;
    bool died = false;
    void* sanitizer_own = nullptr;
    void* sanitizer_back = nullptr;
    const void* back_bottom = nullptr;
    std::size_t back_size = 0;
};

Fibers::Fibers(Queue& queue, std::function<void(int)> on_death)
    : queue_(queue), on_death_(std::move(on_death)) {}

Fibers::~Fibers() {
    for (const auto& fiber : fibers_)
        if (fiber->active) {
            fiber->killed = true;
            resume(*fiber);
        }
}

void Fibers::entry(unsigned low, unsigned high) {
    const auto address = (static_cast<std::uint64_t>(high) << 32) | low;
    auto& fiber = *reinterpret_cast<Fiber*>(address);
    after_switch(nullptr, &fiber.back_bottom, &fiber.back_size);
    for (;;) {
        try {
            if (!fiber.killed) fiber.body();
        } catch (const ProgramDied&) {
            fiber.died = !fiber.killed;
        }
        fiber.body = nullptr;
        fiber.active = false;
        before_switch(&fiber.sanitizer_own, fiber.back_bottom, fiber.back_size);
        ::swapcontext(&fiber.own, &fiber.back);
        after_switch(fiber.sanitizer_own, &fiber.back_bottom, &fiber.back_size);
    }
}

Fibers::Fiber& Fibers::take() {
    if (!idle_.empty()) {
        Fiber& fiber = *idle_.back();
        idle_.pop_back();
        return fiber;
    }
    fibers_.push_back(std::make_unique<Fiber>());
    prepare(*fibers_.back());
    return *fibers_.back();
}

void Fibers::prepare(Fiber& fiber) {
    CHECK(::getcontext(&fiber.own) == 0);
    fiber.own.uc_stack.ss_sp = fiber.stack.bottom();
    fiber.own.uc_stack.ss_size = stack_bytes;
    const auto address = reinterpret_cast<std::uint64_t>(&fiber);
    ::makecontext(&fiber.own,
                  reinterpret_cast<void (*)()>(&Fibers::entry),
                  2,
                  static_cast<unsigned>(address),
                  static_cast<unsigned>(address >> 32));
}

Fibers::Fiber& Fibers::begin(int program, std::function<void()> body) {
    Fiber& fiber = take();
    fiber.program = program;
    fiber.body = std::move(body);
    fiber.active = true;
    fiber.killed = fiber.died = false;
    ++fiber.use;
    return fiber;
}

void Fibers::start(int program, Milliseconds delay, std::function<void()> body) {
    wake_at(begin(program, std::move(body)), queue_.now() + delay);
}

void Fibers::start_at_once(int program, std::function<void()> body) {
    run(begin(program, std::move(body)));
}

void Fibers::wake_at(Fiber& fiber, Timestamp time) {
    queue_.at(time, [this, &fiber, use = fiber.use] {
        if (fiber.use != use || !fiber.active) return;
        for (const auto& [program, until] : frozen_)
            if (program == fiber.program && until > queue_.now()) return wake_at(fiber, until);
        run(fiber);
    });
}

void Fibers::run(Fiber& fiber) {
    resume(fiber);
    if (fiber.active) return;
    ++fiber.use;
    idle_.push_back(&fiber);
    if (fiber.died) on_death_(fiber.program);
}

void Fibers::resume(Fiber& fiber) {
    CHECK(current_ == nullptr);
    current_ = &fiber;
    before_switch(&fiber.sanitizer_back, fiber.stack.bottom(), stack_bytes);
    ::swapcontext(&fiber.back, &fiber.own);
    after_switch(fiber.sanitizer_back, nullptr, nullptr);
    current_ = nullptr;
}

void Fibers::sleep(Milliseconds delay) {
    CHECK(current_ != nullptr);
    Fiber& fiber = *current_;
    wake_at(fiber, queue_.now() + delay);
    before_switch(&fiber.sanitizer_own, fiber.back_bottom, fiber.back_size);
    ::swapcontext(&fiber.own, &fiber.back);
    after_switch(fiber.sanitizer_own, &fiber.back_bottom, &fiber.back_size);
    if (fiber.killed) throw ProgramDied();
}

void Fibers::kill(int program) {
    CHECK(current_ == nullptr);
    for (std::size_t i = 0; i < fibers_.size(); ++i) {
        Fiber& fiber = *fibers_[i];
        if (!fiber.active || fiber.program != program) continue;
        fiber.killed = true;
        run(fiber);
    }
    std::erase_if(frozen_, [&](const auto& entry) { return entry.first == program; });
}

void Fibers::freeze(int program, Timestamp until) {
    std::erase_if(frozen_, [&](const auto& entry) { return entry.first == program; });
    frozen_.emplace_back(program, until);
}

std::size_t Fibers::alive(int program) const {
    return static_cast<std::size_t>(
        std::count_if(fibers_.begin(), fibers_.end(), [&](const auto& fiber) {
            return fiber->active && fiber->program == program;
        }));
}

}  // namespace hopyard::simulation
