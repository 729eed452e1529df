// The same choices end in the same stored bytes, whichever way they come in.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "specifications/forms.h"
#include "specifications/plane.h"

namespace hopyard::specifications {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t drafts_at_least = 300;
constexpr const char* autoscale_members[] = {
    "autoscale", "gpu", "fallbackTypes", "spot", "standbyShape", "schedule"};
constexpr const char* plain_specification =
    R"({"name": "demo", "resourceGroup": "lab", "head": {"instanceType": "Small", "diskGb": 64},
        "workers": [], "storage": {"account": "store"}, "sshKey": "ops", "identity": "nodes"})";

/// The word behind that option.
std::string behind(const std::vector<std::string>& words, const std::string& option) {
    const auto found = std::find(words.begin(), words.end(), option);
    return found == words.end() || found + 1 == words.end() ? "" : *(found + 1);
}

class Specifications : public testing::Test {
  protected:
    /// Posts what curl would post.
    Outcome by_curl(const std::string& command) {
        const Invocation curl = invoked("curl", command);
        EXPECT_EQ(behind(curl.words, "POST"), "https://hopyard.example/v1/clusters");
        const auto& words = curl.words;
        EXPECT_NE(std::find(words.begin(), words.end(), "Authorization: Bearer key"), words.end());
        EXPECT_NE(std::find(words.begin(), words.end(), "Content-Type: application/json"),
                  words.end());
        return plane_.post("application/json", behind(words, "-d"));
    }
    Outcome by_command(const std::string& command) {
        const Invocation hopyard = invoked("hopyard", command);
        return plane_.command(hopyard.words, hopyard.input);
    }
    Outcome by_flags(const std::string& body) {
        const std::string file = "/tmp/hopyard-rest-" + std::to_string(::getpid());
        const Outcome outcome = plane_.command(as_flags(body, file), "");
        ::unlink(file.c_str());
        return outcome;
    }

    Plane plane_;
};

/// That policy in a cluster that is sound otherwise and has no static workers.
std::string with_policy(const json& draft) {
    json spec = json::parse(plain_specification);
    if (draft.contains("autoscale")) spec["autoscale"] = draft["autoscale"];
    return spec.dump();
}

TEST_F(Specifications, are_equal_byte_by_byte_for_equal_choices) {
    const std::vector<Forms> drafts = read_forms();
    ASSERT_GE(drafts.size(), drafts_at_least);
    std::size_t stored = 0;
    std::map<std::string, std::size_t> with;
    for (const Forms& draft : drafts) {
        const Outcome wanted = plane_.post("application/json", draft.body);
        stored += !wanted.stored.empty();
        for (const std::string member : autoscale_members)
            with[member] += wanted.stored.find('"' + member + '"') != std::string::npos;
        const std::pair<const char*, Outcome> ways[] = {
            {"YAML", plane_.post("application/yaml", draft.yaml)},
            {"command line", by_command(draft.command)},
            {"flags", by_flags(draft.body)},
            {"curl", by_curl(draft.curl)},
        };
        for (const auto& [way, outcome] : ways)
            EXPECT_TRUE(outcome.stored == wanted.stored)
                << "seed " << draft.seed << ", " << way << "\n  draft   " << draft.body
                << "\n  wizard  " << wanted.stored << wanted.refusal << "\n  " << way << "  "
                << outcome.stored << outcome.refusal;
    }
    // Both kinds must be there: what is made, and what every way refuses.
    EXPECT_GT(stored, drafts.size() / 2);
    EXPECT_LT(stored, drafts.size());
    for (const char* member : autoscale_members)
        EXPECT_GT(with[member], drafts.size() / 20) << member << " is hardly ever stored";
    std::printf("%zu drafts, %zu of them stored\n", drafts.size(), stored);
}

TEST_F(Specifications, of_policies_are_equal_when_flags_set_them_on_a_cluster_that_is_there) {
    std::size_t refused = 0, stored = 0;
    for (const Forms& draft : read_forms()) {
        const json spec = json::parse(draft.body);
        const auto words = as_autoscale_flags(draft.body, "demo");
        if (words.empty()) continue;
        const Outcome wanted = plane_.post("application/json", with_policy(spec));
        const std::string bare = plane_.post("application/json", plain_specification).stored;
        ASSERT_NE(bare, "");
        const Outcome outcome = plane_.another_command(words);
        ++(wanted.stored.empty() ? refused : stored);
        EXPECT_EQ(outcome.stored, wanted.stored.empty() ? bare : wanted.stored)
            << "seed " << draft.seed << "\n  draft  " << draft.body << "\n  " << wanted.refusal
            << "\n  " << outcome.refusal;
    }
    EXPECT_GT(stored, drafts_at_least / 4);
    EXPECT_GT(refused, 5u);
}

TEST_F(Specifications, differ_when_one_choice_differs) {
    const std::vector<Forms> drafts = read_forms();
    const auto made = std::find_if(drafts.begin(), drafts.end(), [&](const Forms& each) {
        return !plane_.post("application/json", each.body).stored.empty();
    });
    ASSERT_NE(made, drafts.end());
    const Forms& draft = *made;
    std::string other = draft.yaml;
    const auto at = other.find("publicIp: ");
    ASSERT_NE(at, std::string::npos);
    const bool was = other.compare(at + 10, 4, "true") == 0;
    other.replace(at + 10, was ? 4 : 5, was ? "false" : "true");
    EXPECT_NE(plane_.post("application/yaml", other).stored,
              plane_.post("application/json", draft.body).stored);
}

}  // namespace
}  // namespace hopyard::specifications
