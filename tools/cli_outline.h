#ifndef CALLWARDEN_TOOLS_CLI_OUTLINE_H_
#define CALLWARDEN_TOOLS_CLI_OUTLINE_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace callwarden::tool {

/// What stands where a value does.
enum class ValueKind {
  kNone,   ///< a flag has no value
  kOther,  ///< nothing that a shell could know
  kFile,
  kWords,    ///< one of a few words
  kCommand,  ///< a program and its arguments
};

/// One flag, with or without a value, or one positional argument.
struct ArgumentOutline {
  std::vector<std::string> names;  ///< `-o`, `--output`; empty for a positional argument
  std::string value;               ///< the value's or positional argument's name
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> words;  ///< of ValueKind::kWords
  std::string description;
  std::string default_value;  ///< empty when help shows none
  bool required = false;
  bool repeats = false;
};

/// A command and those below it, as its --help has them; hidden ones are left out.
struct CommandOutline {
  std::vector<std::string> path;  ///< `callwarden`, `audit`, `tail`
  std::string description;
  std::vector<std::string> text;      ///< paragraphs below the options
  std::vector<std::string> examples;  ///< command lines
  std::vector<ArgumentOutline> flags;
  std::vector<ArgumentOutline> positionals;
  std::vector<CommandOutline> commands;
};

/// Reads from the parser what manual page and completion scripts tell, so that they cannot drift from it.
CommandOutline OutlineOf(const CLI::App& app);

/// `command` and all below it, each before what is below it.
std::vector<const CommandOutline*> AllCommands(const CommandOutline& command);

/// The path as it is typed, with `separator` between its words.
std::string PathText(const CommandOutline& command, const char* separator);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_CLI_OUTLINE_H_
