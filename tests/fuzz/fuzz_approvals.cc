// The approvals file. The first byte of an input says how the rest is used: as the file's bytes, or as lines
// that are given right checks here, so that their content is reached.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "callwarden/approvals.h"

#include "tests/fuzz/check.h"
#include "tests/temporary_folder.h"

namespace {

using callwarden::Approval;
using callwarden::ApprovalState;
using callwarden::ApprovalStatus;
using callwarden::ApprovalStore;

constexpr std::string_view kHeader = "{\"callwarden_approvals\":1}\n";

// A file of this process's own, which goes with it.
class ScratchFile {
 public:
  const std::string& path() const { return path_; }
  void Write(std::string_view bytes) const {
    ::unlink(path_.c_str());
    std::FILE* const file = std::fopen(path_.c_str(), "wb");
    FUZZ_CHECK(file != nullptr);
    FUZZ_CHECK(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    FUZZ_CHECK(std::fclose(file) == 0);
    FUZZ_CHECK(::chmod(path_.c_str(), S_IRUSR | S_IWUSR) == 0);
  }

 private:
  callwarden_test::TemporaryFolder folder_;
  std::string path_ = folder_ / "approvals.jsonl";
};

uint32_t Crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
  }
  return ~crc;
}

// Each line (an object without its closing brace) with the check that it needs.
std::string Sealed(std::string_view lines) {
  std::string file(kHeader);
  uint32_t check = 0;
  while (!lines.empty()) {
    const std::size_t size = std::min(lines.find('\n'), lines.size());
    std::string text;
    for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>(check >> shift & 0xFF);
    text.append(lines.substr(0, size));
    check = Crc32c(text);
    char hex[9];
    std::snprintf(hex, sizeof hex, "%08x", static_cast<unsigned>(check));
    file.append(lines.substr(0, size)).append(",\"check\":\"").append(hex).append("\"}\n");
    lines.remove_prefix(std::min(size + 1, lines.size()));
  }
  return file;
}

bool Same(const Approval& a, const Approval& b) {
  return a.id == b.id && a.state == b.state && a.digest == b.digest && a.tool == b.tool &&
         a.grant == b.grant && a.session == b.session && a.rule == b.rule && a.message == b.message &&
         a.arguments == b.arguments && a.requested_at == b.requested_at && a.expires_at == b.expires_at &&
         a.answered_by == b.answered_by && a.note == b.note && a.answered_at == b.answered_at;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const ScratchFile file;
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool sealed = data[0] % 2 == 1;
  file.Write(sealed ? Sealed(rest) : std::string(rest));
  callwarden::ManualClock clock(callwarden::fuzz::kNow);
  callwarden::ApprovalStoreOptions options;
  options.path = file.path();
  options.clock = &clock;
  std::vector<Approval> list;
  {
    ApprovalStore store(options);
    list = store.List(/*live_only=*/false);
    FUZZ_CHECK(list.empty() || store.status().ok());
    if (!store.status().ok()) {
      // A file that does not hold gives and takes nothing.
      FUZZ_CHECK(store.Present("id", {}) == ApprovalStatus::kFailed);
      FUZZ_CHECK(!store.Request({.tool = "t"}, {}).error.ok());
      return 0;
    }
    for (const Approval& approval : list) {
      FUZZ_CHECK(!approval.id.empty() && approval.id.size() <= callwarden::Decision::kApprovalIdMax);
      callwarden::CallDigest other = approval.digest;
      other[31] ^= 1;
      FUZZ_CHECK(store.Present(approval.id, other) == ApprovalStatus::kOtherCall);
      const bool ready = store.Present(approval.id, approval.digest) == ApprovalStatus::kReady;
      FUZZ_CHECK(ready == (approval.state == ApprovalState::kApproved));
      FUZZ_CHECK(!ready || approval.expires_at > callwarden::fuzz::kNow);
    }
  }
  // What it holds is there again, and can be used once.
  ApprovalStore again(options);
  const std::vector<Approval> second = again.List(/*live_only=*/false);
  FUZZ_CHECK(second.size() == list.size() && std::equal(list.begin(), list.end(), second.begin(), Same));
  for (const Approval& approval : list) {
    if (approval.state != ApprovalState::kApproved) continue;
    FUZZ_CHECK(again.Present(approval.id, approval.digest) == ApprovalStatus::kReady);
    FUZZ_CHECK(again.Consume(approval.id));
    FUZZ_CHECK(again.Present(approval.id, approval.digest) == ApprovalStatus::kUsed);
  }
  FUZZ_CHECK(ApprovalStore(options).List().size() <= list.size());
  return 0;
}
