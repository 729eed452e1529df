// A real SMTP server for tests (tests/mail/server), which ends with its object.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace hopyard::http {

class TestMailServer {
  public:
    /// `options` as the program takes them.
    explicit TestMailServer(std::vector<std::string> options = {}) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "hopyard-mail-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        options.insert(options.begin(), folder_);
        options.insert(options.begin(), HOPYARD_SOURCE_DIR "/tests/mail/server");
        start(options);
    }
    ~TestMailServer() {
        end();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    TestMailServer(const TestMailServer&) = delete;
    TestMailServer& operator=(const TestMailServer&) = delete;

    /// From then on nobody listens on its port.
    void end() {
        if (child_ <= 0) return;
        ::close(life_);
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        child_ = 0;
    }
    std::string url(const std::string& scheme = "smtp") const {
        return scheme + "://127.0.0.1:" + port_;
    }
    /// What it has taken, in that order: from, to, tls, login, subject, headers, text.
    std::vector<nlohmann::json> taken() const {
        std::vector<nlohmann::json> all;
        for (int number = 1;; ++number) {
            std::ifstream in(folder_ + "/" + std::to_string(number) + ".json");
            if (!in) return all;
            all.push_back(nlohmann::json::parse(in));
        }
    }

  private:
    void start(const std::vector<std::string>& words) {
        int life[2], said[2];
        if (::pipe2(life, O_CLOEXEC) != 0 || ::pipe2(said, O_CLOEXEC) != 0) return;
        std::vector<char*> arguments;
        for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        child_ = ::fork();
        if (child_ == 0) {
            ::dup2(life[0], STDIN_FILENO);
            ::dup2(said[1], STDOUT_FILENO);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(life[0]);
        ::close(said[1]);
        life_ = life[1];
        char letter = 0;
        while (::read(said[0], &letter, 1) == 1 && letter != '\n') port_ += letter;
        ::close(said[0]);
        EXPECT_FALSE(port_.empty()) << "needs the package python3-aiosmtpd";
    }

    std::string folder_;
    std::string port_;
    pid_t child_ = 0;
    int life_ = -1;
};

}  // namespace hopyard::http
