#include "proxy_policies.h"

#include <cstdio>
#include <filesystem>
#include <string_view>

#include "diagnostic_printer.h"
#include "input_file.h"
#include "load_policy.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

std::string Beside(const std::string& file, std::string_view name) {
  return (std::filesystem::path(file).parent_path() / name).string();
}

}  // namespace

PolicySet PolicySources::Load() const {
  PolicySet set;
  CompileOptions options;
  options.shadow = shadow;
  set.files.push_back(policy);
  set.policy = LoadPolicy(policy, options);
  set.ok = set.policy != nullptr;
  if (grants.empty()) return set;

  set.files.push_back(grants);
  const std::string text = ReadText(grants);
  const GrantTableResult result = GrantTable::Read(text, [&](std::string_view name, std::string& error) {
    set.files.push_back(Beside(grants, name));
    std::shared_ptr<const CompiledPolicy> loaded;
    try {
      loaded = LoadPolicy(set.files.back(), options);
      if (loaded == nullptr) error = "the policy has errors";
    } catch (const ToolError& problem) {
      error = problem.what();
    }
    return loaded;
  });
  if (!result.ok()) {
    PrintDiagnostics(DiagnosticPrinter(DisplayName(grants), text, Style::For(stderr)), result.diagnostics());
  }
  set.grants = result.table();
  set.ok = set.ok && result.ok();
  return set;
}

}  // namespace callwarden::tool
