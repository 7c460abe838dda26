#include "lib/json_tree.h"

#include "lib/json_scanner.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

class TreeBuilder {
 public:
  TreeBuilder(JsonTree& tree, uint32_t depth_max) : tree_(tree), depth_max_(depth_max) {}

  bool BeginObject(std::size_t begin) { return Begin(JsonValue::Type::kObject, begin); }
  bool BeginArray(std::size_t begin) { return Begin(JsonValue::Type::kArray, begin); }
  bool EndObject(std::size_t end) { return End(end); }
  bool EndArray(std::size_t end) { return End(end); }

  bool Name(std::string_view name, bool, std::size_t begin) {
    if (too_deep_ != 0) return true;
    open_.back()->members.push_back({std::string(name), static_cast<uint32_t>(begin), {}});
    return true;
  }
  bool String(std::string_view text, bool, std::size_t begin, std::size_t end) {
    if (JsonValue* v = Scalar(JsonValue::Type::kString, begin, end)) v->string = text;
    return true;
  }
  bool Number(const internal::Number* number, std::size_t begin, std::size_t end) {
    const auto type = number == nullptr ? JsonValue::Type::kUnrepresentable : JsonValue::Type::kNumber;
    JsonValue* v = Scalar(type, begin, end);
    if (v != nullptr && number != nullptr) v->number = *number;
    return true;
  }
  bool Boolean(bool value, std::size_t begin, std::size_t end) {
    if (JsonValue* v = Scalar(JsonValue::Type::kBoolean, begin, end)) v->boolean = value;
    return true;
  }
  bool Null(std::size_t begin, std::size_t end) {
    Scalar(JsonValue::Type::kNull, begin, end);
    return true;
  }

 private:
  // The place that the next value goes to. Pointers in `open_` stay good: a container grows only while it is
  // the innermost one open.
  JsonValue* Place() {
    if (open_.empty()) return &tree_.root;
    JsonValue& parent = *open_.back();
    if (parent.Is(JsonValue::Type::kObject)) return &parent.members.back().value;
    return &parent.items.emplace_back();
  }
  JsonValue* Scalar(JsonValue::Type type, std::size_t begin, std::size_t end) {
    if (too_deep_ != 0) return nullptr;
    JsonValue* v = Place();
    v->type = type;
    v->begin = static_cast<uint32_t>(begin);
    v->end = static_cast<uint32_t>(end);
    return v;
  }
  bool Begin(JsonValue::Type type, std::size_t begin) {
    if (too_deep_ != 0) {
      ++too_deep_;
      return true;
    }
    JsonValue* v = Place();
    v->begin = static_cast<uint32_t>(begin);
    if (open_.size() == depth_max_) {
      v->type = JsonValue::Type::kTooDeep;
      too_deep_ = 1;
      tree_.too_deep = true;
      return true;
    }
    v->type = type;
    open_.push_back(v);
    return true;
  }
  bool End(std::size_t end) {
    if (too_deep_ != 0) {
      --too_deep_;
      return true;
    }
    open_.back()->end = static_cast<uint32_t>(end);
    open_.pop_back();
    return true;
  }

  JsonTree& tree_;
  uint32_t depth_max_;
  std::vector<JsonValue*> open_;
  std::size_t too_deep_ = 0;  // containers open below the bound
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view name) const noexcept {
  for (const JsonMember& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

TextPosition LineCursor::At(std::size_t offset) noexcept {
  if (offset < offset_) {
    offset_ = 0;
    position_ = {};
  }
  for (; offset_ < offset && offset_ < text_.size(); ++offset_) {
    const auto b = static_cast<unsigned char>(text_[offset_]);
    if (b == '\n') {
      ++position_.line;
      position_.column = 1;
    } else if ((b & 0xC0) != 0x80) {
      ++position_.column;
    }
  }
  return position_;
}

JsonTree ParseJsonTree(std::string_view text, uint32_t depth_max) {
  JsonTree tree;
  TreeBuilder builder(tree, depth_max);
  ScanBuffers buffers;
  const ScanResult result = JsonScanner<TreeBuilder&>(text, buffers, builder).Scan();
  if (result.status != ScanResult::Status::kOk) tree.invalid_at = result.offset;
  return tree;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
