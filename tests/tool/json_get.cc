// json_get POINTER: reads one JSON document from standard input and prints what it holds at a JSON Pointer,
// strings as they are and everything else as compact JSON. Fails when it is not JSON or holds nothing there.

#include <exception>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const auto document = nlohmann::ordered_json::parse(std::cin);
    const auto& value = document.at(nlohmann::ordered_json::json_pointer(argv[1]));
    std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "json_get: " << error.what() << "\n";
    return 1;
  }
}
