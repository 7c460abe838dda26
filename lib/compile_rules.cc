#include <algorithm>
#include <array>

#include "lib/compiler.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Type = JsonValue::Type;

constexpr unsigned kCombinatorsMax = 16;

struct OperatorName {
  std::string_view name;
  Operator op;
  bool negated = false;
};
constexpr std::array<OperatorName, 18> kOperators{{{"eq", Operator::kEq},
                                                   {"neq", Operator::kEq, true},
                                                   {"in", Operator::kIn},
                                                   {"not_in", Operator::kIn, true},
                                                   {"lt", Operator::kLt},
                                                   {"lte", Operator::kLte},
                                                   {"gt", Operator::kGt},
                                                   {"gte", Operator::kGte},
                                                   {"exists", Operator::kExists},
                                                   {"regex", Operator::kRegex},
                                                   {"contains", Operator::kContains},
                                                   {"starts_with", Operator::kStartsWith},
                                                   {"ends_with", Operator::kEndsWith},
                                                   {"glob", Operator::kGlob},
                                                   {"type", Operator::kType},
                                                   {"format", Operator::kFormat},
                                                   {"min_length", Operator::kMinLength},
                                                   {"max_length", Operator::kMaxLength}}};

constexpr std::array<std::pair<std::string_view, uint8_t>, 6> kTypes{{{"string", kStringBit},
                                                                      {"number", kNumberBit},
                                                                      {"integer", kIntegerBit},
                                                                      {"boolean", kBooleanBit},
                                                                      {"array", kArrayBit},
                                                                      {"object", kObjectBit}}};

// A test that stands directly in a rule's conditions.
struct TopTest {
  uint32_t test = 0;
  Path::Root root = Path::Root::kArguments;
  uint32_t number = 0;
  bool arguments_itself = false;
};

}  // namespace

struct Compiler::RuleContext {
  ListKind kind;
  bool enforced;
  EntryDraft& draft;
  std::string derived_name;      // PATH-OP of the first test
  std::vector<uint32_t> labels;  // test that each label stands for
  std::vector<TopTest> top_tests;
  std::size_t condition_count = 0;
};

