// Organisations, people, sessions and invitations in every store, as in store_test.cpp.
#include "model/access.h"
#include "store/test_stores.h"

namespace hopyard::store {
namespace {

const OrganisationId ours("o");

class PeopleSuite : public EveryStore {};

Timestamp at(int seconds) {
    return Timestamp(Seconds(seconds));
}

model::Person person(const std::string& id, const std::string& email) {
    return {.id = PersonId(id),
            .organisation = ours,
            .name = "Ada",
            .email = email,
            .role = model::Role::owner,
            .password_hash = "$argon2id$x",
            .totp = true,
            .totp_step = 7,
            .recovery_hashes = {"aa", "bb"},
            .reset_hash = "cc",
            .reset_expires_at = at(8),
            .joined_at = at(5),
            .last_seen_at = at(9)};
}

model::Session session(const std::string& id, const std::string& of, int begun, int seen) {
    return {.id = SessionId(id),
            .person = PersonId(of),
            .token_hash = "hash " + id,
            .created_at = at(begun),
            .last_seen_at = at(seen),
            .address = "10.0.0.1",
            .user_agent = "browser"};
}

TEST_P(PeopleSuite, an_organisation_comes_back_as_it_was_put) {
    model::Organisation row{.id = ours,
                            .name = "Lab",
                            .plan = model::Plan::enterprise,
                            .permissions = {true, false, true},
                            .require_totp = true};
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(row); }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.organisation(ours), row);
        EXPECT_FALSE(*t.organisation(OrganisationId("other")));
        return {};
    }));
    model::Organisation stale = row;
    stale.version = 7;
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(stale); }).error().code,
              "changed_meanwhile");
}

TEST_P(PeopleSuite, a_person_is_found_by_id_by_address_and_in_the_organisation) {
    model::Person ada = person("p-2", "Ada@Example.org"), bob = person("p-1", "bob@example.org");
    bob.joined_at = at(6);
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(ada));
        return t.put(bob);
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.person(ada.id), ada);
        EXPECT_EQ(*t.person_by_email("aDA@example.ORG"), ada);
        EXPECT_FALSE(*t.person_by_email("eve@example.org"));
        EXPECT_EQ(*t.persons(ours), (std::vector<model::Person>{ada, bob}));
        EXPECT_TRUE(t.persons(OrganisationId("other"))->empty());
        return {};
    }));
}

TEST_P(PeopleSuite, an_address_belongs_to_one_person_of_the_installation) {
    model::Person ada = person("p-1", "ada@example.org"), eve = person("p-2", "ADA@example.org");
    eve.organisation = OrganisationId("other");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(ada); }));
    const auto refused = store_->write([&](Transaction& t) { return t.put(eve); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "email_taken");
    EXPECT_EQ(refused.error().field, "/email");
    eve.email = "eve@example.org";
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(eve); }));
    ada.email = "Ada@example.org";
    EXPECT_TRUE(store_->write([&](Transaction& t) { return t.put(ada); })) << "her own address";
}

TEST_P(PeopleSuite, a_person_leaves_with_all_sessions) {
    model::Person ada = person("p-1", "ada@example.org"), bob = person("p-2", "bob@example.org");
    model::Session first = session("s-1", "p-1", 1, 5), second = session("s-2", "p-1", 2, 2);
    model::Session other = session("s-3", "p-2", 3, 3);
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(ada));
        RETURN_IF_ERROR(t.put(bob));
        RETURN_IF_ERROR(t.put(second));
        RETURN_IF_ERROR(t.put(first));
        RETURN_IF_ERROR(t.put(other));
        EXPECT_EQ(*t.sessions(ada.id), (std::vector<model::Session>{first, second}));
        EXPECT_EQ(*t.session_by_hash("hash s-2"), second);
        EXPECT_EQ(*t.session(first.id), first);
        return t.erase(ada.id);
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_FALSE(*t.person(ada.id));
        EXPECT_TRUE(t.sessions(ada.id)->empty());
        EXPECT_FALSE(*t.session_by_hash("hash s-2"));
        EXPECT_EQ(*t.session(other.id), other);
        return {};
    }));
}

