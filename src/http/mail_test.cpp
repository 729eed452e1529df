#include "http/mail.h"

#include <thread>

#include "http/certificates.h"
#include "http/test_mail_server.h"

namespace hopyard::http {
namespace {

constexpr const char* word = "correct horse";

/// A certificate of 127.0.0.1 as files, and the authority that signed it.
class Certificate {
  public:
    Certificate() {
        const Timestamp now = SystemClock().now();
        const auto authority = make_authority("Mail", now, Seconds(86'400));
        const auto made = issue(authority,
                                {.common_name = "mail",
                                 .ip_addresses = {"127.0.0.1"},
                                 .now = now,
                                 .validity = Seconds(86'400)});
        ca_pem = authority.certificate_pem;
        std::string pattern =
            (std::filesystem::temp_directory_path() / "hopyard-tls-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        std::ofstream(folder_ + "/certificate") << made->certificate_pem;
        std::ofstream(folder_ + "/key") << made->private_key_pem.reveal();
    }
    ~Certificate() { std::filesystem::remove_all(folder_); }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;

    std::vector<std::string> options(const std::string& tls) const {
        return {"--tls",
                tls,
                "--certificate",
                folder_ + "/certificate",
                "--key",
                folder_ + "/key",
                "--user",
                "hopyard",
                "--password",
                word};
    }
    std::string ca_pem;

  private:
    std::string folder_;
};

MailServer with_login(const std::string& url, const std::string& ca_pem) {
    return {.url = url,
            .from = "hopyard@example.org",
            .user = "hopyard",
            .password = Secret(word),
            .ca_pem = ca_pem};
}

MailServer plain(const TestMailServer& server) {
    return {.url = server.url(), .from = "hopyard@example.org"};
}

Mail to_ada(const std::string& text = "Hello\n.\nbye\n") {
    return {.id = "m-1",
            .to = "ada@example.org",
            .subject = "Welcome",
            .text = text,
            .date = *from_rfc3339("2026-11-28T09:00:00Z")};
}

TEST(Mail, is_delivered_over_tls_to_a_server_that_asks_who_we_are) {
    const Certificate certificate;
    for (const auto& [way, scheme] : {std::pair("implicit", "smtps"), {"starttls", "smtp"}}) {
        const TestMailServer server(certificate.options(way));
        SmtpClient client(with_login(server.url(scheme), certificate.ca_pem));
        const auto sent = client.send(to_ada(), {});
        ASSERT_TRUE(sent) << way << ": " << sent.error().message;
        const auto taken = server.taken();
        ASSERT_EQ(taken.size(), 1U);
        EXPECT_EQ(taken[0]["from"], "hopyard@example.org");
        EXPECT_EQ(taken[0]["to"], nlohmann::json::array({"ada@example.org"}));
        EXPECT_EQ(taken[0]["tls"], true) << way;
        EXPECT_EQ(taken[0]["login"], true);
        EXPECT_EQ(taken[0]["subject"], "Welcome");
        EXPECT_EQ(taken[0]["text"], "Hello\n.\nbye\n");
        EXPECT_EQ(taken[0]["headers"]["Date"], "Sat, 28 Nov 2026 09:00:00 +0000");
        EXPECT_EQ(taken[0]["headers"]["Message-ID"], "<m-1@example.org>");
    }
}

TEST(Mail, a_password_never_travels_without_tls_that_was_asked_for) {
    const TestMailServer server({"--user", "hopyard", "--password", word});
    const Certificate other;
    SmtpClient client(with_login(server.url(), other.ca_pem));
    const auto sent = client.send(to_ada(), {});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, "mail_without_tls");
    EXPECT_TRUE(server.taken().empty());
}

TEST(Mail, a_server_with_the_certificate_of_somebody_else_gets_nothing) {
    const Certificate theirs, ours;
    const TestMailServer server(theirs.options("implicit"));
    SmtpClient client(with_login(server.url("smtps"), ours.ca_pem));
    EXPECT_EQ(client.send(to_ada(), {}).error().code, "tls_failed");
    EXPECT_TRUE(server.taken().empty());
}

TEST(Mail, a_wrong_password_is_the_administrators_to_mend) {
    const Certificate certificate;
    const TestMailServer server(certificate.options("implicit"));
    MailServer wrong = with_login(server.url("smtps"), certificate.ca_pem);
    wrong.password = Secret("no such word");
    const auto sent = SmtpClient(wrong).send(to_ada(), {});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(sent.error().owner, Owner::administrator);
    EXPECT_EQ(sent.error().message.find("no such word"), std::string::npos);
}

TEST(Mail, a_refusal_is_for_good_or_for_now_as_the_server_says) {
    const TestMailServer never({"--refuse", "550"}), later({"--refuse", "451"});
    const auto refused = SmtpClient(plain(never)).send(to_ada(), {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "mail_refused");
    EXPECT_NE(refused.error().message.find("550"), std::string::npos) << refused.error().message;
    const auto put_off = SmtpClient(plain(later)).send(to_ada(), {});
    ASSERT_FALSE(put_off);
    EXPECT_EQ(put_off.error().code, "mail_not_now");
    EXPECT_TRUE(is_transient(put_off.error().kind));
}

TEST(Mail, a_slow_server_is_waited_for_so_long_and_left_when_the_program_stops) {
    const TestMailServer server({"--wait", "60"});
    MailServer impatient = plain(server);
    impatient.timeout = Milliseconds(300);
    EXPECT_EQ(SmtpClient(impatient).send(to_ada(), {}).error().kind, ErrorKind::timed_out);
    std::stop_source stop;
    std::jthread stopping([&] { stop.request_stop(); });
    EXPECT_EQ(SmtpClient(plain(server)).send(to_ada(), stop.get_token()).error().kind,
              ErrorKind::cancelled);
}

TEST(Mail, a_server_that_is_gone_may_come_back) {
    TestMailServer server;
    server.end();
    const auto sent = SmtpClient(plain(server)).send(to_ada(), {});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, "not_connected");
    EXPECT_TRUE(is_transient(sent.error().kind));
}

TEST(Mail, any_text_arrives_and_no_text_becomes_a_header) {
    const TestMailServer server;
    Mail mail = to_ada("Grüße aus dem Hopfengarten 🌿\n" + std::string(2'000, 'x') + "\n");
    mail.subject = "Einladung für\r\nBcc: eve@example.org ins Forschungszentrum Jülich 🌿🌿🌿";
    ASSERT_TRUE(SmtpClient(plain(server)).send(mail, {}));
    const auto taken = server.taken();
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0]["text"], mail.text);
    EXPECT_EQ(taken[0]["subject"],
              "Einladung für  Bcc: eve@example.org ins Forschungszentrum Jülich 🌿🌿🌿");
    EXPECT_FALSE(taken[0]["headers"].contains("Bcc"));
    EXPECT_EQ(taken[0]["to"].size(), 1U);
    std::size_t begin = 0;
    const std::string whole = message_of(mail, "hopyard@example.org");
    for (std::size_t end = 0; (end = whole.find("\r\n", begin)) != std::string::npos;
         begin = end + 2)
        EXPECT_LE(end - begin, 78U) << whole.substr(begin, end - begin);
}

TEST(Mail, an_address_that_could_be_two_is_none) {
    for (const char* text : {"ada@example.org", "a+b.c@example", "o'neil@example.org"})
        EXPECT_TRUE(is_mail_address(text)) << text;
    for (const char* text : {"",
                             "@",
                             "ada@",
                             "@example.org",
                             "a@b@c",
                             "a@b>,<c@d",
                             "a b@c",
                             "a@b\r\nRCPT TO:<c@d>",
                             "\"a\"@b",
                             "ä@b",
                             "a@b;c"})
        EXPECT_FALSE(is_mail_address(text)) << text;
    const TestMailServer server;
    Mail mail = to_ada();
    mail.to = "ada@example.org>\r\nRCPT TO:<eve@example.org";
    EXPECT_EQ(SmtpClient(plain(server)).send(mail, {}).error().code, "mail_refused");
    EXPECT_TRUE(server.taken().empty());
}

TEST(Mail, settings_name_the_field_that_is_wrong) {
    const MailServer right{.url = "smtps://mail.example.org:465", .from = "hopyard@example.org"};
    EXPECT_TRUE(check(right));
    for (const char* url : {"",
                            "mail.example.org",
                            "https://mail.example.org",
                            "smtp://user:word@mail.example.org",
                            "smtp://mail.example.org/me"}) {
        MailServer wrong = right;
        wrong.url = url;
        ASSERT_FALSE(check(wrong)) << url;
        EXPECT_EQ(check(wrong).error().field, "/server") << url;
    }
    MailServer wrong = right;
    wrong.from = "Hopyard";
    EXPECT_EQ(check(wrong).error().field, "/from");
    wrong = right;
    wrong.user = "hopyard";
    EXPECT_EQ(check(wrong).error().field, "/user");
}

}  // namespace
}  // namespace hopyard::http
