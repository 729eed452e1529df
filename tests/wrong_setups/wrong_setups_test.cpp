// Every wrong set-up of the table ends before anything is made, with field, cause and remedy.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "azure/needed_rights.h"
#include "wrong_setups/judge.h"

namespace hopyard::wrong_setups {
namespace {

const Table& table() {
    static const Table read = [] {
        std::ifstream in(HOPYARD_SOURCE_DIR "/tests/wrong_setups/table.yaml");
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        auto result = read_table(text);
        if (!result) throw std::runtime_error(result.error().message);
        return *result;
    }();
    return read;
}

std::string all_of(const std::vector<std::string>& complaints) {
    std::string text;
    for (const std::string& each : complaints) text += "\n  " + each;
    return text;
}

TEST(WrongSetups, are_at_least_sixty_and_each_has_a_name_of_its_own) {
    EXPECT_EQ(faults_of(table()), std::vector<std::string>());
    std::size_t refused = 0;
    for (const Entry& entry : table().entries) refused += entry.refused();
    std::printf("%zu refused, %zu in all\n", refused, table().entries.size());
}

TEST(WrongSetups, end_with_field_cause_and_remedy_and_nothing_made) {
    for (const Entry& entry : table().entries)
        EXPECT_EQ(all_of(complaints_of(entry, table().base)), "") << entry.name;
}

TEST(WrongSetups, are_sound_without_their_fault) {
    EXPECT_EQ(all_of(complaints_of_sound(table().base)), "");
    for (const Entry& entry : table().entries)
        if (!entry.given.cloud.empty() || !entry.given.spec.empty()) {
            EXPECT_EQ(all_of(complaints_of_sound(patched(table().base, entry.given))), "")
                << entry.name;
        }
}

TEST(WrongSetups, would_be_noticed_if_their_fault_did_no_harm) {
    for (Entry entry : table().entries) {
        entry.fault = {};
        EXPECT_NE(all_of(complaints_of(entry, table().base)), "") << entry.name;
    }
}

/// Without that right in that group, what `given` asks for must be refused.
Entry without(const cloud::NeededRight& right, const std::string& group, const Setting& given) {
    const nlohmann::json rights = {{group, {{"without", nlohmann::json::array({right.action})}}}};
    return {.name = right.action + " in " + group,
            .given = given,
            .fault = {{{"rights", rights}}, nlohmann::json::object()},
            .findings = {{.weight = "blocking",
                          .field = group == "lab" ? "/resourceGroup" : "/network/resourceGroup",
                          .code = "permission_missing",
                          .cause = right.action,
                          .remedy = right.action}}};
}

TEST(WrongSetups, lack_every_right_that_we_need_one_by_one) {
    const auto given_by = [](const std::string& name) {
        for (const Entry& entry : table().entries)
            if (entry.name == name) return entry.given;
        throw std::runtime_error("the table has no entry '" + name + "'");
    };
    const Setting in_office = given_by("a network that is full");
    const Setting in_open = given_by("no security group at all");
    const Setting apart = given_by("nothing is granted in the network's group");
    const cloud::NeededRights& needed = azure::needed_rights();
    const auto judge = [&](const std::vector<cloud::NeededRight>& rights,
                           const std::string& group,
                           const Setting& given) {
        for (const cloud::NeededRight& right : rights) {
            const Entry entry = without(right, group, given);
            EXPECT_EQ(all_of(complaints_of(entry, table().base)), "") << entry.name;
        }
    };
    judge(needed.always, "lab", {});
    judge(needed.for_network, "lab", {});
    judge(needed.for_security_group, "lab", {});
    judge(needed.for_public_address, "lab", {});
    judge(needed.for_subnet, "lab", in_office);
    judge(needed.for_security_rules, "lab", in_open);
    judge(needed.in_network_group, "nets", apart);
    judge(needed.for_security_rules, "nets", apart);
}

TEST(WrongSetups, are_refused_as_a_table_when_few_double_or_empty) {
    const auto faults = [](const char* yaml) { return all_of(faults_of(*read_table(yaml))); };
    const std::string one = faults(
        "wrong:\n"
        "- {name: a, spec: {name: X}, refused: {field: /name, code: c, cause: x, remedy: y}}\n"
        "- {name: a, refused: {field: /name, code: c, cause: x, remedy: y}}\n"
        "- {name: b, spec: {name: X}}\n");
    EXPECT_NE(one.find("a: stands twice"), std::string::npos);
    EXPECT_NE(one.find("a: nothing is wrong"), std::string::npos);
    EXPECT_NE(one.find("b: expects nothing"), std::string::npos);
    EXPECT_NE(one.find("2 are refused; at least 60"), std::string::npos);
    EXPECT_FALSE(read_table("wrong: [{name: a, sepc: {}}]"));
    EXPECT_FALSE(read_table("wrong: [{name: a, refused: {field: /x, code: c}}]"));
}

}  // namespace
}  // namespace hopyard::wrong_setups
