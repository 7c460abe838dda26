#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli_outline.h"
#include "commands.h"
#include "output.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

std::string Joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += separator;
    text += word;
  }
  return text;
}

/// In single quotes, as shells read it. fish also takes `\'` within them, which this does without.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::vector<std::string> NamesOf(const CommandOutline& command) {
  std::vector<std::string> names;
  for (const CommandOutline& below : command.commands) names.push_back(below.path.back());
  for (const ArgumentOutline& flag : command.flags) {
    names.insert(names.end(), flag.names.begin(), flag.names.end());
  }
  return names;
}

ValueKind PositionalKind(const CommandOutline& command) {
  return command.positionals.empty() ? ValueKind::kNone : command.positionals.front().kind;
}

constexpr std::string_view kBashBegin =
    R"bash(# bash completion for callwarden; made by `callwarden completion bash`.
_callwarden() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local command=callwarden kind= words= i
  COMPREPLY=()
  # `--flag=value` comes as three words.
  if [[ $cur == = ]]; then
    cur=
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${COMP_WORDS[i]} == -- ]]; then
      kind=files
      ((i + 1 < COMP_CWORD)) || kind=command
      break
    fi
    case "$command ${COMP_WORDS[i]}" in
)bash";

constexpr std::string_view kBashEnd =
    R"bash(  if [[ $kind == files && $cur != -* || $kind == value_files ]]; then
    compopt -o filenames 2>/dev/null
    words=$(compgen -f -- "$cur")
  elif [[ $kind == command ]]; then
    words=$(compgen -c -- "$cur")
  else
    words=$(compgen -W "$words" -- "$cur")
  fi
  while IFS= read -r i; do
    [[ -z $i ]] || COMPREPLY+=("$i")
  done <<<"$words"
}
complete -F _callwarden callwarden
)bash";

std::string Bash(const CommandOutline& root) {
  const std::vector<const CommandOutline*> commands = AllCommands(root);
  std::vector<std::string> paths;
  std::vector<std::string> files;   // flags whose value is a file
  std::vector<std::string> others;  // and such that nobody can guess
  std::string words;
  std::string lists;
  for (const CommandOutline* command : commands) {
    const std::string path = PathText(*command, " ");
    if (command != &root) paths.push_back(Quoted(path));
    for (const ArgumentOutline& flag : command->flags) {
      for (const std::string& name : flag.names) {
        const std::string pattern = Quoted(path + " " + name);
        if (flag.kind == ValueKind::kFile) files.push_back(pattern);
        if (flag.kind == ValueKind::kOther) others.push_back(pattern);
        if (flag.kind == ValueKind::kWords)
          words += "      " + pattern + ") words=" + Quoted(Joined(flag.words, " ")) + " ;;\n";
      }
    }
    std::vector<std::string> names = NamesOf(*command);
    const ValueKind positional = PositionalKind(*command);
    if (positional == ValueKind::kWords) {
      const std::vector<std::string>& known = command->positionals.front().words;
      names.insert(names.begin(), known.begin(), known.end());
    }
    if (positional == ValueKind::kCommand) names.push_back("--");
    lists += "          " + Quoted(path) + ")" + (positional == ValueKind::kFile ? " kind=files" : "") +
             " words=" + Quoted(Joined(names, " ")) + " ;;\n";
  }
  std::string script(kBashBegin);
  script += "      " + Joined(paths, " | \\\n        ") + ")\n        command+=\" ${COMP_WORDS[i]}\" ;;\n";
  script += "    esac\n  done\n  if [[ -z $kind ]]; then\n    case \"$command $prev\" in\n";
  script += "      " + Joined(files, " | \\\n        ") + ") kind=value_files ;;\n" + words;
  script += "      " + Joined(others, " | \\\n        ") + ") return ;;\n";
  script += "      *)\n        case $command in\n" + lists + "        esac ;;\n    esac\n  fi\n";
  return script + std::string(kBashEnd);
}

/// Within a specification of _arguments.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string ZshAction(const ArgumentOutline& argument) {
  const std::string name = ":" + ZshText(argument.value) + ":";
  switch (argument.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kOther:
      return name;
    case ValueKind::kFile:
      return name + "_files";
    case ValueKind::kWords:
      return name + "(" + Joined(argument.words, " ") + ")";
    case ValueKind::kCommand:
      return name + "_normal";
  }
  return {};
}

