#ifndef CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_JSON_ARGUMENTS_H_
#define CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_JSON_ARGUMENTS_H_

#include <string>

#include <nlohmann/json.hpp>

#include "callwarden/arguments.h"

/// Shows callwarden a nlohmann::json value that has been parsed already: the very tree that the tool will
/// be given, so that nothing can be read in two ways.
///
/// Borrows the value, which must outlive the decision and stay as it is.
class JsonArguments final : public callwarden::ArgumentSource {
 public:
  explicit JsonArguments(const nlohmann::json& value) : value_(value) {}

  void Write(callwarden::ArgumentWriter& writer) const noexcept override { Walk(value_, writer); }

 private:
  /// False once the call is refused. That also bounds the recursion: the writer refuses deep nesting.
  static bool Walk(const nlohmann::json& value, callwarden::ArgumentWriter& writer) noexcept {
    switch (value.type()) {
      case nlohmann::json::value_t::object:
        if (!writer.BeginObject()) return false;
        for (auto member = value.begin(); member != value.end(); ++member) {
          if (!writer.Name(member.key()) || !Walk(*member, writer)) return false;
        }
        return writer.EndObject();
      case nlohmann::json::value_t::array:
        if (!writer.BeginArray()) return false;
        for (const nlohmann::json& element : value) {
          if (!Walk(element, writer)) return false;
        }
        return writer.EndArray();
      case nlohmann::json::value_t::string:
        return writer.String(*value.get_ptr<const std::string*>());
      case nlohmann::json::value_t::boolean:
        return writer.Boolean(*value.get_ptr<const bool*>());
      case nlohmann::json::value_t::number_integer:
        return writer.Int64(*value.get_ptr<const nlohmann::json::number_integer_t*>());
      case nlohmann::json::value_t::number_unsigned:
        return writer.Uint64(*value.get_ptr<const nlohmann::json::number_unsigned_t*>());
      case nlohmann::json::value_t::number_float:
        return writer.Double(*value.get_ptr<const nlohmann::json::number_float_t*>());
      case nlohmann::json::value_t::null:
        return writer.Null();
      case nlohmann::json::value_t::binary:
      case nlohmann::json::value_t::discarded:
        break;
    }
    return writer.Unsupported();
  }

  const nlohmann::json& value_;
};

#endif  // CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_JSON_ARGUMENTS_H_
