#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "callwarden/grants.h"

#include "commands.h"
#include "diagnostic_printer.h"
#include "input_file.h"
#include "load_policy.h"
#include "output.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

/// The policy that a grants document names, relative to the document; its own mistakes go to stderr.
std::shared_ptr<const CompiledPolicy> LoadNamed(const std::filesystem::path& folder, std::string_view name,
                                                std::string& error) {
  try {
    std::shared_ptr<const CompiledPolicy> policy = LoadPolicy((folder / name).string());
    if (policy == nullptr) error = "it has errors";
    return policy;
  } catch (const ToolError& unreadable) {
    error = unreadable.what();
    return nullptr;
  }
}

int CheckGrants(const std::string& path) {
  const std::string text = ReadBytes(path, GrantTable::kDocumentSizeMax);
  const std::filesystem::path folder =
      path == "-" ? std::filesystem::path() : std::filesystem::path(path).parent_path();
  const GrantTableResult result = GrantTable::Read(
      text, [&](std::string_view name, std::string& error) { return LoadNamed(folder, name, error); });
  PrintDiagnostics(DiagnosticPrinter(DisplayName(path), text, Style::For(stderr)), result.diagnostics());
  if (!result.ok()) {
    const auto errors = std::count_if(result.diagnostics().begin(), result.diagnostics().end(),
                                      [](const Diagnostic& d) { return d.severity == Severity::kError; });
    Out(DisplayName(path) + ": " + Count(static_cast<std::size_t>(errors), "error") + "\n");
    return kExitProblems;
  }
  std::size_t disabled = 0;
  std::size_t with_token = 0;
  for (const Grant& grant : result.table()->grants()) {
    disabled += grant.disabled ? 1 : 0;
    with_token += grant.secret_hash.empty() ? 0 : 1;
  }
  Out(DisplayName(path) + ": " + Style::For(stdout).Green("ok") + " (" +
      Count(result.table()->grants().size(), "grant") + ", " + std::to_string(disabled) + " disabled, " +
      std::to_string(with_token) + " with a token)\n");
  return kExitOk;
}

int HashOne() {
  std::string secret = ReadBytes("-", 4096);
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.empty()) throw ToolError("no secret on standard input");
  const std::string hash = HashSecret(secret);
  if (hash.empty()) throw ToolError("the system has no random numbers for a salt");
  Out(hash + "\n");
  return kExitOk;
}

int NewToken(const std::string& id) {
  if (id.empty()) throw ToolError("the id of a grant is not empty");
  const std::string secret = GenerateSecret();
  const std::string hash = secret.empty() ? std::string() : HashSecret(secret);
  if (hash.empty()) throw ToolError("the system has no random numbers for a secret");
  Out("token (shown once, for the agent): " + id + "." + secret + "\n" +
      "for its grant in grants.json:      \"secret_hash\": \"" + hash + "\"\n");
  return kExitOk;
}

}  // namespace

void AddGrantsCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("grants", "Check grants documents and make tokens for grants");
  command->require_subcommand(1);
  command->footer(
      "Exit codes: 0 fine, 1 errors in the document or its policies, 2 bad usage, or a file that cannot be\n"
      "read.\n"
      "\n"
      "Example:\n"
      "  callwarden grants check grants.json\n"
      "  callwarden grants new-token agent-42\n"
      "  callwarden grants hash-secret < secret.txt\n");

  CLI::App* check =
      command->add_subcommand("check", "Report every mistake in a grants document and its policies");
  const auto file = std::make_shared<std::string>();
  check->add_option("grants", *file, "A grants document; - is standard input")->required()->type_name("FILE");
  check->callback([file, &action] { action = [file] { return CheckGrants(*file); }; });

  CLI::App* token =
      command->add_subcommand("new-token", "Make a bearer token, and the hash that its grant needs");
  const auto id = std::make_shared<std::string>();
  token->add_option("id", *id, "The grant's id")->required()->type_name("ID");
  token->callback([id, &action] { action = [id] { return NewToken(*id); }; });

  CLI::App* hash = command->add_subcommand("hash-secret", "Hash a secret that is read from standard input");
  hash->callback([&action] { action = HashOne; });
}

}  // namespace callwarden::tool
