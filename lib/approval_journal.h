#ifndef CALLWARDEN_LIB_APPROVAL_JOURNAL_H_
#define CALLWARDEN_LIB_APPROVAL_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "callwarden/approvals.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A file of lines that several processes add to, each under the file's lock.
///
/// The first line says what the file is. Every other is a JSON object that ends in `,"check":"HHHHHHHH"}`:
/// CRC-32C over the check of the line before (four bytes, least significant first; 0 after the first line)
/// and over the line's text up to that member. A line that was changed, removed, repeated or moved is so
/// found; the check does not keep out who means to forge one.
///
/// An operation takes the lock (flock), reads what others have added, and adds its own lines with one write.
/// What is left of a write that did not come to its end is the beginning of a line, without a line feed, or
/// zeros: the next operation cuts it off. Anything else that does not hold is damage, and the journal is of
/// no use until another file lies there. A journal that has grown is rewritten beside the file, with the new
/// file locked before it takes the old one's place; so whoever gets the lock looks whether the path still
/// leads to that file, and begins anew when it does not.
///
/// Thread safety: one thread at a time. Errors: as values; nothing is done by halves.
class ApprovalJournal {
 public:
  /// Hears of the journal's content, in order.
  class Reader {
   public:
    /// All that was read is void: another file took the place of the one before.
    virtual void Restart() = 0;
    /// One more line, without check and line feed. False when it does not follow from those before.
    virtual bool Apply(std::string_view line) = 0;

   protected:
    ~Reader() = default;
  };

  ApprovalJournal(std::string path, bool sync) : path_(std::move(path)), sync_(sync) {}
  ApprovalJournal(const ApprovalJournal&) = delete;  // owns the descriptor
  ApprovalJournal& operator=(const ApprovalJournal&) = delete;
  ~ApprovalJournal();

  /// Opens or creates the file where that is needed, takes the lock and tells `reader` what is new. Unlock
  /// must follow when this gives no error, and only then.
  ApprovalError Lock(Reader& reader);
  void Unlock() noexcept;

  /// Adds lines, given as objects without their closing brace, all or none. With the lock. `written` says
  /// whether they are in the file; they may be when the disk refused to be forced.
  ApprovalError Append(std::span<const std::string> bodies, bool& written);
  /// Replaces the file by one of these lines. With the lock, which is then that of the new file. False, and
  /// nothing changed, when that cannot be done, as when the file is of another user.
  bool Rewrite(std::span<const std::string> bodies);

  /// Lines, the first not counted.
  uint64_t lines() const noexcept { return lines_; }

 private:
  ApprovalError OpenLocked(Reader& reader);
  ApprovalError ReadNew(Reader& reader);
  ApprovalError TakeLines(std::string& bytes, std::size_t scanned, Reader& reader);
  ApprovalError TakeTail(std::string_view tail, Reader& reader);
  ApprovalError Begin();
  ApprovalError Damaged();
  bool CheckHolds(std::string_view line, std::string_view& body, uint32_t& check) const;
  std::string Seal(std::span<const std::string> bodies, uint32_t& check) const;
  void Close() noexcept;

  std::string path_;
  bool sync_;
  int fd_ = -1;
  uint64_t end_ = 0;    // of the last whole line that was read or written
  uint64_t lines_ = 0;  // up to there
  uint32_t check_ = 0;  // of the last line
  uint64_t damaged_line_ = 0;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_APPROVAL_JOURNAL_H_
