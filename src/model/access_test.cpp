#include "model/access.h"

#include <gtest/gtest.h>

#include "model/entity_json.h"

namespace hopyard::model {
namespace {

TEST(Rights, of_owners_and_administrators_are_whole_whatever_the_switches) {
    for (int bits = 0; bits < 8; ++bits) {
        const Permissions switches{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
        for (const Role role : {Role::administrator, Role::owner})
            EXPECT_EQ(rights_of(role, switches), (Rights{true, true, true, true})) << bits;
        EXPECT_EQ(rights_of(Role::member, switches),
                  (Rights{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, false}))
            << bits;
    }
}

TEST(Rights, of_members_are_to_manage_clusters_alone_unless_somebody_says_otherwise) {
    EXPECT_EQ(rights_of(Role::member, {}), (Rights{false, true, false, false}));
}

TEST(Sessions, end_when_idle_and_at_the_latest_after_a_week) {
    const Timestamp start{Seconds(1000)};
    Session session{.created_at = start, .last_seen_at = start};
    EXPECT_TRUE(is_usable(session, start + session_idle - Milliseconds(1)));
    EXPECT_FALSE(is_usable(session, start + session_idle));
    session.last_seen_at = start + session_longest - Seconds(1);
    EXPECT_TRUE(is_usable(session, start + session_longest - Milliseconds(1)));
    EXPECT_FALSE(is_usable(session, start + session_longest));
}

TEST(Invitations, are_open_until_they_expire) {
    const Invitation invitation{.expires_at = Timestamp(Seconds(5))};
    EXPECT_TRUE(is_open(invitation, Timestamp(Milliseconds(4999))));
    EXPECT_FALSE(is_open(invitation, Timestamp(Seconds(5))));
}

TEST(AccessJson, an_older_document_takes_the_defaults) {
    EXPECT_EQ(*organisation_from_json(R"({"id":"o"})"), Organisation{.id = OrganisationId("o")});
    EXPECT_EQ(person_from_json(R"({"id":"p"})")->role, Role::member);
}

TEST(AccessJson, malformed_documents_are_internal_errors_that_name_the_member) {
    EXPECT_NE(organisation_from_json(R"({"plan":"gold"})").error().message.find("plan"),
              std::string::npos);
    EXPECT_NE(person_from_json(R"({"role":"king"})").error().message.find("role"),
              std::string::npos);
    EXPECT_NE(session_from_json(R"({"createdAt":"x"})").error().message.find("createdAt"),
              std::string::npos);
    EXPECT_EQ(invitation_from_json("[]").error().kind, ErrorKind::internal);
}

}  // namespace
}  // namespace hopyard::model
