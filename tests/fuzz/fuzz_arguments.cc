// The reader takes exactly what the oracle's reader takes: any bytes as the arguments of a call under a
// policy that reads nothing, and the same value through an adaptor that the oracle has read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "callwarden/callwarden.h"

#include "tests/differential/json.h"
#include "tests/fuzz/check.h"

namespace {

constexpr int kDepthMax = 8;  // small, so that inputs reach it

const callwarden::CompiledPolicy& Policy() {
  static const auto* const policy = new std::shared_ptr<const callwarden::CompiledPolicy>([] {
    callwarden::CompileOptions options;
    options.arguments_depth_max = kDepthMax;
    options.arguments_size_max_bytes = 4096;
    return callwarden::CompiledPolicy::Compile(R"({"version":"1","default":"allow"})", options).policy();
  }());
  return **policy;
}

// Hands the oracle's tree over as a host's own value.
class TreeSource final : public callwarden::ArgumentSource {
 public:
  explicit TreeSource(const reference::Value& root) : root_(root) {}
  void Write(callwarden::ArgumentWriter& writer) const noexcept override { Write(root_, writer); }

 private:
  static bool Write(const reference::Value& value, callwarden::ArgumentWriter& writer) noexcept {
    using Type = reference::Value::Type;
    switch (value.type) {
      case Type::kNull:
        return writer.Null();
      case Type::kBoolean:
        return writer.Boolean(value.boolean);
      case Type::kInteger:
        if (value.integer < 0) return writer.Int64(static_cast<int64_t>(value.integer));
        return writer.Uint64(static_cast<uint64_t>(value.integer));
      case Type::kReal:
        return writer.Double(value.real);
      case Type::kString:
        return writer.String(value.string);
      case Type::kArray:
        if (!writer.BeginArray()) return false;
        for (const reference::Value& item : value.items) {
          if (!Write(item, writer)) return false;
        }
        return writer.EndArray();
      case Type::kObject:
        if (!writer.BeginObject()) return false;
        for (const reference::Member& member : value.members) {
          if (!writer.Name(member.name) || !Write(member.value, writer)) return false;
        }
        return writer.EndObject();
    }
    return false;
  }
  const reference::Value& root_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  // An allocation of exactly this size: one byte read too many is seen.
  const std::unique_ptr<char[]> exact(new char[size]);
  if (size != 0) std::memcpy(exact.get(), data, size);
  const std::string_view text(exact.get(), size);
  callwarden::ToolCall call;
  call.tool = "any";
  call.arguments = text;
  const callwarden::Decision decision =
      Policy().Decide(call, callwarden::fuzz::Counters(), callwarden::fuzz::kNow);
  const bool accepted = reference::AcceptsArguments(text, 4096, kDepthMax);
  FUZZ_CHECK(decision.allowed() == accepted);
  FUZZ_CHECK(accepted || decision.reason() == callwarden::Reason::kMalformedCall);
  FUZZ_CHECK(accepted || decision.message().starts_with("Arguments refused: "));
  if (!accepted) return 0;
  const reference::ReadResult read =
      reference::ReadJson(text, {.size_max_bytes = 4096, .depth_max = kDepthMax});
  FUZZ_CHECK(read.value.has_value());
  const TreeSource source(*read.value);
  call.arguments.reset();
  call.parsed_arguments = &source;
  FUZZ_CHECK(Policy().Decide(call, callwarden::fuzz::Counters(), callwarden::fuzz::kNow).allowed());
  return 0;
}
