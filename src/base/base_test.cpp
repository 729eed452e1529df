#include <gtest/gtest.h>

#include "base/backoff.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/words.h"

namespace hopyard {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return refuse("/number", "odd", "must be even", "Add one.");
    return number / 2;
}

Result<int> quarter(int number) {
    ASSIGN_OR_RETURN(const int once, half(number));
    return half(once);
}

// RFC 4648 section 10, RFC 2202 section 3.
TEST(Encoding, base32_and_hmac_sha1_answer_the_vectors_of_their_standards) {
    const std::pair<const char*, const char*> words[] = {{"", ""},
                                                         {"f", "MY"},
                                                         {"fo", "MZXQ"},
                                                         {"foo", "MZXW6"},
                                                         {"foob", "MZXW6YQ"},
                                                         {"fooba", "MZXW6YTB"},
                                                         {"foobar", "MZXW6YTBOI"}};
    for (const auto& [bytes, text] : words) EXPECT_EQ(to_base32(bytes), text);
    EXPECT_EQ(to_hex(hmac_sha1("Jefe", "what do ya want for nothing?")),
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST(Result, carries_a_value_or_the_error_of_the_innermost_call) {
    EXPECT_EQ(quarter(12), 3);
    const auto refused = quarter(6);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "/number");
    EXPECT_EQ(refused.error().owner, Owner::user);
}

TEST(Result, every_kind_has_a_word_and_comes_back_from_it) {
    for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
        const auto kind = static_cast<ErrorKind>(i);
        EXPECT_EQ(error_kind_from(to_string(kind)), kind);
    }
    EXPECT_FALSE(error_kind_from("nonsense"));
}

TEST(Time, is_written_in_rfc3339_and_read_back) {
    const Timestamp time{Milliseconds(1'700'000'420'123)};
    EXPECT_EQ(to_rfc3339(time), "2023-11-14T22:20:20.123Z");
    EXPECT_EQ(from_rfc3339("2023-11-14T22:20:20.123Z"), time);
    EXPECT_EQ(from_rfc3339("2023-11-14T22:20:20Z"), Timestamp(Milliseconds(1'700'000'420'000)));
    EXPECT_FALSE(from_rfc3339("2023-02-30T00:00:00Z"));
    EXPECT_FALSE(from_rfc3339("yesterday"));
}

TEST(Random, of_equal_seed_is_equal) {
    SeededRandom a(7), b(7);
    EXPECT_EQ(random_uuid(a), random_uuid(b));
    EXPECT_EQ(random_word(a, 8), random_word(b, 8));
}

TEST(Encoding, uuid5_matches_the_example_of_rfc9562) {
    EXPECT_EQ(uuid5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"),
              "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(Encoding, comes_back_from_text) {
    SeededRandom random(1);
    for (std::size_t size = 0; size < 70; ++size) {
        const std::string bytes = random_bytes(random, size);
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
        EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
        EXPECT_EQ(percent_decode(percent_encode(bytes)), bytes);
    }
    EXPECT_FALSE(from_base64("a"));
    EXPECT_FALSE(from_hex("0g"));
}

TEST(Encoding, sha256_matches_fips_180) {
    EXPECT_EQ(to_hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Backoff, doubles_up_to_its_limit_and_never_falls_below_half) {
    SeededRandom random(3);
    const Backoff backoff{.first = Milliseconds(50), .most = Milliseconds(1000)};
    for (int attempt = 0; attempt < 40; ++attempt) {
        const auto full = std::min<std::int64_t>(1000, attempt < 10 ? 50LL << attempt : 1000);
        const auto wait = wait_before(backoff, attempt, random).count();
        EXPECT_GE(wait, full / 2);
        EXPECT_LE(wait, full);
    }
}

TEST(Words, count_one_of_a_thing_and_several) {
    EXPECT_EQ(counted(0, "job"), "0 jobs");
    EXPECT_EQ(counted(1, "job"), "1 job");
    EXPECT_EQ(counted(12, "job"), "12 jobs");
    EXPECT_EQ(counted(1, "address", "addresses"), "1 address");
    EXPECT_EQ(counted(2, "address", "addresses"), "2 addresses");
}

TEST(Secret, is_empty_after_it_was_moved_away) {
    Secret first("hush");
    const Secret second = std::move(first);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(second.reveal(), "hush");
}

}  // namespace
}  // namespace hopyard
