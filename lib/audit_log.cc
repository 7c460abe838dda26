#include "callwarden/audit_log.h"

#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "lib/audit_chain.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::AuditHasher;
using internal::ChainLink;
using internal::HashText;

/// The number after `"name":`, in lines that hold nothing but numbers of the sink's own.
uint64_t NumberOf(std::string_view line, std::string_view name) noexcept {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) return 0;
  uint64_t number = 0;
  std::from_chars(line.data() + at + name.size(), line.data() + line.size(), number);
  return number;
}

}  // namespace

struct AuditLogVerifier::Impl {
  explicit Impl(AuditVerifyOptions given) : options(std::move(given)), hasher(options.chain_key) {}

  bool Fail(uint64_t sequence, std::string message) {
    summary.error = AuditLogError{file, line + 1, sequence, std::move(message)};
    return false;
  }
  bool TakeLine(std::string_view text);
  bool Check(const ChainLink& link);
  bool EndFile();

  const AuditVerifyOptions options;
  AuditHasher hasher;
  AuditLogSummary summary;
  std::string file;
  std::string pending;  // the begin of a line whose end has not come yet
  uint64_t line = 0;    // whole lines of this file
  uint64_t next = 0;    // sequence number of the next record
};

bool AuditLogVerifier::Impl::TakeLine(std::string_view text) {
  ChainLink link;
  if (!internal::ReadChainLink(text, link)) return Fail(0, "is no line of an audit log");
  if (!Check(link)) return false;
  if (summary.lines == 0) {
    summary.first_sequence = link.seq;
    summary.from_beginning = link.seq == 1 && link.prev.find_first_not_of('0') == std::string_view::npos;
    next = link.seq;
  }
  ++line;
  ++summary.lines;
  if (link.numbered) {
    ++summary.records;
    summary.last_sequence = link.seq;
    ++next;
  }
  if (link.type == "gap") {
    ++summary.gaps;
    summary.records_missing += NumberOf(text, "\"dropped\":") + NumberOf(text, "\"refused\":");
  }
  if (link.type == "recovered") ++summary.recoveries;
  summary.last_hash.assign(link.hash);
  return true;
}

bool AuditLogVerifier::Impl::Check(const ChainLink& link) {
  const std::optional<HashText> hash = hasher.Hash(link.hashed);
  if (!hash.has_value()) return Fail(link.seq, "cannot be hashed: libcrypto fails");
  if (internal::View(*hash) != link.hash) {
    const bool keyed = link.hashed.find("\"chain\":\"hmac-sha256\"") != std::string_view::npos;
    if (link.type == "start" && keyed != hasher.keyed()) {
      return Fail(link.seq, keyed ? "was chained with a key, and none is given"
                                  : "was chained without a key, and one is given");
    }
    return Fail(link.seq, hasher.keyed() ? "was changed, or chained with another key" : "was changed");
  }
  if (summary.lines == 0) return true;
  if (link.prev != summary.last_hash) {
    return Fail(link.seq,
                "does not follow the line before it: a line between them is missing, moved or replaced");
  }
  if (link.seq != next) {
    return Fail(link.seq, "has the wrong number; " + std::to_string(next) + " would be next");
  }
  return true;
}

bool AuditLogVerifier::Impl::EndFile() {
  if (!summary.ok() || pending.empty()) return summary.ok();
  return Fail(0, "is torn: the file ends within it");
}

AuditLogVerifier::AuditLogVerifier(AuditVerifyOptions options) : impl_(new Impl(std::move(options))) {}
AuditLogVerifier::~AuditLogVerifier() = default;

void AuditLogVerifier::BeginFile(std::string_view name) {
  if (!impl_->EndFile()) return;
  impl_->file.assign(name);
  impl_->line = 0;
  ++impl_->summary.files;
}

bool AuditLogVerifier::Add(std::string_view bytes) {
  if (!impl_->summary.ok()) return false;
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    std::string_view line = bytes.substr(0, end);
    if (!impl_->pending.empty()) {
      impl_->pending.append(line);
      line = impl_->pending;
    }
    if (!impl_->TakeLine(line)) return false;
    impl_->pending.clear();
    bytes.remove_prefix(end + 1);
  }
  impl_->pending.append(bytes);
  return impl_->pending.size() <= impl_->options.line_size_max_bytes || impl_->Fail(0, "is too long");
}

AuditLogSummary AuditLogVerifier::Finish() {
  impl_->EndFile();
  return impl_->summary;
}

CALLWARDEN_NAMESPACE_END
