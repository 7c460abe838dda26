#include <algorithm>
#include <array>

#include "lib/compiler.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Type = JsonValue::Type;

constexpr uint32_t kWindowSecondsMax = 31536000;
constexpr std::string_view kWindowHint =
    "give second, minute, hour, day, week, month, 1 to 31536000 seconds, or such as \"90s\", \"15m\", "
    "\"12h\", \"30d\"";

struct NamedWindow {
  std::string_view name;
  Window window;
};
constexpr std::array<NamedWindow, 6> kWindows{{{"second", Window::Seconds(1)},
                                               {"minute", Window::Seconds(60)},
                                               {"hour", Window::Seconds(3600)},
                                               {"day", Window::Seconds(86400)},
                                               {"week", Window::Week()},
                                               {"month", Window::Month()}}};

// Digits without a leading zero, nothing else. False also when they pass 2^63.
bool ParseDigits(std::string_view text, uint64_t& value) noexcept {
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text.front() == '0')) return false;
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return true;
}

bool SecondsWindow(uint64_t seconds, Window& window) noexcept {
  if (seconds < 1 || seconds > kWindowSecondsMax) return false;
  window = Window::Seconds(static_cast<uint32_t>(seconds));
  return true;
}

// An identity's parts, each behind its size, so that no two identities look alike.
void AppendPart(std::string& identity, std::string_view part) {
  identity += std::to_string(part.size());
  identity += ':';
  identity += part;
}

bool IsWholeMinutes(Window window) noexcept {
  return window.unit() != Window::Unit::kSeconds || window.seconds() % 60 == 0;
}

}  // namespace

bool ParseWindowText(std::string_view text, Window& window) noexcept {
  for (const NamedWindow& named : kWindows) {
    if (text != named.name) continue;
    window = named.window;
    return true;
  }
  if (text.empty()) return false;
  uint64_t unit = 0;
  switch (text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86400;
      break;
    default:
      return false;
  }
  uint64_t count = 0;
  if (!ParseDigits(text.substr(0, text.size() - 1), count) || count > kWindowSecondsMax) return false;
  return SecondsWindow(count * unit, window);
}

bool ParseWindow(const JsonValue& value, Window& window) noexcept {
  if (value.Is(Type::kString)) return ParseWindowText(value.string, window);
  uint64_t seconds = 0;
  return value.Is(Type::kNumber) && ToUint64(value.number, seconds) && SecondsWindow(seconds, window);
}

std::string WindowText(Window window) {
  for (const NamedWindow& named : kWindows) {
    if (window == named.window) return std::string(named.name);
  }
  return std::to_string(window.seconds()) + 's';
}

Range Compiler::ReadLimits(const JsonValue* limits, const Where& limits_where, const JsonMember* rate_limit,
                           const Where& rate_limit_where, std::string_view key, EntryDraft& draft) {
  const auto begin = static_cast<uint32_t>(program_->limits.size());
  if (limits != nullptr) {
    NameMap<bool> taken;
    NameMap<std::size_t> tried;  // the last number given to a counter
    std::vector<std::unique_ptr<std::string>> kept;
    for (std::size_t i = 0; i < limits->items.size(); ++i) {
      const JsonValue& item = limits->items[i];
      const Where at(limits_where, i);
      if (CheckType(item, Type::kObject, at, "a limit", diagnostics_)) ReadLimit(item, at, draft);
    }
    // Ids: a counter that is taken gets the first free of #2, #3, ...
    const std::string prefix = limits_where.Pointer();
    for (auto l = begin; l < program_->limits.size(); ++l) {
      Limit& limit = program_->limits[l];
      std::string name(limit.counter);
      std::size_t& n = tried[limit.counter];  // names are only ever taken
      while (taken.contains(name))
        name = std::string(limit.counter) + '#' + std::to_string(n == 0 ? n = 2 : ++n);
      kept.push_back(std::make_unique<std::string>(name));
      taken.emplace(*kept.back(), true);
      std::string id = prefix;
      AppendPointer(id, name);
      limit.id = Keep(id);
    }
  }
  if (rate_limit != nullptr) ReadRateLimit(rate_limit->value, rate_limit_where, key, draft);
  return {begin, static_cast<uint32_t>(program_->limits.size())};
}