TEST_P(PeopleSuite, sessions_are_told_apart_by_their_token_and_forgotten_by_age) {
    model::Session idle = session("s-1", "p-1", 50, 60), old = session("s-2", "p-1", 10, 99);
    model::Session good = session("s-3", "p-1", 50, 99), copy = session("s-4", "p-1", 1, 1);
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(idle));
        RETURN_IF_ERROR(t.put(old));
        return t.put(good);
    }));
    copy.token_hash = good.token_hash;
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(copy); }).error().code,
              "token_exists");
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.forget_sessions(at(70), at(20)));
        EXPECT_EQ(*t.sessions(PersonId("p-1")), std::vector<model::Session>{good});
        RETURN_IF_ERROR(t.erase(good.id));
        EXPECT_FALSE(*t.session(good.id));
        return {};
    }));
}

TEST_P(PeopleSuite, invitations_are_found_by_their_token_and_forgotten_when_they_expire) {
    model::Invitation first{.id = InvitationId("i-1"),
                            .organisation = ours,
                            .email = "eve@example.org",
                            .role = model::Role::administrator,
                            .token_hash = "one",
                            .invited_by = "Ada",
                            .created_at = at(2),
                            .expires_at = at(30)};
    model::Invitation second = first;
    second.id = InvitationId("i-2");
    second.created_at = at(1);
    second.expires_at = at(20);
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(first); }));
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(second); }).error().code,
              "token_exists");
    second.token_hash = "two";
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(second));
        EXPECT_EQ(*t.invitation_by_hash("one"), first);
        EXPECT_FALSE(*t.invitation_by_hash("three"));
        EXPECT_EQ(*t.invitations(ours), (std::vector<model::Invitation>{second, first}));
        RETURN_IF_ERROR(t.forget_invitations(at(25)));
        EXPECT_EQ(*t.invitations(ours), std::vector<model::Invitation>{first});
        RETURN_IF_ERROR(t.erase(first.id));
        EXPECT_TRUE(t.invitations(OrganisationId("other"))->empty());
        EXPECT_TRUE(t.invitations(ours)->empty());
        return {};
    }));
}

TEST_P(PeopleSuite, cloud_accounts_are_named_within_their_organisation) {
    model::CloudAccount lab{.organisation = ours,
                            .name = "lab",
                            .subscription = "11111111-2222-3333-4444-555555555555",
                            .tenant = "t",
                            .sign_in = model::CloudSignIn::workload_identity,
                            .client_id = "c",
                            .created_at = at(1)};
    model::CloudAccount theirs = lab;
    theirs.organisation = OrganisationId("other");
    model::CloudAccount again = lab;
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(lab));
        return t.put(theirs);
    }));
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(again); }).error().kind,
              ErrorKind::already_exists);
    lab.sign_in = model::CloudSignIn::managed_identity;
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(lab));
        EXPECT_EQ(*t.cloud_account(ours, "lab"), lab);
        EXPECT_FALSE(*t.cloud_account(ours, "plant"));
        EXPECT_EQ(*t.cloud_accounts(ours), std::vector<model::CloudAccount>{lab});
        EXPECT_EQ(t.cloud_accounts()->size(), 2u);
        RETURN_IF_ERROR(t.erase_cloud_account(ours, "lab"));
        EXPECT_EQ(*t.cloud_accounts(), std::vector<model::CloudAccount>{theirs});
        return {};
    }));
}

TEST_P(PeopleSuite, mail_is_due_from_its_time_on_soonest_first_and_claimed_once) {
    model::OutgoingMail late{.id = MailId("m-1"),
                             .organisation = ours,
                             .to = "ada@example.org",
                             .subject = "Grüße",
                             .created_at = at(1),
                             .send_at = at(20),
                             .expires_at = at(99)};
    model::OutgoingMail soon = late;
    soon.id = MailId("m-2");
    soon.kind = model::MailKind::password_reset;
    soon.send_at = at(10);
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(late));
        return t.put(soon);
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_TRUE(t.due_mail(at(9), 10)->empty());
        EXPECT_EQ(*t.due_mail(at(20), 10), (std::vector<model::OutgoingMail>{soon, late}));
        EXPECT_EQ(*t.due_mail(at(20), 1), (std::vector<model::OutgoingMail>{soon}));
        return {};
    }));
    model::OutgoingMail other = soon;
    soon.send_at = at(60);
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(soon); }));
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(other); }).error().code,
              "changed_meanwhile");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.erase(late.id); }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.due_mail(at(99), 10), (std::vector<model::OutgoingMail>{soon}));
        return {};
    }));
}

INSTANTIATE_TEST_SUITE_P(Every, PeopleSuite, every_store, name_of_store);

}  // namespace
}  // namespace hopyard::store
