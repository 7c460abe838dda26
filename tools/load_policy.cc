#include "load_policy.h"

#include <cstdio>

#include "diagnostic_printer.h"
#include "input_file.h"
#include "style.h"

namespace callwarden::tool {

std::shared_ptr<const CompiledPolicy> LoadPolicy(const std::string& path, const CompileOptions& options) {
  const std::string text = ReadText(path);
  CompileResult result = CompiledPolicy::Compile(text, options);
  if (!result.ok()) {
    PrintDiagnostics(DiagnosticPrinter(DisplayName(path), text, Style::For(stderr)), result.diagnostics());
  }
  return result.policy();
}

}  // namespace callwarden::tool