std::string ZshFunction(const CommandOutline& command) {
  const bool is_leaf = command.commands.empty();
  std::string text = PathText(command, "_") + "() {\n";
  text = "_" + text;
  if (!is_leaf) text += "  local curcontext=$curcontext state line\n  typeset -A opt_args\n";
  text += is_leaf ? "  _arguments -S" : "  _arguments -C";
  for (const ArgumentOutline& flag : command.flags) {
    const std::string all = flag.names.size() > 1 ? "(" + Joined(flag.names, " ") + ")" : std::string();
    for (const std::string& name : flag.names) {
      const bool joins = flag.kind != ValueKind::kNone && name.starts_with("--");
      text += " \\\n    " + Quoted((flag.repeats ? "*" : all) + name + (joins ? "=" : "") + "[" +
                                   ZshText(flag.description) + "]" + ZshAction(flag));
    }
  }
  for (const ArgumentOutline& argument : command.positionals) {
    const bool is_command = argument.kind == ValueKind::kCommand;
    text += " \\\n    " + Quoted((is_command ? "*::" : argument.repeats ? "*" : "1") + ZshAction(argument));
  }
  if (is_leaf) return text + "\n}\n";
  text += " \\\n    '1: :->command' \\\n    '*:: :->rest'\n  case $state in\n    command)\n";
  text += "      local -a commands=(\n";
  for (const CommandOutline& below : command.commands) {
    text += "        " + Quoted(ZshText(below.path.back()) + ":" + ZshText(below.description)) + "\n";
  }
  text += "      )\n      _describe -t commands command commands\n      ;;\n";
  const std::string function = "_" + PathText(command, "_") + "_$words[1]";
  text += "    rest) (( $+functions[" + function + "] )) && " + function + " ;;\n  esac\n}\n";
  return text;
}

std::string Zsh(const CommandOutline& root) {
  std::string script =
      "#compdef callwarden\n# zsh completion for callwarden; made by `callwarden completion zsh`.\n";
  for (const CommandOutline* command : AllCommands(root)) script += "\n" + ZshFunction(*command);
  // Autoloaded, the file is the function's body; sourced, it is to be registered.
  return script +
         "\nif [[ $funcstack[1] == _callwarden ]]; then\n  _callwarden \"$@\"\nelse\n"
         "  compdef _callwarden callwarden\nfi\n";
}

constexpr std::string_view kFishBegin =
    R"fish(# fish completion for callwarden; made by `callwarden completion fish`.
function __callwarden_at -d 'Whether these are all words so far'
    set -l words (commandline -opc)
    test "$words[2..-1]" = "$argv"
end
function __callwarden_in -d 'Whether these are the first words, and no -- has come'
    set -l words (commandline -opc)
    not contains -- -- $words
    and test "$words[2.."(math 1 + (count $argv))"]" = "$argv"
end
function __callwarden_command -d 'Completes the command after --'
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    or return
    complete -C (string join ' ' -- (string escape -- $words[(math $at + 1)..-1]) (commandline -ct))
end
complete -c callwarden -f
)fish";

std::string FishFlag(const ArgumentOutline& flag) {
  std::string text;
  for (const std::string& name : flag.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  switch (flag.kind) {
    case ValueKind::kNone:
      break;
    case ValueKind::kFile:
      text += " -r -F";
      break;
    case ValueKind::kWords:
      text += " -x -a " + Quoted(Joined(flag.words, " "));
      break;
    case ValueKind::kOther:
    case ValueKind::kCommand:
      text += " -x";
      break;
  }
  return text + " -d " + Quoted(flag.description);
}

std::string Fish(const CommandOutline& root) {
  std::string script(kFishBegin);
  for (const CommandOutline* command : AllCommands(root)) {
    std::string path;
    for (std::size_t i = 1; i < command->path.size(); ++i) path += " " + command->path[i];
    const bool is_leaf = command->commands.empty();
    const std::string here =
        "complete -c callwarden -n " + Quoted((is_leaf ? "__callwarden_in" : "__callwarden_at") + path);
    for (const CommandOutline& below : command->commands) {
      script += here + " -a " + below.path.back() + " -d " + Quoted(below.description) + "\n";
    }
    for (const ArgumentOutline& flag : command->flags) script += here + FishFlag(flag) + "\n";
    for (const ArgumentOutline& argument : command->positionals) {
      if (argument.kind == ValueKind::kFile) script += here + " -F\n";
      if (argument.kind == ValueKind::kWords)
        script += here + " -a " + Quoted(Joined(argument.words, " ")) + "\n";
      if (argument.kind == ValueKind::kCommand)
        script +=
            "complete -c callwarden -n 'contains -- -- (commandline -opc)' -a '(__callwarden_command)'\n";
    }
  }
  return script;
}

int Completion(const CLI::App& app, const std::string& shell) {
  const CommandOutline root = OutlineOf(app);
  Out(shell == "bash" ? Bash(root) : shell == "zsh" ? Zsh(root) : Fish(root));
  return kExitOk;
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("completion", "Print a script that completes command lines in a shell");
  command->footer(
      "An installed package has the scripts where shells look for them.\n"
      "Exit codes: 0 printed, 2 bad usage.\n"
      "\n"
      "Example:\n"
      "  source <(callwarden completion bash)\n"
      "  callwarden completion zsh >~/.zfunc/_callwarden\n"
      "  callwarden completion fish >~/.config/fish/completions/callwarden.fish\n");
  const auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "The shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([shell, &app, &action] { action = [shell, &app] { return Completion(app, *shell); }; });
}

}  // namespace callwarden::tool