Range Compiler::ReadRules(const JsonValue& value, const Where& where, ListKind kind, EntryDraft& draft) {
  Program& p = *program_;
  struct Names {
    std::string given;
    std::string derived;
  };
  std::vector<Names> names;
  NameMap<bool> taken;
  const auto begin = static_cast<uint32_t>(p.rules.size());
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const JsonValue& item = value.items[i];
    const Where at(where, i);
    if (!CheckType(item, Type::kObject, at, "a rule", diagnostics_)) continue;
    const std::size_t errors = diagnostics_.errors();
    const std::string_view text_key = kind == ListKind::kRequireApprovalIf ? "reason" : "on_deny";
    std::array<KnownKey, 4> keys{{{"name"}, {"conditions"}, {text_key}, {"mode"}}};
    ReadMembers(item, at, keys, diagnostics_);
    Names name;
    if (const JsonValue* v = keys[0].value();
        v != nullptr && CheckType(*v, Type::kString, Where(at, "name"), "a rule's name", diagnostics_)) {
      if (v->string.empty()) {
        diagnostics_.Error("bad_value", Where(at, "name"), v->begin, "a rule's name is empty");
      } else if (!taken.emplace(v->string, true).second) {
        diagnostics_.Error("duplicate_name", Where(at, "name"), v->begin,
                           "another rule of this list is named " + Quoted(v->string));
      } else {
        name.given = v->string;
      }
    }
    Rule rule;
    rule.message = ReadText(keys[2].value(), Where(at, text_key), text_key);
    const std::optional<bool> shadow = ReadMode(keys[3].value(), Where(at, "mode"));
    rule.shadow = shadow_document_ || shadow.value_or(false);
    RuleContext context{kind, !rule.shadow, draft, {}, {}, {}, 0};
    const auto first_test = static_cast<uint32_t>(p.tests.size());
    if (const JsonValue* v = keys[1].value(); v == nullptr) {
      diagnostics_.Error("missing_key", at, item.begin, "a rule has no conditions",
                         "\"conditions\": [] holds always");
    } else if (const Where list_at(at, "conditions");
               CheckType(*v, Type::kArray, list_at, "conditions", diagnostics_)) {
      context.condition_count = v->items.size();
      if (!v->items.empty()) ReadConditions(*v, list_at, context, {}, /*all=*/true);
      if (diagnostics_.errors() == errors) CheckMeaning(item, at, context);
    }
    const auto bind = [&](uint32_t target) { return target >= kRuleHolds ? target : context.labels[target]; };
    for (auto t = first_test; t < p.tests.size(); ++t) {
      p.tests[t].if_passed = bind(p.tests[t].if_passed);
      p.tests[t].if_not = bind(p.tests[t].if_not);
    }
    rule.first_test = first_test == p.tests.size() ? kRuleHolds : first_test;
    rule.tests_end = static_cast<uint32_t>(p.tests.size());
    name.derived = context.derived_name.empty() ? std::to_string(i) : context.derived_name;
    names.push_back(std::move(name));
    p.rules.push_back(rule);
  }
  // Explicit names are given first; derived ones, in the document's order, take what is free.
  const std::string prefix = where.Pointer();
  std::vector<std::string> kept;  // owns the names that `taken` views
  NameMap<std::size_t> tried;     // the last number given to a derived name
  kept.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    Rule& rule = p.rules[begin + i];
    std::string name = names[i].given;
    if (name.empty()) {
      name = names[i].derived;
      // Names are only ever taken, so the search goes on where it last stopped.
      std::size_t& n = tried[names[i].derived];
      while (taken.contains(name)) name = names[i].derived + '#' + std::to_string(n == 0 ? n = 2 : ++n);
      kept.push_back(name);
      taken.emplace(kept.back(), true);
    }
    std::string id = prefix;
    AppendPointer(id, name);
    rule.id = Keep(id);
    if (rule.message.empty() && kind != ListKind::kRequireApprovalIf) {
      const std::string message = "Denied by rule \"" + name + "\"";
      rule.message = Share(CutAtCodePoint(message, Verdict::kMessageMax));
    }
  }
  return {begin, static_cast<uint32_t>(p.rules.size())};
}

void Compiler::ReadConditions(const JsonValue& list, const Where& where, RuleContext& context,
                              const Polarity& polarity, bool all) {
  // Under an odd number of negations `all` asks what `any` asks of the negated parts, and the reverse.
  const bool conjunction = all != polarity.negated;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    Polarity inner = polarity;
    const auto next = static_cast<uint32_t>(context.labels.size());
    const bool last = i + 1 == list.items.size();
    if (!last) {
      context.labels.push_back(0);
      (conjunction ? inner.if_passed : inner.if_not) = next;
    }
    ReadCondition(list.items[i], Where(where, i), context, inner);
    if (!last) context.labels[next] = static_cast<uint32_t>(program_->tests.size());
  }
}

