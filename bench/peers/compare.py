"""Measures callwarden and its peers in turns and prints one table. run.sh builds the programs and starts this.

A program of peers takes this folder's path. It prepares its subjects, checks that each gives the answers of
calls.json, and prints them as one line: a JSON array of {"workload", "package", "form"}. Then it answers each line
"INDEX DECISIONS TIMED" of its input by one line: {"ns": processor time a decision over DECISIONS, of the whole
process, so that a collector's threads count; "p50_ns" and "p99_ns" of TIMED more, timed one by one; "allocations": a
decision, or null}. Whatever it answers wrongly ends it with status 2. Between its lines a program sleeps.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile

WORKLOADS = {
    "charge_text": "W2 charge: tool, amount, currency and customer, from the text of the arguments",
    "charge_prepared": "W2 charge: the same, from the value that each takes, made beforehand",
    "limit": "W1 limit: one limit a key, 64 keys in turn, real clock",
}
RUN_NS = 20e6  # a run: long enough that a clock of microseconds does not show
TIMED = 1000
PROXY_CALL = {"name": "charge", "arguments": {"amount": 4200, "currency": "usd", "customer": "cus_8Zk2"}}


def versions(folder):
    """The version of each package, from the lock files."""
    def read(*path):
        with open(os.path.join(folder, *path), encoding="utf-8") as file:
            return file.read()
    found = dict(re.findall(r'name = "(.+)"\nversion = "(.+)"', read("rust", "Cargo.lock")))
    found.update(re.findall(r"^\s+(\S+\.\S+) v(\S+)$", read("go", "go.mod"), re.MULTILINE))
    for path, package in json.loads(read("node", "package-lock.json"))["packages"].items():
        if "version" in package:
            found[path.removeprefix("node_modules/")] = package["version"]
    numbers = re.findall(r"CALLWARDEN_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)",
                         read("..", "..", "include", "callwarden", "config.h"))
    found["callwarden"] = ".".join(numbers)
    return found


class Program:
    def __init__(self, command, folder):
        self.process = subprocess.Popen([*command, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.subjects = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[0]} has ended with status {self.process.wait()}")
        return json.loads(line)

    def run(self, index, decisions, timed):
        self.process.stdin.write(f"{index} {decisions} {timed}\n")
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure_decisions(commands, folder, rounds):
    programs = [Program(command, folder) for command in commands]
    version = versions(folder)
    subjects = []
    for program in programs:
        for index, about in enumerate(program.subjects):
            first = program.run(index, 2000, TIMED)["ns"]
            decisions = max(100, int(RUN_NS / max(first, 1)))
            program.run(index, decisions, TIMED)  # compilers at run time have seen it then
            subjects.append({**about, "version": version[about["package"]], "program": program, "index": index,
                             "decisions": decisions, "runs": []})
    for _ in range(rounds):
        for subject in subjects:
            subject["runs"].append(subject["program"].run(subject["index"], subject["decisions"], TIMED))
    for program in programs:
        program.close()

    rows = []
    for workload in WORKLOADS:
        of_workload = [s for s in subjects if s["workload"] == workload]
        ours = next((s for s in of_workload if s["package"] == "callwarden"), None)
        for subject in of_workload:
            def each(name, runs=subject["runs"]):
                return [run[name] for run in runs]
            row = {key: subject[key] for key in ("workload", "package", "version", "form")}
            row["ns_best"] = min(each("ns"))
            row["ns_median"] = statistics.median(each("ns"))
            row["p50_ns"] = statistics.median(each("p50_ns"))
            row["p99_ns"] = statistics.median(each("p99_ns"))
            row["allocations"] = subject["runs"][-1]["allocations"]
            row["ratio_best"] = row["ns_best"] / min(run["ns"] for run in ours["runs"])
            for of in ("ns", "p50_ns"):
                row[f"ratio_median_{of}"] = (statistics.median(each(of)) /
                                             statistics.median(run[of] for run in ours["runs"]))
            rows.append(row)
    return rows


def check_proxy(name, command):
    """A call within the policy is answered by the server, one beyond it is not."""
    def message(**members):
        return json.dumps({"jsonrpc": "2.0", **members}, separators=(",", ":")) + "\n"
    text = message(id=0, method="initialize",
                   params={"protocolVersion": "2025-11-25", "capabilities": {},
                           "clientInfo": {"name": "b", "version": "1"}})
    text += message(method="notifications/initialized")
    text += message(id=1, method="tools/call", params=PROXY_CALL)
    for number, change in ((2, {"amount": 50001}), (3, {"currency": "gbp"}), (4, {"customer": "acct_1"})):
        call = {**PROXY_CALL, "arguments": {**PROXY_CALL["arguments"], **change}}
        text += message(id=number, method="tools/call", params=call)
    text += message(id=5, method="tools/call", params={**PROXY_CALL, "name": "refund"})
    # Its input stays open until it has answered: what proxies do at its end differs.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        process.stdin.write(text)
        process.stdin.flush()
        answers = {}
        while len(answers) < 6:
            line = process.stdout.readline()
            if not line:
                sys.exit(f"{name} has ended before it answered")
            answer = json.loads(line)
            answers[answer.get("id")] = "charged" in line
        process.stdin.close()
    if [answers.get(number) for number in range(1, 6)] != [True, False, False, False, False]:
        sys.exit(f"wrong answer of {name}")


def measure_proxies(bench, proxies, rounds):
    samples = {name: {} for name, _ in proxies}
    for name, command in proxies:
        check_proxy(name, [*command, bench, "--serve"])
    for _ in range(rounds):
        for name, command in proxies:
            printed = subprocess.run([bench, "--rounds", "1", "--calls", "3000", "--", *command], check=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
            for line in printed.splitlines()[1:]:
                others, *figures = re.findall(r"-?\d+\.?\d*", line)
                samples[name].setdefault(int(others), []).append([float(figure) for figure in figures])
    rows = []
    for name, _ in proxies:
        for others, lines in samples[name].items():
            bare_p50, _, added_p50, bare_p99, _, added_p99 = map(statistics.median, zip(*lines))
            rows.append({"proxy": name, "others_in_flight": others, "bare_p50_us": bare_p50,
                         "added_p50_us": added_p50, "bare_p99_us": bare_p99, "added_p99_us": added_p99})
    return rows


def first_line(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def machine():
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            processor = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)[1]
    except (OSError, TypeError):
        pass
    compilers = [first_line("c++", "--version"), first_line("rustc", "--version"), first_line("go", "version"),
                 "node " + (first_line("node", "--version") or "-")]
    return {"processor": processor, "processors": os.cpu_count(), "load": os.getloadavg()[0],
            "compilers": [compiler for compiler in compilers if compiler]}


def print_report(report):
    about = report["machine"]
    print(f"{about['processors']} x {about['processor']}, load {about['load']:.1f}; " + "; ".join(about["compilers"]))
    for workload, title in WORKLOADS.items():
        print(f"\n{title}")
        print(f"  {'':66} {'ns':>9} {'median':>9} {'p50':>9} {'p99':>9} {'allocs':>7} {'ratio':>7} {'median':>7} {'p50':>7}")
        for row in report["decisions"]:
            if row["workload"] != workload:
                continue
            name = f"{row['package']} {row['version']} {row['form']}"
            allocations = "-" if row["allocations"] is None else f"{row['allocations']:.0f}"
            print(f"  {name:66} {row['ns_best']:9.0f} {row['ns_median']:9.0f} {row['p50_ns']:9.0f}"
                  f" {row['p99_ns']:9.0f} {allocations:>7} {row['ratio_best']:7.2f}"
                  f" {row['ratio_median_ns']:7.2f} {row['ratio_median_p50_ns']:7.2f}")
    if report["proxies"]:
        print("\nW8 proxy: what a tools/call through a stdio proxy takes longer than to the bare server")
        print(f"  {'':40} {'in flight':>9} {'added p50':>12} {'added p99':>12} {'ratio p50':>10} {'p99':>7}")
        ours = {row["others_in_flight"]: row for row in report["proxies"] if row["proxy"] == "callwarden"}
        for row in report["proxies"]:
            base = ours[row["others_in_flight"]]
            ratios = [row[key] / base[key] if base[key] > 0 else float("nan")
                      for key in ("added_p50_us", "added_p99_us")]
            print(f"  {row['proxy']:40} {'+' + str(row['others_in_flight']):>9} {row['added_p50_us']:9.1f} us"
                  f" {row['added_p99_us']:9.1f} us {ratios[0]:10.2f} {ratios[1]:7.2f}")
    for missing in report["not_measured"]:
        print(f"\nnot measured: {missing}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--json")
    parser.add_argument("--program", action="append", default=[], help="a program of peers, callwarden's first")
    parser.add_argument("--proxy-bench")
    parser.add_argument("--callwarden-tool")
    parser.add_argument("--intercept")
    parser.add_argument("--missing", action="append", default=[])
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is at least 1")

    about = machine()
    decisions = measure_decisions([command.split() for command in options.program], options.folder, options.rounds)
    with tempfile.TemporaryDirectory() as scratch:
        ours = [options.callwarden_tool, "proxy", "--policy",
                os.path.join(options.folder, "..", "proxy", "policy.json")]
        proxies = [("callwarden", [*ours, "--"]),
                   ("callwarden, with an audit log", [*ours, "--audit", os.path.join(scratch, "audit"), "--"])]
        if options.intercept:
            # It keeps counts and events below the home folder.
            name = first_line(options.intercept, "--version") or "Intercept"
            proxies.append((name, ["env", f"HOME={scratch}", options.intercept, "--log-level", "error", "-c",
                                          os.path.join(options.folder, "policies", "intercept.yaml"), "--"]))
        proxy_rows = measure_proxies(options.proxy_bench, proxies, max(1, options.rounds // 4))
    report = {"machine": about, "decisions": decisions, "proxies": proxy_rows, "not_measured": options.missing}
    print_report(report)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
