#include <string>
#include <string_view>

#include "cli_outline.h"
#include "commands.h"
#include "output.h"
#include "tool_error.h"
#include "version.h"

namespace callwarden::tool {
namespace {

/// Text that roff shows as it is.
std::string Roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '`') {
      out += "\\(ga";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Bold(std::string_view text) { return "\\fB" + Roff(text) + "\\fR"; }
std::string Italic(std::string_view text) { return "\\fI" + Roff(text) + "\\fR"; }

void AddParagraph(std::string_view text, std::string& page) {
  if (!text.empty()) page += ".PP\n" + Roff(text) + "\n";
}

void AddExamples(const CommandOutline& command, std::string& page) {
  if (command.examples.empty()) return;
  page += ".RS 4\n.nf\n";
  for (const std::string& example : command.examples) page += Roff(example) + "\n";
  page += ".fi\n.RE\n";
}

std::string Synopsis(const CommandOutline& command) {
  std::string text = Bold(PathText(command, " "));
  if (!command.flags.empty()) text += " [" + Italic("OPTIONS") + "]";
  for (const ArgumentOutline& argument : command.positionals) {
    const std::string more = argument.repeats ? "..." : "";
    const std::string dashes = argument.kind == ValueKind::kCommand ? "\\-\\- " : "";
    const std::string name = dashes + Italic(argument.value) + more;
    text += argument.required ? " " + name : " [" + name + "]";
  }
  if (!command.commands.empty()) text += " " + Italic("COMMAND");
  return text;
}

void AddArgument(const ArgumentOutline& argument, std::string& page) {
  page += ".TP\n";
  std::string names;
  for (const std::string& name : argument.names) names += (names.empty() ? "" : ", ") + Bold(name);
  if (!argument.value.empty()) names += (names.empty() ? "" : " ") + Italic(argument.value);
  page += names + "\n" + Roff(argument.description);
  if (!argument.words.empty()) {
    page += ": ";
    for (const std::string& word : argument.words)
      page += (&word == &argument.words.front() ? "" : ", ") + Bold(word);
  }
  if (!argument.default_value.empty()) page += " (" + Roff(argument.default_value) + " if not given)";
  page += "\n";
}

void AddCommand(const CommandOutline& command, std::string& page) {
  page += ".SS \"" + Roff(PathText(command, " ")) + "\"\n" + Synopsis(command) + "\n";
  AddParagraph(command.description + ".", page);
  for (const ArgumentOutline& argument : command.positionals) AddArgument(argument, page);
  for (const ArgumentOutline& argument : command.flags) AddArgument(argument, page);
  for (const std::string& text : command.text) AddParagraph(text, page);
  if (!command.examples.empty()) page += ".PP\n";
  AddExamples(command, page);
}

std::string ManPage(const CommandOutline& root) {
  std::string page = ".\\\" Made by `callwarden man-page`.\n";
  page += ".TH CALLWARDEN 1 \"\" \"callwarden " + Version() + "\" \"User Commands\"\n";
  page += ".SH NAME\ncallwarden \\- decides whether tool calls of AI agents may run\n";
  page += ".SH SYNOPSIS\n" + Synopsis(root) + "\n";
  page += ".SH DESCRIPTION\n" + Roff(root.description) + "\n";
  for (const ArgumentOutline& argument : root.flags) AddArgument(argument, page);
  page += ".SH COMMANDS\n";
  for (const CommandOutline* command : AllCommands(root)) {
    if (command != &root) AddCommand(*command, page);
  }
  page += ".SH EXIT STATUS\n";
  for (const std::string& text : root.text)
    page += (&text == &root.text.front() ? "" : ".PP\n") + Roff(text) + "\n";
  page += ".SH EXAMPLES\n";
  AddExamples(root, page);
  return page;
}

}  // namespace

void AddManPageCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("man-page", "Print the manual page, as roff")->group("");
  command->callback([&app, &action] {
    action = [&app] {
      Out(ManPage(OutlineOf(app)));
      return kExitOk;
    };
  });
}

}  // namespace callwarden::tool
