// What a proxy adds to a tool call over stdio.
//
//   proxy_bench [--calls N] [--rounds N] -- PROXY ARGS...
//
// Starts an MCP server (this program, with --serve) bare, and behind `PROXY ARGS...`, which it is appended to
// as a command line, in turns; makes calls with 0, 1 and 8 others in flight; prints p50 and p99 of both and
// what the proxy adds. The figures of one round are compared with each other alone; printed is the median
// over the rounds.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kIdMember = "\"id\":";

/// The number behind the first `"id":`, which both sides write there; -1 when there is none.
long IdOf(std::string_view line) {
  const std::size_t at = line.find(kIdMember);
  return at == std::string_view::npos ? -1 : std::strtol(line.data() + at + kIdMember.size(), nullptr, 10);
}

/// Lines from a descriptor.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  bool Next(std::string& line) {
    for (;;) {
      if (const std::size_t end = buffer_.find('\n', begin_); end != std::string::npos) {
        line.assign(buffer_, begin_, end - begin_);
        begin_ = end + 1;
        return true;
      }
      buffer_.erase(0, begin_);
      begin_ = 0;
      std::array<char, 65536> chunk;
      const ssize_t count = read(fd_, chunk.data(), chunk.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      buffer_.append(chunk.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  int fd_;
  std::string buffer_;
  std::size_t begin_ = 0;
};

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::runtime_error(std::string("write: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// The server: as little work as an answer can be.
int Serve() {
  Lines lines(STDIN_FILENO);
  for (std::string line; lines.Next(line);) {
    const long id = IdOf(line);
    if (id < 0) continue;
    const bool opening = line.find("\"initialize\"") != std::string::npos;
    WriteAll(
        STDOUT_FILENO,
        "{\"jsonrpc\":\"2.0\",\"id\":" + std::to_string(id) + ",\"result\":" +
            (opening
                 ? R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"b","version":"1"}})"
                 : R"({"content":[{"type":"text","text":"charged"}],"isError":false})") +
            "}\n");
  }
  return 0;
}

/// A command on pipes.
class Program {
 public:
  explicit Program(std::vector<std::string> command) {
    std::array<int, 2> in;
    std::array<int, 2> out;
    if (pipe(in.data()) != 0 || pipe(out.data()) != 0) throw std::runtime_error("pipe");
    for (const int fd : {in[1], out[0]}) fcntl(fd, F_SETFD, FD_CLOEXEC);
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      close(in[0]);
      close(out[1]);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }
  Program(const Program&) = delete;  // one owner of the process
  Program& operator=(const Program&) = delete;
  ~Program() {
    close(in_);
    waitpid(pid_, nullptr, 0);
    close(out_);
  }
  int in() const { return in_; }
  int out() const { return out_; }

 private:
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
};

struct Percentiles {
  double p50_us = 0;
  double p99_us = 0;
};

/// Makes `calls` calls, each new one as another is answered, `others` + 1 of them in flight.
Percentiles Measure(const std::vector<std::string>& command, int calls, int others) {
  Program server(command);
  Lines answers(server.out());
  std::string line;
  WriteAll(
      server.in(),
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"b","version":"1"}}})"
      "\n");
  if (!answers.Next(line)) throw std::runtime_error(command.front() + " has ended");
  WriteAll(server.in(), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");

  const int warm_up = calls / 10;
  std::vector<Clock::time_point> sent(static_cast<std::size_t>(calls + warm_up) + 1);
  std::vector<double> took_us;
  int next = 1;
  const auto send = [&] {
    const std::string text = "{\"jsonrpc\":\"2.0\",\"id\":" + std::to_string(next) +
                             R"(,"method":"tools/call","params":{"name":"charge","arguments":{"amount":4200,)"
                             R"("currency":"usd","customer":"cus_8Zk2","description":"Two seats, monthly"}}})"
                             "\n";
    sent[static_cast<std::size_t>(next++)] = Clock::now();
    WriteAll(server.in(), text);
  };
  for (int i = 0; i <= others; ++i) send();
  for (int answered = 0; answered < calls + warm_up; ++answered) {
    if (!answers.Next(line)) throw std::runtime_error(command.front() + " has ended");
    const auto now = Clock::now();
    if (line.find("charged") == std::string::npos)
      throw std::runtime_error("not an answer of the server: " + line);
    const long id = IdOf(line);
    if (id > warm_up)
      took_us.push_back(
          std::chrono::duration<double, std::micro>(now - sent[static_cast<std::size_t>(id)]).count());
    if (next <= calls + warm_up) send();
  }
  std::sort(took_us.begin(), took_us.end());
  const auto at = [&](double share) {
    return took_us[static_cast<std::size_t>(share * static_cast<double>(took_us.size() - 1))];
  };
  return {at(0.50), at(0.99)};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Compare(const std::vector<std::string>& bare, const std::vector<std::string>& gated, int calls,
             int rounds) {
  std::printf("%-9s %10s %10s %10s %10s %10s %10s\n", "in flight", "bare p50", "gated p50", "added p50",
              "bare p99", "gated p99", "added p99");
  for (const int others : {0, 1, 8}) {
    std::array<std::vector<double>, 6> columns;
    for (int round = 0; round < rounds; ++round) {
      const Percentiles a = Measure(bare, calls, others);
      const Percentiles b = Measure(gated, calls, others);
      const std::array<double, 6> row = {a.p50_us, b.p50_us, b.p50_us - a.p50_us,
                                         a.p99_us, b.p99_us, b.p99_us - a.p99_us};
      for (std::size_t i = 0; i < row.size(); ++i) columns[i].push_back(row[i]);
    }
    std::printf("+%-8d", others);
    for (const auto& column : columns) std::printf(" %7.1f us", Median(column));
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  int calls = 5000;
  int rounds = 5;
  std::vector<std::string> proxy;
  try {
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      if (word == "--serve") return Serve();
      if (word == "--calls" && i + 1 < argc) {
        calls = std::atoi(argv[++i]);
      } else if (word == "--rounds" && i + 1 < argc) {
        rounds = std::atoi(argv[++i]);
      } else if (word == "--") {
        proxy.assign(argv + i + 1, argv + argc);
        break;
      } else {
        proxy.clear();
        break;
      }
    }
    if (proxy.empty() || calls < 100 || rounds < 1) {
      std::fprintf(stderr, "usage: proxy_bench [--calls N] [--rounds N] -- PROXY ARGS...\n");
      return 2;
    }
    const std::vector<std::string> bare = {argv[0], "--serve"};
    proxy.insert(proxy.end(), bare.begin(), bare.end());
    Compare(bare, proxy, calls, rounds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "proxy_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
