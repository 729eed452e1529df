// Databases for tests: a directory that goes with its object, and a PostgreSQL server of our own.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hopyard::store {

class Directory {
  public:
    Directory() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "hopyard-store-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
    }
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    std::string operator/(const char* name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

inline std::string bytes_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// A PostgreSQL server on a unix socket in a directory of its own, run by the user postgres. A
/// guardian process waits for the end of a pipe whose other side only the test has, then ends the
/// server and removes the directory: both go however the test ends.
class Postgres {
  public:
    Postgres() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "hopyard-store-pg-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
        const passwd* user = ::getpwnam("postgres");
        if (user == nullptr || ::chown(directory_.c_str(), user->pw_uid, user->pw_gid) != 0) {
            ADD_FAILURE() << "needs root and the package postgresql";
            return;
        }
        int life[2];
        if (::pipe2(life, O_CLOEXEC) != 0) return;
        guardian_ = ::fork();
        if (guardian_ == 0) {
            ::close(life[1]);
            guard(life[0]);
        }
        ::close(life[0]);
        life_ = life[1];
        run(as_postgres("initdb -A trust --no-sync >/dev/null"));
        start();
    }
    ~Postgres() {
        if (guardian_ <= 0) return;
        ::close(life_);
        ::waitpid(guardian_, nullptr, 0);
    }
    Postgres(const Postgres&) = delete;
    Postgres& operator=(const Postgres&) = delete;

    std::string address() const {
        return "postgresql:dbname=postgres user=postgres host=" + directory_;
    }
    std::string data() const { return directory_ + "/data"; }

    void start() {
        run(as_postgres("pg_ctl -w -s -l " + directory_ + "/log -o \"-c listen_addresses='' -k " +
                        directory_ + "\" start >/dev/null"));
    }
    /// As if the power had failed.
    void stop() { run(stop_command()); }
    /// The answer to one question in SQL, or what one order printed.
    std::string ask(const std::string& sql) const {
        const std::string out = directory_ + "/answer";
        run("psql -X -A -t -q -v ON_ERROR_STOP=1 -h " + directory_ + " -U postgres postgres -c \"" +
            sql + "\" >" + out + " 2>&1");
        std::string answer = bytes_of(out);
        while (answer.ends_with('\n')) answer.pop_back();
        return answer;
    }
    void empty() const {
        ask("SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    }

  private:
    std::string as_postgres(const std::string& command) const {
        return "cd / && PGDATA=" + data() +
               " setpriv --reuid=postgres --regid=postgres --init-groups"
               " /usr/lib/postgresql/15/bin/" +
               command;
    }
    std::string stop_command() const { return as_postgres("pg_ctl -m immediate -s stop"); }
    static void run(const std::string& command) {
        EXPECT_EQ(std::system(command.c_str()), 0) << command;
    }
    [[noreturn]] void guard(int life) const {
        ::setsid();
        char byte;
        while (::read(life, &byte, 1) > 0) {
        }
        const std::string command = stop_command() + " 2>/dev/null; rm -rf " + directory_;
        ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        ::_exit(127);
    }

    std::string directory_;
    pid_t guardian_ = -1;
    int life_ = -1;
};

/// The one server of this test program.
inline Postgres& postgres() {
    static Postgres server;
    return server;
}

}  // namespace hopyard::store