void Compiler::ReadCondition(const JsonValue& value, const Where& where, RuleContext& context,
                             const Polarity& polarity) {
  if (!CheckType(value, Type::kObject, where, "a condition", diagnostics_)) return;
  std::array<KnownKey, 6> keys{{{"path"}, {"op"}, {"value"}, {"all"}, {"any"}, {"not"}}};
  ReadMembers(value, where, keys, diagnostics_);
  const auto present = [](const KnownKey& key) { return key.member != nullptr; };
  const auto test_keys = std::count_if(keys.begin(), keys.begin() + 3, present);
  const auto combinators = std::count_if(keys.begin() + 3, keys.end(), present);
  if (combinators > 1 || (combinators == 1 && test_keys != 0)) {
    diagnostics_.Error("conflicting_keys", where, value.begin,
                       "a condition is either path, op and value, or one of all, any and not");
    return;
  }
  Polarity inner = polarity;
  ++inner.depth;
  for (const std::size_t list : {std::size_t{3}, std::size_t{4}}) {
    const JsonValue* v = keys[list].value();
    if (v == nullptr) continue;
    const Where at(where, keys[list].name);
    if (!CheckType(*v, Type::kArray, at, keys[list].name, diagnostics_)) return;
    if (v->items.empty()) {
      diagnostics_.Error("bad_value", at, v->begin, std::string(keys[list].name) + " is empty");
      return;
    }
    ReadConditions(*v, at, context, inner, /*all=*/list == 3);
    return;
  }
  if (const JsonValue* v = keys[5].value()) {
    inner.negated = !inner.negated;
    ReadCondition(*v, Where(where, "not"), context, inner);
    return;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    if (keys[i].member != nullptr) continue;
    diagnostics_.Error("missing_key", where, value.begin, "a condition has no " + std::string(keys[i].name));
  }
  if (polarity.depth > kCombinatorsMax) {
    diagnostics_.Error("too_deep", where, value.begin,
                       "a test stands under more than 16 of all, any and not");
    return;
  }
  if (context.derived_name.empty() && keys[0].member != nullptr && keys[1].member != nullptr) {
    context.derived_name = keys[0].value()->string + '-' + keys[1].value()->string;
  }
  const JsonValue missing{};
  const auto part = [&](std::size_t i) -> const JsonValue& {
    return keys[i].member == nullptr ? missing : *keys[i].value();
  };
  ReadTest(part(0), part(1), part(2), where, context, polarity);
}

// Reads one test. A part that is missing has begin and end 0 and has been reported.
void Compiler::ReadTest(const JsonValue& path_value, const JsonValue& op_value, const JsonValue& value,
                        const Where& where, RuleContext& context, const Polarity& polarity) {
  const std::size_t errors = diagnostics_.errors();
  const auto given = [](const JsonValue& v) { return v.end != 0 || v.Is(Type::kTooDeep); };
  Test test;
  Path path;
  if (const Where at(where, "path");
      given(path_value) && CheckType(path_value, Type::kString, at, "path", diagnostics_)) {
    std::string error;
    if (!ParsePath(path_value.string, path, error)) {
      diagnostics_.Error("bad_path", at, path_value.begin, std::move(error));
    }
  }
  if (const Where at(where, "op");
      given(op_value) && CheckType(op_value, Type::kString, at, "op", diagnostics_)) {
    const auto known = std::find_if(kOperators.begin(), kOperators.end(),
                                    [&](const OperatorName& o) { return o.name == op_value.string; });
    if (known == kOperators.end()) {
      std::array<std::string_view, kOperators.size()> names;
      std::transform(kOperators.begin(), kOperators.end(), names.begin(),
                     [](const OperatorName& o) { return o.name; });
      diagnostics_.Error("unknown_operator", at, op_value.begin,
                         "unknown operator " + Quoted(op_value.string), Suggest(op_value.string, names));
    } else {
      test.op = known->op;
      test.negated = known->negated != polarity.negated;
      if (given(value)) ReadOperand(known->name, value, Where(where, "value"), test);
    }
  }
  if (diagnostics_.errors() != errors || !given(path_value) || !given(op_value) || !given(value)) return;

  Program& p = *program_;
  const auto index = static_cast<uint32_t>(p.tests.size());
  test.if_passed = polarity.if_passed;
  test.if_not = polarity.if_not;
  test.wildcard = path.has_wildcard();
  if (path.root == Path::Root::kArguments) {
    test.slot = context.draft.paths.Add(path.steps, context.enforced, test.op == Operator::kContains);
    context.draft.tests.push_back(index);
  } else {
    test.slot = AddAttribute(context.draft, path.root == Path::Root::kGrant, path.attribute());
    context.draft.attribute_tests.push_back(index);
  }
  if (polarity.depth == 0) {
    context.top_tests.push_back(
        {index, path.root, test.slot, path.root == Path::Root::kArguments && path.steps.empty()});
  }
  p.tests.push_back(test);
  p.test_sources.push_back({Share(path_value.string), Share(op_value.string),
                            Share(text_.substr(value.begin, value.end - value.begin)), polarity.negated});
}

