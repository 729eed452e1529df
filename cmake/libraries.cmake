# The libraries of others, each with the one line that says why it was chosen.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)              # TLS, certificates, HMAC: the library Beast and curl already use
find_package(CURL REQUIRED)                 # HTTP client: every corner of HTTP, proxies and TLS in one place
find_package(fmt REQUIRED)                  # formatting: what became std::format, and is complete
find_package(spdlog REQUIRED)               # log sink: fast, packaged, used behind base/log.h only
find_package(nlohmann_json REQUIRED)        # JSON: the clearest code to read
find_package(CLI11 REQUIRED)                 # command line: subcommands, validation and help from one description
find_package(Boost REQUIRED COMPONENTS system)  # Beast and Asio: the HTTP server
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)    # secretbox, hashing, argon2id, random bytes
pkg_check_modules(YAMLCPP REQUIRED IMPORTED_TARGET yaml-cpp)    # YAML specifications
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)      # the store of one server: no service to run
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)             # what SOCI speaks PostgreSQL with
pkg_check_modules(PUGIXML REQUIRED IMPORTED_TARGET pugixml)     # the XML of the blob service
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)  # metrics in the text that monitors read
pkg_check_modules(LXC REQUIRED IMPORTED_TARGET lxc)             # system containers with limits: local machines
if(HOPYARD_TESTS)
    find_package(GTest REQUIRED)
endif()
