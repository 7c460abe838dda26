"""The Conan 2 recipe: `conan create packaging/conan --build=missing` in the project's root."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class CallwardenConan(ConanFile):
    name = "callwarden"
    description = "Decides whether an AI agent's tool call may run"
    license = "Apache-2.0"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        "fPIC": [True, False],
        "gate": [True, False],  # grants, approvals, audit log, MCP
        "tools": [True, False],  # the command line tool
    }
    default_options = {"shared": False, "fPIC": True, "gate": True, "tools": False}
    implements = ["auto_shared_fpic"]

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        config = load(self, os.path.join(self._root, "include", "callwarden", "config.h"))
        self.version = ".".join(
            re.search(rf"CALLWARDEN_VERSION_{part} (\d+)", config).group(1) for part in ("MAJOR", "MINOR", "PATCH")
        )

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "lib/*", "tools/*"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def requirements(self):
        self.requires("abseil/[>=20220623]")
        self.requires("re2/[>=20220601]")
        self.requires("simdjson/[>=3.0 <5]")
        if self.options.gate:
            self.requires("openssl/[>=3.0 <4]")
        if self.options.tools:
            self.requires("cli11/[>=2.1 <3]", visible=False)
            self.requires("nlohmann_json/[>=3.9 <4]", visible=False)

    def validate(self):
        check_min_cppstd(self, 20)

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.24]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({
            "CALLWARDEN_BUILD_BENCHMARKS": False,
            "CALLWARDEN_BUILD_EXAMPLES": False,
            "CALLWARDEN_BUILD_FUZZERS": False,
            "CALLWARDEN_BUILD_GATE": bool(self.options.gate),
            "CALLWARDEN_BUILD_TESTS": False,
            "CALLWARDEN_BUILD_TOOLS": bool(self.options.tools),
            "CALLWARDEN_FETCH_DEPS": False,
            "CALLWARDEN_INSTALL": True,
            "CALLWARDEN_WARNINGS_AS_ERRORS": False,
        })
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        # Conan writes its own.
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.libs = ["callwarden"]
        self.cpp_info.set_property("cmake_file_name", "callwarden")
        self.cpp_info.set_property("cmake_target_name", "callwarden::callwarden")
        self.cpp_info.set_property("pkg_config_name", "callwarden")
        if self.options.shared:
            self.cpp_info.defines = ["CALLWARDEN_SHARED"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