uint32_t Compiler::AddAttribute(EntryDraft& draft, bool grant, std::string_view name) {
  NameMap<uint32_t>& known = grant ? draft.grant_slots : draft.context_slots;
  if (const auto found = known.find(name); found != known.end()) return found->second;
  const auto slot = static_cast<uint32_t>(draft.attributes.size());
  draft.attributes.push_back({grant, Share(name), slot});
  known.emplace(draft.attributes.back().name, slot);
  return slot;
}

bool Compiler::ReadScalar(const JsonValue& value, const Where& where, std::string_view what,
                          SlotValue& scalar) {
  switch (value.type) {
    case Type::kString:
      scalar = SlotValue::Of(Share(value.string));
      return true;
    case Type::kNumber:
      scalar = SlotValue::Of(value.number);
      return true;
    case Type::kBoolean:
      scalar = SlotValue::OfBoolean(value.boolean);
      return true;
    case Type::kUnrepresentable:
    case Type::kTooDeep:
      return CheckType(value, Type::kNumber, where, what, diagnostics_);
    default:
      diagnostics_.Error("bad_value", where, value.begin,
                         std::string(what) + " must be a string, a number, true or false");
      return false;
  }
}

bool Compiler::ReadSet(const JsonValue& value, const Where& where, Test& test) {
  if (!CheckType(value, Type::kArray, where, "the value of in and not_in", diagnostics_)) return false;
  if (value.items.empty()) {
    diagnostics_.Error("bad_value", where, value.begin, "the list is empty, so nothing can be in it");
    return false;
  }
  std::vector<SlotValue> values;
  bool ok = true;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    SlotValue scalar;
    ok &= ReadScalar(value.items[i], Where(where, i), "an element", scalar);
    values.push_back(scalar);
  }
  if (!ok) return false;
  program_->sets.push_back(std::make_unique<const ValueSet>(std::move(values)));
  test.set = program_->sets.back().get();
  return true;
}

bool Compiler::ReadTypes(const JsonValue& value, const Where& where, Test& test) {
  const auto read = [&](const JsonValue& v, const Where& at) {
    if (!CheckType(v, Type::kString, at, "a type's name", diagnostics_)) return false;
    for (const auto& [name, bit] : kTypes) {
      if (v.string != name) continue;
      test.types = static_cast<uint8_t>(test.types | bit);
      return true;
    }
    std::array<std::string_view, kTypes.size()> names;
    std::transform(kTypes.begin(), kTypes.end(), names.begin(), [](const auto& t) { return t.first; });
    diagnostics_.Error("bad_value", at, v.begin, "unknown type " + Quoted(v.string),
                       Suggest(v.string, names));
    return false;
  };
  if (!value.Is(Type::kArray)) return read(value, where);
  if (value.items.empty()) {
    diagnostics_.Error("bad_value", where, value.begin, "the list of types is empty");
    return false;
  }
  bool ok = true;
  for (std::size_t i = 0; i < value.items.size(); ++i) ok &= read(value.items[i], Where(where, i));
  return ok;
}

bool Compiler::ReadRegex(const JsonValue& value, const Where& where, Test& test) {
  if (!CheckType(value, Type::kString, where, "a regex", diagnostics_)) return false;
  Regex::Result result = Regex::Compile(value.string, options_.regex_program_size_max);
  switch (result.status) {
    case Regex::Status::kOk:
      test.regex = result.regex.get();
      program_->regexes.push_back(std::move(result.regex));
      return true;
    case Regex::Status::kInvalid:
      diagnostics_.Error("bad_regex", where, value.begin,
                         "regex " + Quoted(value.string) + ": " + result.error);
      return false;
    case Regex::Status::kTooLarge:
      diagnostics_.Error("bound_exceeded", where, value.begin,
                         "regex " + Quoted(value.string) + " compiles to more than " +
                             std::to_string(options_.regex_program_size_max) + " instructions");
      return false;
  }
  return false;
}