bool Compiler::ReadScopes(const JsonValue* value, const Where& where, EntryDraft& draft, Range& scopes,
                          std::string& identity) {
  struct Read {
    Scope scope;
    std::string sort_key;
  };
  std::vector<Read> read;
  absl::flat_hash_map<std::string, bool> seen;  // by sort key
  const bool is_array = value != nullptr && value->Is(Type::kArray);
  const auto read_one = [&](const JsonValue& v, const Where& at) {
    if (!CheckType(v, Type::kString, at, "scope", diagnostics_)) return false;
    Read one;
    if (v.string == "grant") {
      one = {{Scope::Kind::kGrant, 0, 0, "grant"}, "grant"};
    } else if (v.string == "session" || v.string == "context.session") {
      one = {{Scope::Kind::kSession, 0, 0, "session"}, "session"};
    } else if (v.string == "global") {
      if (!is_array || value->items.size() == 1) return true;
      diagnostics_.Error("bad_value", at, v.begin, "scope \"global\" cannot stand beside others");
      return false;
    } else {
      Path path;
      std::string error;
      if (!ParsePath(v.string, path, error) || path.root != Path::Root::kContext) {
        constexpr std::array<std::string_view, 4> kKnown{"grant", "session", "global", "context.ATTR"};
        diagnostics_.Error("bad_value", at, v.begin, "unknown scope " + Quoted(v.string),
                           Suggest(v.string, kKnown));
        return false;
      }
      if (path.attribute() == "session") {
        one = {{Scope::Kind::kSession, 0, 0, "session"}, "session"};
      } else {
        one = {{Scope::Kind::kContext, AddAttribute(draft, false, path.attribute()), 0, Share(v.string)},
               "context." + path.attribute()};
      }
    }
    if (!seen.emplace(one.sort_key, true).second) {
      diagnostics_.Error("bad_value", at, v.begin, "scope " + Quoted(v.string) + " is given twice");
      return false;
    }
    read.push_back(std::move(one));
    return true;
  };
  bool ok = true;
  if (value == nullptr) {
    read.push_back({{Scope::Kind::kGrant, 0, 0, "grant"}, "grant"});
  } else if (is_array) {
    if (value->items.empty()) {
      diagnostics_.Error("bad_value", where, value->begin, "scope is empty",
                         "\"global\" counts all calls together");
      return false;
    }
    for (std::size_t i = 0; i < value->items.size(); ++i) ok &= read_one(value->items[i], Where(where, i));
  } else {
    ok = read_one(*value, where);
  }
  if (!ok) return false;
  // Messages name the first scope that is lacking, in the order of the text; the count's key takes their
  // values in an order of its own, so that a set is a set.
  std::vector<std::string> sorted;
  for (const Read& one : read) sorted.push_back(one.sort_key);
  std::sort(sorted.begin(), sorted.end());
  scopes.begin = static_cast<uint32_t>(program_->scopes.size());
  for (Read& one : read) {
    one.scope.key_order =
        static_cast<uint32_t>(std::lower_bound(sorted.begin(), sorted.end(), one.sort_key) - sorted.begin());
    program_->scopes.push_back(one.scope);
  }
  scopes.end = static_cast<uint32_t>(program_->scopes.size());
  AppendPart(identity, std::to_string(sorted.size()));
  for (const std::string& key : sorted) AppendPart(identity, key);
  return true;
}

std::optional<LimitSpec> Compiler::MakeSpec(const LimitParts& parts) const {
  std::string identity = parts.shadow ? "s" : "e";
  AppendPart(identity, std::to_string(parts.unit_digits));
  AppendPart(identity, parts.counter);
  identity += parts.scope_identity;
  LimitSpec::Options options;
  options.kind = parts.kind;
  options.window = parts.window;
  options.max = parts.max;
  options.burst = parts.burst;
  options.identity = identity;
  return LimitSpec::Create(options);
}

