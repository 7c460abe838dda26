// Any bytes as an audit log: whatever they are, the verifier ends, says the same however they come in pieces,
// and takes no line for good that does not say its own hash.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/audit_log.h"

#include "check.h"

namespace {

using callwarden::AuditLogSummary;
using callwarden::AuditLogVerifier;

AuditLogSummary Verify(std::string_view text, std::size_t piece) {
  AuditLogVerifier verifier;
  verifier.BeginFile("log");
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!verifier.Add(text.substr(at, piece))) break;
  }
  return verifier.Finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const AuditLogSummary whole = Verify(text, size + 1);
  const AuditLogSummary pieces = Verify(text, size % 61 + 1);
  FUZZ_CHECK(whole.ok() == pieces.ok());
  FUZZ_CHECK(whole.lines == pieces.lines);
  FUZZ_CHECK(whole.records == pieces.records);
  FUZZ_CHECK(whole.last_hash == pieces.last_hash);
  FUZZ_CHECK(whole.records <= whole.lines);
  FUZZ_CHECK(whole.last_hash.size() == (whole.lines == 0 ? 0u : 64u));
  if (!whole.ok()) {
    FUZZ_CHECK(pieces.error->line == whole.error->line);
    FUZZ_CHECK(pieces.error->message == whole.error->message);
    FUZZ_CHECK(whole.error->line == whole.lines + 1);
  }
  // Bytes after a whole log are noticed, be they a single blank.
  if (whole.ok() && size > 0) {
    AuditLogVerifier verifier;
    verifier.BeginFile("log");
    verifier.Add(text);
    verifier.Add(" ");
    FUZZ_CHECK(!verifier.Finish().ok());
  }
  return 0;
}
