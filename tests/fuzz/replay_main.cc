// Runs kept inputs through a fuzzer's function: `fuzz_replay NAME FOLDER`. A property that does not hold ends
// the process. No inputs is a failure, too: a folder that moved must not look like a pass.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

extern "C" int Fuzz_compile(const uint8_t* data, std::size_t size);
extern "C" int Fuzz_arguments(const uint8_t* data, std::size_t size);
extern "C" int Fuzz_decision(const uint8_t* data, std::size_t size);
extern "C" int Fuzz_policy_test(const uint8_t* data, std::size_t size);
#if defined(CALLWARDEN_TEST_GATE)
extern "C" int Fuzz_approvals(const uint8_t* data, std::size_t size);
extern "C" int Fuzz_audit_log(const uint8_t* data, std::size_t size);
extern "C" int Fuzz_grants(const uint8_t* data, std::size_t size);
extern "C" int Fuzz_mcp(const uint8_t* data, std::size_t size);
#endif

int main(int argc, char** argv) {
  std::map<std::string, int (*)(const uint8_t*, std::size_t)> fuzzers = {{"arguments", Fuzz_arguments},
                                                                         {"compile", Fuzz_compile},
                                                                         {"decision", Fuzz_decision},
                                                                         {"policy_test", Fuzz_policy_test}};
#if defined(CALLWARDEN_TEST_GATE)
  fuzzers["approvals"] = Fuzz_approvals;
  fuzzers["audit_log"] = Fuzz_audit_log;
  fuzzers["grants"] = Fuzz_grants;
  fuzzers["mcp"] = Fuzz_mcp;
#endif
  const auto fuzzer = argc == 3 ? fuzzers.find(argv[1]) : fuzzers.end();
  if (fuzzer == fuzzers.end()) {
    std::cerr << "usage: fuzz_replay NAME FOLDER; NAME is one of";
    for (const auto& [name, function] : fuzzers) std::cerr << ' ' << name;
    std::cerr << '\n';
    return 2;
  }
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[2], error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::cout << file.filename().string() << std::endl;  // flushed, so that the last line names a crash
    fuzzer->second(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  std::cout << files.size() << " inputs\n";
  return files.empty() ? 1 : 0;
}