// Puts a limit whose parts are all good into the program.
void Compiler::AddLimit(Limit limit, const LimitParts& parts, const Where& counter_where) {
  limit.counter = Share(parts.counter);
  limit.scopes = parts.scopes;
  limit.unit_digits = parts.unit_digits;
  limit.shadow = parts.shadow;
  if (parts.kind == LimitKind::kInflight) {
    limit.bound = Share(std::to_string(parts.max) + " in flight");
  } else {
    limit.window = Share(WindowText(parts.window));
    limit.bound = Share(std::to_string(parts.max) + " per " + std::string(limit.window));
  }
  count_uses_.push_back({parts.counter_begin, counter_where.Pointer(), parts.counter, limit.spec.digest()});
  program_->limits.push_back(std::move(limit));
}

void Compiler::ReadLimit(const JsonValue& value, const Where& where, EntryDraft& draft) {
  std::array<KnownKey, 13> keys{{{"counter"},
                                 {"window"},
                                 {"max"},
                                 {"scope"},
                                 {"amount"},
                                 {"increment"},
                                 {"increment_from"},
                                 {"unit"},
                                 {"algorithm"},
                                 {"burst"},
                                 {"refund"},
                                 {"on_deny"},
                                 {"mode"}}};
  enum Key {
    kCounter,
    kWindow,
    kMax,
    kScope,
    kAmount,
    kIncrement,
    kIncrementFrom,
    kUnit,
    kAlgorithm,
    kBurst,
    kRefund,
    kOnDeny,
    kMode
  };
  const std::size_t errors_at_start = diagnostics_.errors();
  ReadMembers(value, where, keys, diagnostics_);
  LimitParts parts;
  std::string name;  // of the limit, for messages
  const Where counter_at(where, "counter");
  if (const JsonValue* v = keys[kCounter].value(); v == nullptr) {
    diagnostics_.Error("missing_key", where, value.begin, "a limit has no counter");
  } else if (CheckType(*v, Type::kString, counter_at, "counter", diagnostics_)) {
    if (v->string.empty()) diagnostics_.Error("bad_value", counter_at, v->begin, "a counter's name is empty");
    parts.counter = v->string;
    parts.counter_begin = v->begin;
    name = " of limit " + Quoted(v->string);
  }

  bool kind_ok = true;
  if (const JsonValue* v = keys[kAlgorithm].value()) {
    const Where at(where, "algorithm");
    kind_ok = CheckType(*v, Type::kString, at, "algorithm", diagnostics_);
    if (kind_ok) {
      constexpr std::array<std::string_view, 3> kKnown{"calendar", "gcra", "inflight"};
      constexpr std::array<LimitKind, 3> kKinds{LimitKind::kCalendar, LimitKind::kGcra, LimitKind::kInflight};
      const auto found = std::find(kKnown.begin(), kKnown.end(), v->string);
      kind_ok = found != kKnown.end();
      if (!kind_ok) {
        diagnostics_.Error("bad_value", at, v->begin, "unknown algorithm " + Quoted(v->string) + name,
                           Suggest(v->string, kKnown));
      } else {
        parts.kind = kKinds[static_cast<std::size_t>(found - kKnown.begin())];
      }
    }
  }
  const bool calendar = kind_ok && parts.kind == LimitKind::kCalendar;
  const bool inflight = parts.kind == LimitKind::kInflight;
  const auto misplaced = [&](Key key, std::string_view why) {
    if (keys[key].member == nullptr) return false;
    diagnostics_.Error("misplaced_key", Where(where, keys[key].name), keys[key].member->name_begin,
                       std::string(keys[key].name) + name + " has no meaning: " + std::string(why));
    return true;
  };
  if (inflight) {
    for (const Key key : {kWindow, kAmount, kIncrement, kIncrementFrom, kUnit, kBurst, kRefund}) {
      misplaced(key, "an inflight limit counts calls, each until it completes");
    }
  } else if (calendar) {
    misplaced(kBurst, "only gcra has a burst");
  }

  bool window_ok = false;
  if (const JsonValue* v = keys[kWindow].value(); v != nullptr && !inflight) {
    const Where at(where, "window");
    if (v->Is(Type::kTooDeep)) {
      window_ok = false;  // reported for the document as a whole
    } else if (!ParseWindow(*v, parts.window)) {
      constexpr std::array<std::string_view, 6> kNames{"second", "minute", "hour", "day", "week", "month"};
      std::string hint(kWindowHint);
      if (v->Is(Type::kString)) {
        const std::string close = Suggest(v->string, kNames);
        if (close.starts_with("did")) hint = close;
      }
      diagnostics_.Error(
          "bad_value", at, v->begin,
          (v->Is(Type::kString)
               ? "unknown window " + Quoted(v->string)
               : "window is " + std::string(text_.substr(v->begin, v->end - v->begin).substr(0, 40))) +
              name,
          std::move(hint));
    } else if (parts.kind == LimitKind::kGcra && parts.window == Window::Month()) {
      diagnostics_.Error("bad_value", at, v->begin,
                         "gcra" + name + " cannot count by month, whose length varies",
                         "give \"30d\", or leave algorithm out");
    } else {
      window_ok = true;
    }
  } else if (v == nullptr && kind_ok && !inflight) {
    diagnostics_.Error("missing_key", where, value.begin, "a limit has no window", std::string(kWindowHint));
  }

  const Where max_at(where, "max");
  const JsonValue* max = keys[kMax].value();
  bool max_ok = false;
  if (max == nullptr) {
    diagnostics_.Error("missing_key", where, value.begin, "a limit has no max");
  } else if (CheckType(*max, Type::kNumber, max_at, "max" + name, diagnostics_)) {
    const bool short_window = window_ok && calendar && !IsWholeMinutes(parts.window);
    const uint64_t most = short_window ? kCountMaxSeconds : kCountMax;
    if (!ToUint64(max->number, parts.max) || parts.max > most) {
      diagnostics_.Error("bad_value", max_at, max->begin,
                         "max" + name + " must be an integer from 0 to " + std::to_string(most));
    } else {
      max_ok = true;
      if (parts.max == 0) {
        diagnostics_.Warning("zero_max", max_at, max->begin, "max" + name + " is 0, which denies every call");
      }
    }
  }

  bool burst_ok = true;
  if (const JsonValue* v = keys[kBurst].value(); v != nullptr && !calendar && !inflight) {
    const Where at(where, "burst");
    uint64_t burst = 0;
    burst_ok = CheckType(*v, Type::kNumber, at, "burst" + name, diagnostics_);
    if (burst_ok && (!ToUint64(v->number, burst) || burst == 0)) {
      diagnostics_.Error("bad_value", at, v->begin, "burst" + name + " must be an integer of 1 or more");
      burst_ok = false;
    }
    if (burst_ok) parts.burst = burst;
  }

  const JsonValue* unit = keys[kUnit].value();
  bool unit_ok = true;
  if (unit != nullptr && !inflight) {
    constexpr std::array<double, 7> kUnits{1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001};
    const Where at(where, "unit");
    unit_ok = CheckType(*unit, Type::kNumber, at, "unit" + name, diagnostics_);
    if (unit_ok) {
      const auto found = std::find_if(kUnits.begin(), kUnits.end(),
                                      [&](double u) { return Equal(unit->number, Number::Double(u)); });
      unit_ok = found != kUnits.end();
      parts.unit_digits = static_cast<uint8_t>(unit_ok ? found - kUnits.begin() : 0);
      if (!unit_ok) {
        diagnostics_.Error("bad_value", at, unit->begin,
                           "unit" + name + " must be 1, 0.1, 0.01, 0.001, 0.0001, 0.00001 or 0.000001");
      }
    }
  }

  Path amount_path;
  const JsonValue* amount_text = nullptr;
  Number amount = Number::Int(1);
  const auto given = std::count_if(keys.begin() + kAmount, keys.begin() + kUnit,
                                   [](const KnownKey& key) { return key.member != nullptr; });
  if (given > 1) {
    diagnostics_.Error("conflicting_keys", where, value.begin,
                       "one of amount, increment and increment_from says what a call weighs");
  }
  for (const Key key : {kAmount, kIncrement, kIncrementFrom}) {
    const JsonValue* v = keys[key].value();
    if (v == nullptr || inflight) continue;
    const Where at(where, keys[key].name);
    const bool path = key == kIncrementFrom || (key == kAmount && v->Is(Type::kString));
    if (path) {
      std::string error;
      if (!CheckType(*v, Type::kString, at, keys[key].name, diagnostics_)) continue;
      if (!ParsePath(v->string, amount_path, error)) {
        diagnostics_.Error("bad_path", at, v->begin, std::move(error));
      } else if (amount_path.root != Path::Root::kArguments || amount_path.steps.empty() ||
                 amount_path.has_wildcard()) {
        diagnostics_.Error("bad_path", at, v->begin,
                           Quoted(v->string) + " cannot be an amount: it must be one argument, without [*]");
      } else {
        amount_text = v;
      }
    } else if (v->Is(Type::kNumber)) {
      uint64_t constant = 0;
      if (!ToUint64(v->number, constant)) {
        diagnostics_.Error(
            "bad_value", at, v->begin,
            std::string(keys[key].name) + name + " must be an integer of 0 or more, or a path");
      } else {
        amount = v->number;
        if (constant == 0) {
          diagnostics_.Warning("never_applies", at, v->begin,
                               "an amount of 0" + name + " never counts anything");
        }
      }
    } else {
      CheckType(*v, Type::kNumber, at, keys[key].name, diagnostics_);
    }
  }

  bool refund_on_error = false;
  if (const JsonValue* v = keys[kRefund].value(); v != nullptr && !inflight) {
    const Where at(where, "refund");
    if (CheckType(*v, Type::kString, at, "refund", diagnostics_)) {
      constexpr std::array<std::string_view, 2> kKnown{"never", "on_error"};
      refund_on_error = v->string == "on_error";
      if (!refund_on_error && v->string != "never") {
        diagnostics_.Error("bad_value", at, v->begin, "unknown refund " + Quoted(v->string) + name,
                           Suggest(v->string, kKnown));
      }
    }
  }
  const std::string_view on_deny = ReadText(keys[kOnDeny].value(), Where(where, "on_deny"), "on_deny");
  parts.shadow = ReadMode(keys[kMode].value(), Where(where, "mode")).value_or(false) || shadow_document_;
  const bool scopes_ok =
      ReadScopes(keys[kScope].value(), Where(where, "scope"), draft, parts.scopes, parts.scope_identity);

  // What is left are bounds across members; they are only asked of members that are good themselves.
  if (!kind_ok || !max_ok || !burst_ok || (!inflight && !window_ok)) return;
  const std::optional<LimitSpec> spec = MakeSpec(parts);
  if (!spec) {
    LimitParts without_burst = parts;
    without_burst.burst = 1;
    const bool burst_at_fault = parts.burst && MakeSpec(without_burst).has_value();
    const JsonValue& at_fault = burst_at_fault ? *keys[kBurst].value() : *max;
    diagnostics_.Error(
        "bad_value", Where(where, burst_at_fault ? "burst" : "max"), at_fault.begin,
        burst_at_fault
            ? "burst" + name + " times the time of one unit passes 2^62 nanoseconds"
            : "max" + name + " is too large for gcra: one unit must take at least 1000 nanoseconds");
    return;
  }
  if (diagnostics_.errors() != errors_at_start || !unit_ok || !scopes_ok) return;
  Limit limit(*spec);
  limit.on_deny = on_deny;
  limit.refund_on_error = refund_on_error;
  limit.weight = inflight ? Weight{1, false} : Weigh(amount, parts.unit_digits);
  if (amount_text != nullptr) {
    limit.amount_path = Share(amount_text->string);
    limit.amount_slot = draft.paths.Add(amount_path.steps, !parts.shadow, /*items=*/false);
    draft.amounts.push_back(static_cast<uint32_t>(program_->limits.size()));
  }
  AddLimit(std::move(limit), parts, counter_at);
}

