#ifndef CALLWARDEN_ADAPTORS_NLOHMANN_H_
#define CALLWARDEN_ADAPTORS_NLOHMANN_H_

/// Lets callwarden judge a nlohmann::json value that the host has parsed already. Needs nlohmann_json 3.9 or
/// newer; the umbrella header never includes this one.

#include <concepts>
#include <cstdint>
#include <limits>

#include <nlohmann/json.hpp>

#include "callwarden/arguments.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

/// The arguments of a call, held as a nlohmann::basic_json: json, ordered_json, or one with other types.
///
///     const callwarden::NlohmannArguments arguments(request["params"]["arguments"]);
///     call.parsed_arguments = &arguments;
///
/// The verdict is the one that the text would get, but for what nlohmann_json has lost or changed when it
/// parsed that text, which nobody can see any more:
///
/// * of members of the same name it keeps one (an `ordered_json` that was built by hand may hold several;
///   those are refused);
/// * an integer outside [-2^63, 2^64) has become the nearest double, where the text is refused;
/// * its parser skips a byte order mark (and comments, when told to), and U+0000 ends the text for it;
/// * the bound on the size of arguments counts names and strings, not the text around them.
///
/// Where one of these matters, hand over the text and dispatch what was parsed from that same text by a
/// parser that refuses them. Binary values and discarded ones (of a parse that failed) refuse the call, and
/// so do strings that are not UTF-8, which a host can put into a value although no parser would.
///
/// Thread safety: as the value's own: any number of threads may read it, nobody may change it meanwhile.
/// Ownership: borrows the value, which must outlive the decision.
/// Allocation: none.
/// Errors: none; what cannot be judged is denied as a malformed call.
/// Complexity: linear in the value. The depth of the recursion is bounded by the policy's
/// CompileOptions::arguments_depth_max, whatever the depth of the value.
template <class Json = nlohmann::json>
class NlohmannArguments final : public ArgumentSource {
 public:
  explicit NlohmannArguments(const Json& value CALLWARDEN_LIFETIME_BOUND) noexcept : value_(value) {}
  explicit NlohmannArguments(const Json&&) = delete;  // would be gone before the decision

  void Write(ArgumentWriter& writer) const noexcept override { WriteValue(value_, writer); }

 private:
  using Integer = typename Json::number_integer_t;
  using Unsigned = typename Json::number_unsigned_t;
  using Float = typename Json::number_float_t;
  static_assert(std::signed_integral<Integer> && sizeof(Integer) <= sizeof(int64_t));
  static_assert(std::unsigned_integral<Unsigned> && sizeof(Unsigned) <= sizeof(uint64_t));
  static_assert(std::floating_point<Float> &&
                std::numeric_limits<Float>::digits <= std::numeric_limits<double>::digits);

  // False once the call is refused. That bounds the recursion, since the writer refuses what nests too deep.
  // NOLINTNEXTLINE(misc-no-recursion)
  static bool WriteValue(const Json& value, ArgumentWriter& writer) noexcept {
    using Type = typename Json::value_t;
    switch (value.type()) {
      case Type::object:
        if (!writer.BeginObject()) return false;
        for (const auto& [name, member] : *value.template get_ptr<const typename Json::object_t*>()) {
          if (!writer.Name(name) || !WriteValue(member, writer)) return false;
        }
        return writer.EndObject();
      case Type::array:
        if (!writer.BeginArray()) return false;
        for (const Json& element : *value.template get_ptr<const typename Json::array_t*>()) {
          if (!WriteValue(element, writer)) return false;
        }
        return writer.EndArray();
      case Type::string:
        return writer.String(*value.template get_ptr<const typename Json::string_t*>());
      case Type::boolean:
        return writer.Boolean(*value.template get_ptr<const typename Json::boolean_t*>());
      case Type::number_integer:
        return writer.Int64(*value.template get_ptr<const Integer*>());
      case Type::number_unsigned:
        return writer.Uint64(*value.template get_ptr<const Unsigned*>());
      case Type::number_float:
        return writer.Double(static_cast<double>(*value.template get_ptr<const Float*>()));
      case Type::null:
        return writer.Null();
      case Type::binary:
      case Type::discarded:
        break;
    }
    return writer.Unsupported();
  }

  const Json& value_;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_ADAPTORS_NLOHMANN_H_
