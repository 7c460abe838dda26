#include "tests/differential/shrink.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace differential {
namespace {

using reference::Call;
using reference::TestStep;
using reference::Value;

class Shrinker {
 public:
  Shrinker(Case start, const std::function<bool(const Case&)>& still_differs)
      : case_(std::move(start)), still_differs_(still_differs) {}

  Case Run() {
    Try(case_.options, reference::Options());  // a test file runs with these
    do {
      changed_ = false;
      DropSteps();
      ShrinkTree(case_.policy);
      for (TestStep& step : case_.test.steps) SimplifyStep(step);
    } while (changed_);
    return std::move(case_);
  }

 private:
  bool Differs() { return still_differs_(case_); }

  /// Sets `place`, a part of the case, to `value`, unless the case then differs no more.
  template <typename T>
  bool Try(T& place, T value) {
    std::swap(place, value);
    if (Differs()) {
      changed_ = true;
      return true;
    }
    std::swap(place, value);
    return false;
  }

  static std::vector<TestStep> Without(const std::vector<TestStep>& steps, std::size_t begin,
                                       std::size_t end) {
    std::vector<TestStep> out;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (i >= begin && i < end) continue;
      TestStep step = steps[i];
      if (step.completes && step.completed >= begin && step.completed < end) continue;
      out.push_back(std::move(step));
    }
    // What is completed has moved: by as many steps as were left out before it.
    std::vector<std::size_t> moved(steps.size());
    std::size_t next = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool left_out = (i >= begin && i < end) ||
                            (steps[i].completes && steps[i].completed >= begin && steps[i].completed < end);
      moved[i] = next;
      if (!left_out) ++next;
    }
    for (TestStep& step : out) {
      if (step.completes) step.completed = moved[step.completed];
    }
    return out;
  }

  void DropSteps() {
    std::vector<TestStep>& steps = case_.test.steps;
    for (std::size_t size = std::max<std::size_t>(steps.size() / 2, 1);; size /= 2) {
      for (std::size_t end = steps.size(); end >= size && end > 0;) {
        if (Try(steps, Without(steps, end - size, end))) {
          end = std::min(end - size, steps.size());
        } else {
          --end;
        }
      }
      if (size <= 1) break;
    }
  }

  void ShrinkTree(Value& node) {
    for (std::size_t i = node.members.size(); i > 0; --i) {
      std::vector<reference::Member> fewer = node.members;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i - 1));
      Try(node.members, std::move(fewer));
    }
    for (std::size_t i = node.items.size(); i > 0; --i) {
      std::vector<Value> fewer = node.items;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i - 1));
      Try(node.items, std::move(fewer));
    }
    for (reference::Member& member : node.members) ShrinkTree(member.value);
    for (Value& item : node.items) {
      Hoist(item);
      ShrinkTree(item);
    }
  }

  /// Puts what a combinator holds in its place.
  void Hoist(Value& condition) {
    while (condition.members.size() == 1) {
      const Value inner = condition.members[0].value;
      const std::string& name = condition.members[0].name;
      if (name == "not" && Try(condition, inner)) continue;
      const bool list = name == "all" || name == "any";
      if (list && inner.items.size() == 1 && Try(condition, inner.items[0])) continue;
      if (name == "not") Hoist(condition.members[0].value);
      return;
    }
  }

  void SimplifyStep(TestStep& step) {
    // A test file can say "ok", "error" and "open" only.
    if (step.outcome != reference::Outcome::kOk && !Try(step.outcome, reference::Outcome::kOk) &&
        step.outcome != reference::Outcome::kError) {
      Try(step.outcome, reference::Outcome::kError);
    }
    if (step.completes) return;
    if (step.open) Try(step.open, false);
    Call& call = step.call;
    if (call.approved) Try(call.approved, false);
    if (!call.session.empty()) Try(call.session, std::string());
    if (!call.context.empty()) DropAttributes(call.context);
    if (!call.grant_attributes.empty()) DropAttributes(call.grant_attributes);
    if (call.arguments) SimplifyArguments(call);
  }

  void DropAttributes(std::vector<reference::Attribute>& attributes) {
    for (std::size_t i = attributes.size(); i > 0; --i) {
      std::vector<reference::Attribute> fewer = attributes;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i - 1));
      Try(attributes, std::move(fewer));
    }
  }

  void SimplifyArguments(Call& call) {
    if (Try(call.arguments, std::optional<std::string>())) return;
    const reference::ReadResult read = reference::ReadJson(*call.arguments, reference::ReadLimits());
    if (read.value) {
      // As a tree, as long as the plain spelling of it differs too.
      Value tree = *read.value;
      const std::string plain = reference::WriteJson(tree);
      if (plain == *call.arguments || Try(call.arguments, std::optional<std::string>(plain))) {
        ShrinkArguments(call, tree, tree);
        return;
      }
    }
    for (std::size_t size = std::max<std::size_t>(call.arguments->size() / 2, 1);; size /= 2) {
      for (std::size_t at = 0; at + size <= call.arguments->size();) {
        std::string shorter = *call.arguments;
        shorter.erase(at, size);
        if (!Try(call.arguments, std::optional<std::string>(std::move(shorter)))) at += size;
      }
      if (size <= 1) break;
    }
  }

  /// Leaves out what it can of `node`, a part of `tree`, of which the call's arguments are the text.
  void ShrinkArguments(Call& call, Value& tree, Value& node) {
    const auto try_text = [&] {
      return Try(call.arguments, std::optional<std::string>(reference::WriteJson(tree)));
    };
    for (std::size_t i = node.members.size(); i > 0; --i) {
      const std::vector<reference::Member> before = node.members;
      node.members.erase(node.members.begin() + static_cast<std::ptrdiff_t>(i - 1));
      if (!try_text()) node.members = before;
    }
    for (std::size_t i = node.items.size(); i > 0; --i) {
      const std::vector<Value> before = node.items;
      node.items.erase(node.items.begin() + static_cast<std::ptrdiff_t>(i - 1));
      if (!try_text()) node.items = before;
    }
    for (reference::Member& member : node.members) ShrinkArguments(call, tree, member.value);
    for (Value& item : node.items) ShrinkArguments(call, tree, item);
  }

  Case case_;
  const std::function<bool(const Case&)>& still_differs_;
  bool changed_ = false;
};

}  // namespace

Case Shrink(Case start, const std::function<bool(const Case&)>& still_differs) {
  return Shrinker(std::move(start), still_differs).Run();
}

}  // namespace differential