void Compiler::ReadRateLimit(const JsonValue& value, const Where& where, std::string_view key,
                             EntryDraft& draft) {
  LimitParts parts;
  bool ok = true;
  if (value.Is(Type::kObject)) {
    std::array<KnownKey, 2> keys{{{"max"}, {"window"}}};
    const std::size_t errors = diagnostics_.errors();
    ReadMembers(value, where, keys, diagnostics_);
    for (const KnownKey& k : keys) {
      if (k.member != nullptr) continue;
      diagnostics_.Error("missing_key", where, value.begin, "rate_limit has no " + std::string(k.name));
    }
    bool window_ok = false;
    if (const JsonValue* v = keys[1].value()) {
      window_ok = ParseWindow(*v, parts.window);
      if (!window_ok && !v->Is(Type::kTooDeep)) {
        diagnostics_.Error("bad_value", Where(where, "window"), v->begin, "rate_limit has an unknown window",
                           std::string(kWindowHint));
      }
    }
    if (const JsonValue* v = keys[0].value()) {
      const Where at(where, "max");
      const uint64_t most = window_ok && !IsWholeMinutes(parts.window) ? kCountMaxSeconds : kCountMax;
      if (CheckType(*v, Type::kNumber, at, "max", diagnostics_)) {
        if (!ToUint64(v->number, parts.max) || parts.max > most) {
          diagnostics_.Error("bad_value", at, v->begin,
                             "max must be an integer from 0 to " + std::to_string(most));
        } else if (parts.max == 0) {
          diagnostics_.Warning("zero_max", at, v->begin, "max of rate_limit is 0, which denies every call");
        }
      }
    }
    ok = diagnostics_.errors() == errors;
  } else if (value.Is(Type::kString)) {
    const std::string_view text = value.string;
    const std::size_t slash = text.find('/');
    ok = slash != std::string_view::npos && ParseDigits(text.substr(0, slash), parts.max) &&
         ParseWindowText(text.substr(slash + 1), parts.window) &&
         parts.max <= (IsWholeMinutes(parts.window) ? kCountMax : kCountMaxSeconds);
    if (!ok) {
      diagnostics_.Error("bad_value", where, value.begin, "rate_limit " + Quoted(text) + " is not MAX/WINDOW",
                         "such as \"10/minute\" or \"5/90s\"");
    } else if (parts.max == 0) {
      diagnostics_.Warning("zero_max", where, value.begin, "max of rate_limit is 0, which denies every call");
    }
  } else {
    if (!value.Is(Type::kTooDeep)) {
      diagnostics_.Error("bad_value", where, value.begin, "rate_limit must be an object or a string",
                         "such as \"10/minute\"");
    }
    ok = false;
  }
  if (!ok) return;
  parts.counter = std::string(key) + ":rate_limit";
  parts.counter_begin = value.begin;
  parts.shadow = shadow_document_;
  JsonValue session;
  session.type = Type::kString;
  session.string = "session";
  if (!ReadScopes(&session, where, draft, parts.scopes, parts.scope_identity)) return;
  const std::optional<LimitSpec> spec = MakeSpec(parts);
  if (!spec) return;
  Limit limit(*spec);
  limit.weight = {1, false};
  limit.id = Keep(where.Pointer());
  AddLimit(std::move(limit), parts, where);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
