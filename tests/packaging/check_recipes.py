#!/usr/bin/env python3
"""check_recipes.py ROOT: the vcpkg port and the Conan recipe say what the project's CMake files say: every option and
no other, the version, and what is linked under which option. Prints each fault and fails if there is one."""

import ast
import json
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
faults = []


def read(name):
    return (root / name).read_text(encoding="utf-8")


def expect(what, found, wanted):
    if found != wanted:
        faults.append(f"{what}: {found}, expected {wanted}")


# What CMake says.
lists = read("CMakeLists.txt")
options = set(re.findall(r"^option\((CALLWARDEN_\w+)", lists, re.M))
config = read("include/callwarden/config.h")
version = ".".join(re.search(rf"CALLWARDEN_VERSION_{part} (\d+)", config)[1] for part in ("MAJOR", "MINOR", "PATCH"))
description = re.search(r'DESCRIPTION "([^"]+)"', lists)[1]
dependencies = read("cmake/CallwardenDependencies.cmake")
macros = dict(re.findall(r"^macro\((callwarden_\w+)\)(.*?)^endmacro", dependencies, re.M | re.S))


def of_macro(name):
    packages = set(re.findall(r"callwarden_dependency\((\w+)", macros[name]))
    packages |= {package.lower() for package in re.findall(r"find_package\((OpenSSL)", macros[name])}
    return packages


library = of_macro("callwarden_library_dependencies")
gate = of_macro("callwarden_crypto_dependency")
tools = of_macro("callwarden_cli11_dependency") | of_macro("callwarden_nlohmann_json_dependency")
minima = dict(re.findall(r"callwarden_dependency\((\w+) PACKAGE \w+ VERSION_MIN ([\d.]+)", dependencies))
minima["openssl"] = re.search(r"find_package\(OpenSSL ([\d.]+)", dependencies)[1]
expect("the library's dependencies", library, {"simdjson", "abseil", "re2"})
expect("the gate's dependencies", gate, {"openssl"})


def names(found):
    return {name.lower().replace("-", "_") for name in found}


tools = names(tools)

# vcpkg.
port = json.loads(read("packaging/vcpkg/callwarden/vcpkg.json"))
portfile = read("packaging/vcpkg/callwarden/portfile.cmake")
expect("vcpkg: version", port["version"], version)
expect("vcpkg: description", port["description"], description)
plain = {entry for entry in port["dependencies"] if isinstance(entry, str)}
expect("vcpkg: dependencies", names(plain), library)
expect("vcpkg: dependencies of gate", names(port["features"]["gate"]["dependencies"]), gate)
expect("vcpkg: dependencies of tools", names(port["features"]["tools"]["dependencies"]), tools)
features = dict(re.findall(r"^    (\w+) (CALLWARDEN_\w+)$", portfile, re.M))
expect("vcpkg: features", set(features), set(port["features"]))
settings = dict(re.findall(r"-D(CALLWARDEN_\w+)=(ON|OFF)", portfile))
expect("vcpkg: options", set(settings) | set(features.values()), options)
expect("vcpkg: options that are on", {o for o, value in settings.items() if value == "ON"}, {"CALLWARDEN_INSTALL"})

# Conan: read as Python, without Conan.
recipe = ast.parse(read("packaging/conan/conanfile.py"))
cls = next(node for node in recipe.body if isinstance(node, ast.ClassDef))
constants = {
    node.targets[0].id: node.value
    for node in cls.body
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
}
functions = {node.name: node for node in cls.body if isinstance(node, ast.FunctionDef)}
expect("conan: description", ast.literal_eval(constants["description"]), description)


def requires_of(nodes):
    """Name and least version of every self.requires() in these statements, not in those below them."""
    found = {}
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name, _, versions = ast.literal_eval(node.value.args[0]).partition("/")
            found[name] = re.search(r">=([\d.]+)", versions)[1]
    return found


body = functions["requirements"].body
by_option = {node.test.attr: requires_of(node.body) for node in body if isinstance(node, ast.If)}
always = requires_of(body)
expect("conan: dependencies", set(always), library)
expect("conan: dependencies of gate", set(by_option["gate"]), gate)
expect("conan: dependencies of tools", names(by_option["tools"]), tools)
for name, least in minima.items():
    expect(f"conan: least version of {name}", (always | by_option["gate"])[name], least)
variables = {}
for node in ast.walk(functions["generate"]):
    if isinstance(node, ast.Dict):
        variables |= {ast.literal_eval(key): ast.unparse(value) for key, value in zip(node.keys, node.values)}
expect("conan: options", set(variables), options)
expect("conan: options that are on", {o for o, value in variables.items() if value == "True"}, {"CALLWARDEN_INSTALL"})
expect("conan: CALLWARDEN_BUILD_GATE", variables.get("CALLWARDEN_BUILD_GATE"), "bool(self.options.gate)")
expect("conan: CALLWARDEN_BUILD_TOOLS", variables.get("CALLWARDEN_BUILD_TOOLS"), "bool(self.options.tools)")

print("\n".join(faults))
print(f"{len(options)} options, {len(faults)} faults")
sys.exit(bool(faults))
