#include "azure/custom_role.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "azure/needed_rights.h"
#include "azure/test_transport.h"

namespace hopyard::azure {
namespace {

using Json = nlohmann::json;

std::vector<std::string> actions_of(const std::vector<cloud::NeededRight>& rights) {
    std::vector<std::string> actions;
    for (const cloud::NeededRight& right : rights) actions.push_back(right.action);
    return actions;
}

TEST(CustomRole, HoldsExactlyWhatIsUsedInTheGroupsAndOfTheSubscription) {
    const Options options = test_options();
    const cloud::Features few{
        .networks = false, .security_groups = false, .public_addresses = false};
    const auto text =
        CustomRole(options).write({.name = "Hopyard", .groups = {"lab", "plant"}, .features = few});
    const Json roles = Json::parse(text.definition);
    ASSERT_EQ(roles.size(), 2u);
    EXPECT_EQ(roles[0]["Actions"], actions_of(cloud::rights_for(needed_rights(), few)));
    EXPECT_EQ(roles[0]["AssignableScopes"],
              Json::array({"/subscriptions/sub-1/resourceGroups/lab",
                           "/subscriptions/sub-1/resourceGroups/plant"}));
    EXPECT_EQ(roles[1]["Actions"], actions_of(needed_rights().of_subscription));
    EXPECT_EQ(roles[1]["AssignableScopes"], Json::array({"/subscriptions/sub-1"}));
    for (const Json& action : roles[0]["Actions"])
        EXPECT_EQ(action.get<std::string>().find("virtualNetworks/write"), std::string::npos);
}

TEST(CustomRole, EveryFeatureAddsItsActions) {
    const cloud::Features none{
        .networks = false, .security_groups = false, .public_addresses = false};
    const auto least = cloud::rights_for(needed_rights(), none).size();
    for (const auto& [features, added] : std::vector<std::pair<cloud::Features, std::size_t>>{
             {{.networks = true, .security_groups = false, .public_addresses = false},
              needed_rights().for_network.size() + needed_rights().for_subnet.size()},
             {{.networks = false, .security_groups = true, .public_addresses = false},
              needed_rights().for_security_group.size() +
                  needed_rights().for_security_rules.size()},
             {{.networks = false, .security_groups = false, .public_addresses = true},
              needed_rights().for_public_address.size()}})
        EXPECT_EQ(cloud::rights_for(needed_rights(), features).size(), least + added);
}

TEST(CustomRole, CommandsNameWhoSignsInAndSurviveAShell) {
    Options options = test_options();
    options.credentials.client_id = "app-1";
    const auto text =
        CustomRole(options).write({.name = "Ann's", .groups = {"lab"}, .features = {}});
    ASSERT_EQ(text.commands.size(), 4u);
    EXPECT_EQ(text.commands[2],
              "az role assignment create --assignee 'app-1' --role 'Ann'\\''s' "
              "--scope '/subscriptions/sub-1/resourceGroups/lab'");
    options.credentials = {
        .client_id = {}, .client_secret = {}, .federated_token_file = {}, .managed_identity = true};
    EXPECT_NE(CustomRole(options)
                  .write({.name = "Hopyard", .groups = {"lab"}, .features = {}})
                  .commands.back()
                  .find("az vm identity show"),
              std::string::npos);
}

TEST(MissingRights, AreThoseThatNoPatternGives) {
    const auto missing =
        cloud::missing_rights({{"A/read", "read"}, {"A/write", "write"}, {"B/read", "read b"}},
                              {{.actions = {"A/*"},
                                .not_actions = {"A/write"},
                                .data_actions = {},
                                .not_data_actions = {}}});
    EXPECT_EQ(actions_of(missing), (std::vector<std::string>{"A/write", "B/read"}));
}

}  // namespace
}  // namespace hopyard::azure
