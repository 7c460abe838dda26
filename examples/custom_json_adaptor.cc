// A host with a JSON type of its own shows callwarden the value that it is about to dispatch, with nothing
// written out as text: an ArgumentSource that walks the value and calls the writer.

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "callwarden/callwarden.h"

namespace {

/// The host's JSON type, of which callwarden knows nothing.
struct Value {
  using Array = std::vector<Value>;
  using Object = std::vector<std::pair<std::string, Value>>;
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> data;
};

// The adaptor: these 40 lines are all that a JSON type needs.
class ValueArguments final : public callwarden::ArgumentSource {
 public:
  /// Borrows the value until the decision is made.
  explicit ValueArguments(const Value& value) : value_(value) {}

  void Write(callwarden::ArgumentWriter& writer) const noexcept override { WriteValue(value_, writer); }

 private:
  // Every call of the writer returns false once the arguments are refused. To stop then is what bounds the
  // recursion: the writer refuses a value that nests deeper than the policy allows.
  static bool WriteValue(const Value& value, callwarden::ArgumentWriter& writer) noexcept {
    if (const auto* object = std::get_if<Value::Object>(&value.data)) {
      if (!writer.BeginObject()) return false;
      for (const auto& [name, member] : *object) {  // all of them, also names that occur twice
        if (!writer.Name(name) || !WriteValue(member, writer)) return false;
      }
      return writer.EndObject();
    }
    if (const auto* array = std::get_if<Value::Array>(&value.data)) {
      if (!writer.BeginArray()) return false;
      for (const Value& element : *array) {
        if (!WriteValue(element, writer)) return false;
      }
      return writer.EndArray();
    }
    if (const auto* string = std::get_if<std::string>(&value.data)) return writer.String(*string);
    if (const auto* integer = std::get_if<int64_t>(&value.data)) return writer.Int64(*integer);
    if (const auto* real = std::get_if<double>(&value.data)) return writer.Double(*real);
    if (const auto* boolean = std::get_if<bool>(&value.data)) return writer.Boolean(*boolean);
    if (std::holds_alternative<std::nullptr_t>(value.data)) return writer.Null();
    return writer.Unsupported();  // a variant that holds nothing
  }

  const Value& value_;
};

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "tools": {
      "send_mail": {
        "require": [ { "conditions": [ { "path": "args.to[*]", "op": "ends_with", "value": "@example.com" } ] } ]
      }
    }
  })");
  if (!compiled.ok()) return 1;
  callwarden::MemoryCounterStore counters;
  const callwarden::SystemClock clock;

  const auto decide = [&](const char* what, const Value& arguments) {
    const ValueArguments source(arguments);
    const callwarden::Decision decision = compiled.policy()->Decide(
        {.tool = "send_mail", .parsed_arguments = &source, .grant = "agent-42"}, counters, clock.Now());
    std::cout << what << ": " << Name(decision.effect()) << " " << decision.message() << "\n";
  };
  const Value inside{std::string("ann@example.com")};
  const Value outside{std::string("eve@example.org")};
  decide("colleagues", {Value::Object{{"to", {Value::Array{inside, inside}}}}});
  decide("one stranger", {Value::Object{{"to", {Value::Array{inside, outside}}}}});
  decide("a number", {Value::Object{{"to", {Value::Array{{int64_t{7}}}}}}});
  decide("two lists", {Value::Object{{"to", {Value::Array{inside}}}, {"to", {Value::Array{outside}}}}});

  Value deep{nullptr};
  for (int i = 0; i < 1000; ++i) deep = {Value::Array{std::move(deep)}};
  decide("a thousand levels", {Value::Object{{"to", {Value::Array{inside}}}, {"note", std::move(deep)}}});
}
