#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callwarden/approvals.h"
#include "callwarden/clock.h"

#include "commands.h"
#include "input_file.h"
#include "output.h"
#include "printable.h"
#include "style.h"
#include "tool_error.h"
#include "utc_time.h"

namespace callwarden::tool {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

struct ApprovalsFlags {
  std::string file;
  std::string id;
  std::string who;
  std::string note;
  bool all = false;
  bool json = false;
};

[[noreturn]] void Fail(const std::string& file, const ApprovalError& error) {
  std::string text = DisplayName(file) + ": ";
  if (error.kind == ApprovalError::Kind::kFile) {
    text += std::strerror(error.system_error);
  } else {
    text += error.message();
    if (error.line != 0) text += ", at line " + std::to_string(error.line);
  }
  throw ToolError(text);
}

/// A store of the file, which must be there: a name that was mistyped must not look like no approvals.
class OpenStore {
 public:
  explicit OpenStore(const ApprovalsFlags& flags) : file_(flags.file) {
    struct stat file {};
    if (::lstat(file_.c_str(), &file) != 0) Fail(file_, {ApprovalError::Kind::kFile, errno, 0});
    ApprovalStoreOptions options;
    options.path = file_;
    options.clock = &clock_;
    store_ = std::make_unique<ApprovalStore>(std::move(options));
    Check();
  }
  ApprovalStore& store() { return *store_; }
  Timestamp now() const { return clock_.Now(); }
  /// To be asked after reading: an error leaves nothing to read.
  void Check() const {
    if (const ApprovalError error = store_->status(); !error.ok()) Fail(file_, error);
  }

 private:
  std::string file_;
  SystemClock clock_;
  std::unique_ptr<ApprovalStore> store_;
};

/// `40 s`, `5 min`, `3 h`, `2 d`, whole units.
std::string SpanText(std::chrono::nanoseconds span) {
  const auto seconds = std::max<int64_t>(0, std::chrono::floor<std::chrono::seconds>(span).count());
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 60 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 72 * 60 * 60) return std::to_string(seconds / (60 * 60)) + " h";
  return std::to_string(seconds / (24 * 60 * 60)) + " d";
}

bool IsLive(const Approval& approval) {
  return approval.state == ApprovalState::kPending || approval.state == ApprovalState::kApproved;
}

std::string LeftText(const Approval& approval, Timestamp now) {
  return IsLive(approval) ? SpanText(approval.expires_at - now) : "-";
}

std::string DigestText(const CallDigest& digest) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

bool IsCut(const Approval& approval) { return approval.arguments.ends_with(kEllipsis); }

Json ToJson(const Approval& approval) {
  Json json;
  json["id"] = approval.id;
  json["state"] = Name(approval.state);
  json["tool"] = approval.tool;
  json["grant"] = approval.grant;
  json["session"] = approval.session;
  json["rule"] = approval.rule;
  json["message"] = approval.message;
  json["arguments"] = approval.arguments;  // as text: its numbers are exact
  json["arguments_cut"] = IsCut(approval);
  json["digest"] = DigestText(approval.digest);
  json["requested_at"] = UtcTimeText(approval.requested_at);
  json["expires_at"] = UtcTimeText(approval.expires_at);
  const bool answered = !approval.answered_by.empty() || approval.answered_at != Timestamp{};
  json["answered_by"] = answered ? Json(approval.answered_by) : Json(nullptr);
  json["answered_at"] = answered ? Json(UtcTimeText(approval.answered_at)) : Json(nullptr);
  json["note"] = answered ? Json(approval.note) : Json(nullptr);
  return json;
}

/// A table; the last column is as long as it is.
std::string TableText(const std::vector<std::vector<std::string>>& rows, const Style& style) {
  std::vector<std::size_t> widths(rows.front().size());
  const auto width_of = [](std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
      const CodePoint next = NextCodePoint(text);
      width += static_cast<std::size_t>(DisplayWidth(next.value));
      text.remove_prefix(next.size);
    }
    return width;
  };
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] + 2 - width_of(row[i]), ' ');
    }
    out += (&row == &rows.front() ? style.Bold(line) : line) + "\n";
  }
  return out;
}

int ListApprovals(const ApprovalsFlags& flags) {
  OpenStore open(flags);
  const std::vector<Approval> list = open.store().List(!flags.all);
  open.Check();
  if (flags.json) {
    Json json;
    json["approvals"] = Json::array();
    for (const Approval& approval : list) json["approvals"].push_back(ToJson(approval));
    Out(JsonDocument(json));
    return kExitOk;
  }
  if (list.empty()) {
    Out(flags.all ? "no approvals\n" : "no approvals wait\n");
    return kExitOk;
  }
  const Timestamp now = open.now();
  std::vector<std::vector<std::string>> rows = {{"ID", "STATE", "AGE", "LEFT", "TOOL", "GRANT"}};
  for (const Approval& approval : list) {
    rows.push_back({Printable(approval.id), std::string(Name(approval.state)),
                    SpanText(now - approval.requested_at), LeftText(approval, now), Printable(approval.tool),
                    approval.grant.empty() ? "-" : Printable(approval.grant)});
  }
  Out(TableText(rows, Style::For(stdout)));
  return kExitOk;
}

