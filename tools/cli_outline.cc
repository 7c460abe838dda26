#include "cli_outline.h"

#include <sstream>
#include <string_view>
#include <utility>

namespace callwarden::tool {
namespace {

/// What `CLI::IsMember` adds to the name of a value's type: `HOW:{ok,error}`.
std::vector<std::string> WordsOf(const std::string& type) {
  std::vector<std::string> words;
  const std::size_t begin = type.find(":{");
  if (begin == std::string::npos || !type.ends_with('}')) return words;
  std::istringstream list(type.substr(begin + 2, type.size() - begin - 3));
  for (std::string word; std::getline(list, word, ',');) words.push_back(word);
  return words;
}

ArgumentOutline OutlineOf(const CLI::Option& option) {
  ArgumentOutline outline;
  for (const std::string& name : option.get_snames()) outline.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) outline.names.push_back("--" + name);
  outline.description = option.get_description();
  outline.required = option.get_required();
  if (option.get_items_expected_max() == 0) return outline;
  const std::string type = option.get_type_name();
  outline.value = outline.names.empty() ? option.get_name() : type.substr(0, type.find(':'));
  outline.words = WordsOf(type);
  outline.default_value = option.get_default_str();
  outline.repeats = option.get_items_expected_max() > 1 ||
                    option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  if (!outline.words.empty()) {
    outline.kind = ValueKind::kWords;
  } else if (type == "FILE" || type == "PATH") {
    outline.kind = ValueKind::kFile;
  } else {
    outline.kind = outline.value == "COMMAND" ? ValueKind::kCommand : ValueKind::kOther;
  }
  return outline;
}

/// A footer is lines of paragraphs, with blank lines or `Exit codes:` between them, and indented examples.
void AddFooter(const std::string& footer, CommandOutline& outline) {
  std::istringstream lines(footer);
  bool begins = true;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line == "Example:") {
      begins = true;
    } else if (line.starts_with("  ")) {
      outline.examples.push_back(line.substr(2));
    } else if (begins || line.starts_with("Exit codes:")) {
      outline.text.push_back(line);
      begins = false;
    } else {
      outline.text.back() += " " + line;
    }
  }
}

void AddCommands(const CommandOutline& command, std::vector<const CommandOutline*>& all) {
  all.push_back(&command);
  for (const CommandOutline& below : command.commands) AddCommands(below, all);
}

CommandOutline OutlineOf(const CLI::App& app, std::vector<std::string> path) {
  CommandOutline outline;
  outline.path = std::move(path);
  outline.path.push_back(app.get_name());
  outline.description = app.get_description();
  AddFooter(app.get_footer(), outline);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    ArgumentOutline argument = OutlineOf(*option);
    (argument.names.empty() ? outline.positionals : outline.flags).push_back(std::move(argument));
  }
  const auto is_shown = [](const CLI::App* below) { return !below->get_group().empty(); };
  for (const CLI::App* below : app.get_subcommands(is_shown)) {
    outline.commands.push_back(OutlineOf(*below, outline.path));
  }
  return outline;
}

}  // namespace

CommandOutline OutlineOf(const CLI::App& app) { return OutlineOf(app, {}); }

std::vector<const CommandOutline*> AllCommands(const CommandOutline& command) {
  std::vector<const CommandOutline*> all;
  AddCommands(command, all);
  return all;
}

std::string PathText(const CommandOutline& command, const char* separator) {
  std::string text;
  for (const std::string& word : command.path) text += (text.empty() ? "" : separator) + word;
  return text;
}

}  // namespace callwarden::tool