bool Compiler::ReadOperand(std::string_view op_name, const JsonValue& value, const Where& where, Test& test) {
  const std::string what = "the value of " + std::string(op_name);
  switch (test.op) {
    case Operator::kEq:
    case Operator::kContains:
      return ReadScalar(value, where, what, test.value);
    case Operator::kIn:
      return ReadSet(value, where, test);
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte:
      return CheckType(value, Type::kNumber, where, what, diagnostics_) &&
             ReadScalar(value, where, what, test.value);
    case Operator::kExists:
      if (!CheckType(value, Type::kBoolean, where, what, diagnostics_)) return false;
      test.negated = test.negated != !value.boolean;
      return true;
    case Operator::kRegex:
      return ReadRegex(value, where, test);
    case Operator::kStartsWith:
    case Operator::kEndsWith:
    case Operator::kGlob:
      if (!CheckType(value, Type::kString, where, what, diagnostics_)) return false;
      if (value.string.empty() && test.op != Operator::kGlob) {
        diagnostics_.Error("bad_value", where, value.begin, what + " is empty, so every string would pass");
        return false;
      }
      return ReadScalar(value, where, what, test.value);
    case Operator::kType:
      return ReadTypes(value, where, test);
    case Operator::kFormat: {
      if (!CheckType(value, Type::kString, where, what, diagnostics_)) return false;
      if (ParseFormat(value.string, test.format)) return true;
      constexpr std::array<std::string_view, 8> kKnown{"uuid", "email",     "ipv4",     "ipv6",
                                                       "date", "date-time", "hostname", "uri"};
      diagnostics_.Error("bad_value", where, value.begin, "unknown format " + Quoted(value.string),
                         Suggest(value.string, kKnown));
      return false;
    }
    case Operator::kMinLength:
    case Operator::kMaxLength:
      if (!CheckType(value, Type::kNumber, where, what, diagnostics_)) return false;
      if (ToUint64(value.number, test.length)) return true;
      diagnostics_.Error("bad_value", where, value.begin, what + " must be an integer of 0 or more");
      return false;
  }
  return false;
}

// Warns of rules that say nothing.
void Compiler::CheckMeaning(const JsonValue& rule, const Where& where, const RuleContext& context) {
  const std::vector<Test>& tests = program_->tests;
  if (context.kind != ListKind::kRequire) {
    for (const TopTest& top : context.top_tests) {
      if (!top.arguments_itself || tests[top.test].op != Operator::kExists || !tests[top.test].negated)
        continue;
      diagnostics_.Warning("never_fires", where, rule.begin, "args always exists, so this rule never fires");
      return;
    }
    return;
  }
  if (context.condition_count == 0) {
    diagnostics_.Warning("empty_require", where, rule.begin,
                         "a require rule without conditions asks for nothing");
    return;
  }
  std::vector<TopTest> left = context.top_tests;
  std::erase_if(left, [&](const TopTest& top) { return tests[top.test].wildcard; });
  while (!left.empty()) {
    const TopTest first = left.front();
    std::vector<const Test*> same;
    std::erase_if(left, [&](const TopTest& top) {
      if (top.root != first.root || top.number != first.number) return false;
      same.push_back(&tests[top.test]);
      return true;
    });
    if (CanPassTogether(same, first.arguments_itself)) continue;
    diagnostics_.Warning("never_satisfied", where, rule.begin,
                         "no value of " + Quoted(program_->test_sources[first.test].path) +
                             " can pass this rule, so it denies every call");
    return;
  }
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
