#include "lib/counter_stats.h"

#include <bit>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constinit std::atomic<uint64_t> owned_cells_taken{0};
constinit std::atomic<uint32_t> shared_cells_given{0};
static_assert(kOwnedCells == 64);

uint32_t GiveSharedCell() noexcept {
  return kOwnedCells + shared_cells_given.fetch_add(1, std::memory_order_relaxed) % kSharedCells;
}

// Returns a thread's own cell when the thread ends. The release here and the acquire of the next owner
// are what let cells be added to without atomic read-modify-writes.
struct CellReturner {
  uint32_t cell = kNoCell;
  ~CellReturner() {
    if (cell == kNoCell) return;
    thread_cell = GiveSharedCell();  // for other thread-local objects that die later and still count
    owned_cells_taken.fetch_and(~(uint64_t{1} << cell), std::memory_order_release);
  }
};

}  // namespace

constinit thread_local uint32_t thread_cell = kNoCell;

uint32_t AcquireThreadCell() noexcept {
  uint64_t taken = owned_cells_taken.load(std::memory_order_relaxed);
  while (~taken != 0) {
    const auto cell = static_cast<uint32_t>(std::countr_one(taken));
    if (owned_cells_taken.compare_exchange_weak(taken, taken | (uint64_t{1} << cell),
                                                std::memory_order_acquire, std::memory_order_relaxed)) {
      static thread_local CellReturner returner;
      returner.cell = cell;
      return thread_cell = cell;
    }
  }
  return thread_cell = GiveSharedCell();
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