std::string ApprovalText(const Approval& approval, Timestamp now, const Style& style) {
  std::string out;
  const auto line = [&](std::string_view name, const std::string& value) {
    std::string padded(name);
    padded.resize(11, ' ');
    out += style.Bold(padded) + value + "\n";
  };
  const auto text = [](std::string_view value) { return value.empty() ? "-" : Printable(value); };
  std::string state(Name(approval.state));
  if (IsLive(approval)) state += ", " + LeftText(approval, now) + " left";
  line("approval", Printable(approval.id));
  line("state", state);
  line("tool", text(approval.tool));
  line("grant", text(approval.grant));
  line("session", text(approval.session));
  line("asked", UtcTimeText(approval.requested_at) + ", " + SpanText(now - approval.requested_at) + " ago");
  line("rule", text(approval.rule));
  line("message", text(approval.message));
  if (approval.answered_at != Timestamp{}) {
    line("answered", UtcTimeText(approval.answered_at) + " by " + text(approval.answered_by));
    if (!approval.note.empty()) line("note", Printable(approval.note));
  }
  line("digest", DigestText(approval.digest));
  if (approval.arguments.empty()) {
    line("arguments", "(not kept)");
  } else {
    line("arguments", Printable(approval.arguments));
    if (IsCut(approval)) out += style.Red("           The arguments are longer than this.") + "\n";
  }
  return out;
}

/// Tells that there is no such approval, or that it cannot be answered as wanted.
int Problem(const std::string& what) {
  ReportError(what);
  return kExitProblems;
}

std::string Unknown(const std::string& id) { return "there is no approval \"" + Printable(id) + "\""; }

int ShowApproval(const ApprovalsFlags& flags) {
  OpenStore open(flags);
  const std::optional<Approval> approval = open.store().Find(flags.id);
  open.Check();
  if (!approval.has_value()) return Problem(Unknown(flags.id));
  Out(flags.json ? JsonDocument(ToJson(*approval)) : ApprovalText(*approval, open.now(), Style::For(stdout)));
  return kExitOk;
}

/// Who sits at the terminal, also under sudo; without one, the process's user.
std::string LoginName() {
  std::array<char, 256> name{};
  if (::getlogin_r(name.data(), name.size()) == 0 && name[0] != '\0') return name.data();
  if (const passwd* user = ::getpwuid(::getuid()); user != nullptr) return user->pw_name;
  return "uid " + std::to_string(::getuid());
}

int AnswerApproval(const ApprovalsFlags& flags, bool approve) {
  OpenStore open(flags);
  const std::string who = flags.who.empty() ? LoginName() : flags.who;
  const ApprovalError error = approve ? open.store().Approve(flags.id, who, flags.note)
                                      : open.store().Deny(flags.id, who, flags.note);
  const std::string verb = approve ? "approved" : "denied";
  if (error.kind == ApprovalError::Kind::kUnknown) return Problem(Unknown(flags.id));
  const std::optional<Approval> approval =
      error.ok() || error.kind == ApprovalError::Kind::kState ? open.store().Find(flags.id) : std::nullopt;
  if (error.kind == ApprovalError::Kind::kState && approval.has_value()) {
    std::string what = "approval \"" + Printable(flags.id) + "\" is " + std::string(Name(approval->state));
    what +=
        approve ? "; only a pending one can be approved" : "; only a pending or approved one can be denied";
    return Problem(what);
  }
  if (!error.ok()) Fail(flags.file, error);
  // Another person, or the host, may have been quicker with what comes after; the answer stands.
  if (flags.json && approval.has_value()) {
    Out(JsonDocument(ToJson(*approval)));
  } else {
    Out(verb + " " + Printable(flags.id) +
        (approval.has_value() ? ", a call of " + Printable(approval->tool) : "") + ", as " + Printable(who) +
        "\n");
  }
  return kExitOk;
}

}  // namespace

void AddApprovalsCommand(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("approvals", "List, show, approve and deny calls that wait for a person");
  command->require_subcommand(1);
  command->footer(
      "FILE is the approvals file of a host, such as `callwarden proxy`, which may run meanwhile. Whoever "
      "can\n"
      "write it can approve, so it is refused unless it belongs to you (or you are root) and nobody else "
      "can\n"
      "write it.\n"
      "Exit codes: 0 done; 1 no such approval, or not in a state that can be answered; 2 bad usage, or a\n"
      "file that cannot be used.\n"
      "\n"
      "Example:\n"
      "  callwarden approvals list --file approvals.jsonl\n"
      "  callwarden approvals show --file approvals.jsonl ID\n"
      "  callwarden approvals approve --file approvals.jsonl ID --note 'as agreed with Kim'\n");
  const auto flags = std::make_shared<ApprovalsFlags>();
  const auto add = [&](const char* name, const char* text, bool with_id, auto run) {
    CLI::App* sub = command->add_subcommand(name, text);
    sub->add_option("--file", flags->file, "The approvals file")->required()->type_name("FILE");
    if (with_id) sub->add_option("id", flags->id, "The approval's id")->required()->type_name("ID");
    sub->add_flag("--json", flags->json, "Print one document of JSON");
    sub->callback([flags, run, &action] { action = [flags, run] { return run(*flags); }; });
    return sub;
  };
  add("list", "List what waits, the oldest first", false, ListApprovals)
      ->add_flag("--all", flags->all, "List also what has ended, as far as it is remembered");
  add("show", "Show one, with the arguments of its call", true, ShowApproval);
  const auto add_answer = [&](const char* name, const char* text, bool approve) {
    CLI::App* sub =
        add(name, text, true, [approve](const ApprovalsFlags& f) { return AnswerApproval(f, approve); });
    sub->add_option("--who", flags->who, "Who answers; your login name without it")->type_name("NAME");
    sub->add_option("--note", flags->note, "A note that is kept with the answer")->type_name("TEXT");
  };
  add_answer("approve", "Approve one: its call may run once", true);
  add_answer("deny", "Deny one, or take back an approval that was not used yet", false);
}

}  // namespace callwarden::tool
