#ifndef CALLWARDEN_LIB_SCRATCH_H_
#define CALLWARDEN_LIB_SCRATCH_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A growing array for per-thread scratch: keeps its memory when cleared and reports, rather than throws,
/// when there is none.
template <class T>
class ScratchVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T& back() noexcept { return data_[size_ - 1]; }
  const T& back() const noexcept { return data_[size_ - 1]; }

  void clear() noexcept { size_ = 0; }
  /// Shortens, never lengthens.
  void truncate(std::size_t size) noexcept { size_ = size; }
  void pop_back() noexcept { --size_; }
  /// Sets the size to one that is known to fit; elements that this adds must have been written.
  void resize_within_capacity(std::size_t size) noexcept { size_ = size; }

  /// False, and nothing changed, when there is no memory.
  [[nodiscard]] bool push_back(const T& value) noexcept {
    if (size_ == capacity_) [[unlikely]] {
      const T copy = value;  // `value` may live in the memory that reserve gives up
      if (!Grow(size_ + 1)) return false;
      data_[size_++] = copy;
      return true;
    }
    data_[size_++] = value;
    return true;
  }
  /// Adds an element and returns it, unset, to be written in place; null, and nothing changed, when there is
  /// no memory.
  [[nodiscard]] T* add_unset() noexcept {
    if (size_ == capacity_ && !Grow(size_ + 1)) [[unlikely]] {
      return nullptr;
    }
    return &data_[size_++];
  }
  /// Makes room for `capacity` elements; false when there is no memory.
  [[nodiscard]] bool reserve(std::size_t capacity) noexcept {
    return capacity <= capacity_ || Grow(capacity);
  }
  /// Sets the size; new elements are unset. False when there is no memory.
  [[nodiscard]] bool resize_unset(std::size_t size) noexcept {
    if (!reserve(size)) return false;
    size_ = size;
    return true;
  }

 private:
  [[gnu::noinline]] bool Grow(std::size_t at_least) noexcept {
    std::size_t capacity = capacity_ == 0 ? 16 : capacity_;
    while (capacity < at_least) capacity *= 2;
    std::unique_ptr<T[]> grown(new (std::nothrow) T[capacity]);
    if (grown == nullptr) return false;
    if (size_ != 0) std::memcpy(static_cast<void*>(grown.get()), data_.get(), size_ * sizeof(T));
    data_ = std::move(grown);
    capacity_ = capacity;
    return true;
  }

  std::unique_ptr<T[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SCRATCH_H_
