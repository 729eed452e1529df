#include "control/loops.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "control/test_rig.h"
#include "model/phase.h"
#include "nodewire/wire.h"

namespace hopyard::control {
namespace {

using cloud::ResourceKind;
using model::NodePhase;
using model::Phase;
using model::Wanted;

Error error_of(ErrorKind kind) {
    return {.kind = kind, .code = std::string(to_string(kind)), .message = "as the test says"};
}

/// A running cluster with that many workers.
ClusterId running(Rig& rig, int workers) {
    const ClusterId id = rig.create(rig.example(workers));
    EXPECT_TRUE(rig.until_phase(id, Phase::running, Seconds(600))) << rig.cluster(id)->stage;
    rig.cloud.log.clear();
    return id;
}

void terminate(Rig& rig, const ClusterId& id) {
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::terminated;
        row.phase = Phase::terminating;
    });
}

void want_workers(Rig& rig, const ClusterId& id, int count) {
    rig.change(id, [&](model::Cluster& row) { row.spec.workers[0].count = count; });
}

std::vector<std::string> machines(const TestCloud& cloud) {
    std::vector<std::string> names;
    for (const auto& [name, thing] : cloud.things())
        if (name.kind == ResourceKind::machine) names.push_back(name.name);
    return names;
}

std::string user_data(const Rig& rig, const std::string& machine) {
    const TestThing* thing = rig.cloud.find(machine);
    return thing == nullptr ? "" : std::get<cloud::WantedMachine>(thing->wanted).user_data;
}

TEST(Loops, what_does_not_need_each_other_is_asked_for_at_once) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(2));
    (void)rig.loops->step();
    EXPECT_EQ(rig.runner.waiting.size(), 5u) << "list, claim, network, security group, address";
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(60)));
    const auto& log = rig.cloud.log;
    const auto first = std::find_if(log.begin(), log.end(), [](const std::string& line) {
        return line.starts_with("put machine");
    });
    ASSERT_LE(3, std::distance(first, log.end()));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE((first + i)->starts_with("put machine")) << first[i];
    EXPECT_EQ(rig.cloud.count("put machine"), 3);
}

TEST(Loops, ask_for_the_workers_of_a_spot_group_as_spot_machines) {
    Rig rig;
    model::Cluster cluster = rig.example(1);
    const std::string type = cluster.spec.workers[0].key.instance_type;
    cluster.types[type].usd_per_hour = 0.5;
    cluster.spec.workers[0].key.spot = model::SpotSpec{.max_price_percent = 60};
    ASSERT_TRUE(rig.until_phase(rig.create(cluster), Phase::running, Seconds(60)));
    for (const std::string& name : machines(rig.cloud)) {
        const auto& wanted = std::get<cloud::WantedMachine>(rig.cloud.find(name)->wanted);
        const bool is_worker = name.find("-w") != std::string::npos;
        EXPECT_EQ(wanted.max_spot_price, is_worker ? std::optional(0.3) : std::nullopt) << name;
    }
}

TEST(Loops, tell_what_they_do_and_what_came_of_it) {
    Rig rig;
    std::map<std::pair<LoopEvent, std::string>, int> told;
    rig.options.on_event = [&](LoopEvent what, std::string_view outcome) {
        ++told[{what, std::string(outcome)}];
    };
    rig.restart();
    running(rig, 1);
    EXPECT_GT((told[{LoopEvent::step, "leading"}]), 0);
    EXPECT_GT((told[{LoopEvent::plan, "stored"}]), 0);
    EXPECT_GT((told[{LoopEvent::call, "done"}]), 5);
    EXPECT_EQ((told[{LoopEvent::call, "unavailable"}]), 0);
    rig.cloud.fail_next("list", {.error = error_of(ErrorKind::unavailable)});
    rig.run_for(Seconds(20));
    EXPECT_EQ((told[{LoopEvent::call, "unavailable"}]), 1);
}

TEST(Loops, every_resource_has_a_row_and_bears_our_tags_and_the_users) {
    Rig rig;
    const ClusterId id = running(rig, 1);
    const auto rows = rig.resources(id);
    for (const auto& [name, thing] : rig.cloud.things()) {
        std::map<std::string, std::string> tags;
        for (const auto& tag : thing.seen.tags) tags[tag.name] = tag.value;
        EXPECT_EQ(tags["hopyard-installation"], test_installation.value) << name.name;
        EXPECT_EQ(tags["hopyard-cluster"], id.value) << name.name;
        EXPECT_FALSE(tags["hopyard-role"].empty()) << name.name;
        EXPECT_FALSE(tags["hopyard-generation"].empty()) << name.name;
        EXPECT_EQ(tags["team"], "blue") << name.name;
        const auto has_row = std::any_of(
            rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
        EXPECT_TRUE(has_row || name.kind == ResourceKind::disk) << name.name;
    }
}

TEST(Loops, user_data_says_where_to_enrol_and_holds_the_token_whose_hash_is_stored) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(1));
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("put machine") == 2; }));
    const model::Node head = rig.node(id, "head");
    const model::Node worker = rig.node(id, "w1");
    const auto of_head = nodewire::user_data_from_json(user_data(rig, head.id.value));
    const auto of_worker = nodewire::user_data_from_json(user_data(rig, worker.id.value));
    ASSERT_TRUE(of_head && of_worker);
    EXPECT_EQ(of_head->url, "https://control:7443");
    EXPECT_TRUE(of_head->is_head);
    EXPECT_EQ(of_worker->url, "https://" + rig.cluster(id)->access.head_private_ip + ":7443");
    EXPECT_EQ(of_worker->ca_pem, "-----CA-----");
    EXPECT_EQ(to_hex(sha256(of_head->token.reveal())), head.enrolment.token_hash);
    EXPECT_EQ(to_hex(sha256(of_worker->token.reveal())), worker.enrolment.token_hash);
    EXPECT_NE(of_head->token.reveal(), of_worker->token.reveal());
}

TEST(Loops, a_put_that_is_repeated_says_the_same_and_the_token_goes_once_it_is_used) {
    Rig rig;
    rig.cloud.fail_next("put machine", {error_of(ErrorKind::timed_out), true});
    const ClusterId id = rig.create(rig.example(0));
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("put machine") == 1; }));
    const model::Node head = rig.node(id, "head");
    const std::string first = user_data(rig, head.id.value);
    ASSERT_FALSE(first.empty());
    EXPECT_TRUE(rig.secret(token_secret(id, head.id)));
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("put machine") == 2; }, Seconds(5)));
    EXPECT_EQ(user_data(rig, head.id.value), first);
    ASSERT_TRUE(rig.until_phase(id, Phase::running));
    EXPECT_FALSE(rig.secret(token_secret(id, head.id)));
}

TEST(Loops, terminating_leaves_nothing_but_the_container) {
    Rig rig;
    rig.cloud.network_time = Seconds(3);
    const ClusterId id = running(rig, 2);
    EXPECT_EQ(rig.cloud.policies.size(), 1u);
    terminate(rig, id);
    ASSERT_TRUE(rig.until_gone(id, Seconds(300)));
    EXPECT_TRUE(rig.cloud.things().empty());
    EXPECT_TRUE(rig.cloud.policies.empty());
    EXPECT_EQ(rig.cloud.claims.size(), 1u);
    EXPECT_FALSE(rig.secret(workload_key_secret(id)));
    EXPECT_FALSE(rig.secret(storage_grant_secret(id)));
    EXPECT_TRUE(rig.told(id, "cluster_terminated")) << "what happened to it stays";
}

TEST(Loops, a_disk_that_a_machine_left_behind_goes_with_the_cluster) {
    Rig rig;
    const ClusterId id = running(rig, 0);
    rig.cloud.add({.name = {ResourceKind::disk, "lab", "", "left-behind"},
                   .tags = {{"hopyard-installation", test_installation.value},
                            {"hopyard-cluster", id.value}}});
    terminate(rig, id);
    ASSERT_TRUE(rig.until_gone(id, Seconds(300)));
    EXPECT_TRUE(rig.cloud.things().empty());
}

TEST(Loops, a_stop_keeps_the_head_and_a_start_brings_back_what_was_wanted) {
    Rig rig;
    const ClusterId id = running(rig, 2);
    const std::string head = rig.node(id, "head").id.value;
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::stopped;
        row.phase = Phase::stopping;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::stopped, Seconds(300)));
    EXPECT_EQ(machines(rig.cloud), std::vector{head});
    EXPECT_EQ(rig.cloud.find(head)->seen.power, cloud::Power::deallocated);
    EXPECT_EQ(rig.cluster(id)->spec.workers[0].count, 2);
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::running;
        row.phase = Phase::starting;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300))) << rig.cluster(id)->stage;
    EXPECT_EQ(machines(rig.cloud).size(), 3u);
    EXPECT_EQ(rig.cloud.find(head)->boots, 2);
    EXPECT_EQ(rig.cloud.count("put machine " + head), 0);
}

TEST(Loops, a_stop_before_anything_was_made_ends_and_a_start_makes_it) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(1));
    (void)rig.loops->step();
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::stopped;
        row.phase = Phase::stopping;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::stopped, Seconds(600)));
    EXPECT_TRUE(machines(rig.cloud).empty());
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::running;
        row.phase = Phase::starting;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(600)));
    EXPECT_EQ(machines(rig.cloud).size(), 2u);
}

TEST(Loops, a_restart_restarts_every_machine_once_and_the_head_first) {
    Rig rig;
    const ClusterId id = running(rig, 2);
    rig.change(id, [](model::Cluster& row) {
        ++row.restart_generation;
        row.phase = Phase::starting;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(600)));
    std::vector<std::string> restarts;
    for (const auto& line : rig.cloud.log)
        if (line.starts_with("restart")) restarts.push_back(line);
    ASSERT_EQ(restarts.size(), 3u);
    EXPECT_TRUE(restarts[0].ends_with("head"));
    for (const auto& name : machines(rig.cloud)) EXPECT_EQ(rig.cloud.find(name)->boots, 2) << name;
    EXPECT_EQ(rig.cloud.count("put") + rig.cloud.count("remove"), 0);
}

TEST(Loops, a_restart_that_was_lost_is_asked_for_again) {
    Rig rig;
    const ClusterId id = running(rig, 0);
    rig.cloud.fail_next("restart", {error_of(ErrorKind::unavailable), false});
    rig.change(id, [](model::Cluster& row) {
        ++row.restart_generation;
        row.phase = Phase::starting;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300)));
    EXPECT_EQ(rig.cloud.find(machines(rig.cloud)[0])->boots, 2);
}

TEST(Loops, a_worker_with_a_job_leaves_only_when_it_is_done) {
    Rig rig;
    const ClusterId id = running(rig, 2);
    rig.change_nodes(id, [](model::Node& node) {
        if (node.is_head) return;
        node.seen.jobs = 1;
        node.seen.workload_state = "allocated";
    });
    want_workers(rig, id, 1);
    rig.run_for(Seconds(300));
    EXPECT_EQ(machines(rig.cloud).size(), 3u);
    EXPECT_EQ(rig.cloud.count("remove"), 0);
    rig.change_nodes(id, [](model::Node& node) {
        if (node.phase != NodePhase::draining) return;
        node.seen.jobs = 0;
        node.seen.workload_state = "drained";
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(120)));
    EXPECT_EQ(machines(rig.cloud).size(), 2u);
}

TEST(Loops, a_drain_that_takes_too_long_is_cut_off_and_said_so) {
    Rig rig;
    const ClusterId id = running(rig, 1);
    rig.change_nodes(id, [](model::Node& node) { node.seen.jobs = node.is_head ? 0 : 2; });
    want_workers(rig, id, 0);
    rig.run_for(Seconds(890));
    EXPECT_EQ(machines(rig.cloud).size(), 2u);
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300)));
    EXPECT_EQ(machines(rig.cloud).size(), 1u);
    EXPECT_TRUE(rig.told(id, "job_cut_off"));
}

TEST(Loops, a_worker_that_is_needed_again_is_called_back) {
    Rig rig;
    const ClusterId id = running(rig, 2);
    rig.change_nodes(id, [](model::Node& node) { node.seen.jobs = node.is_head ? 0 : 1; });
    want_workers(rig, id, 1);
    rig.run_for(Seconds(30));
    want_workers(rig, id, 2);
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(60)));
    EXPECT_TRUE(rig.told(id, "worker_recalled"));
    EXPECT_EQ(rig.cloud.count("put machine") + rig.cloud.count("remove"), 0);
}

TEST(Loops, ports_that_change_are_put_again) {
    Rig rig;
    const ClusterId id = running(rig, 0);
    rig.change(id, [](model::Cluster& row) { row.spec.ports.ssh = true; });
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("put security_group") == 1; }, Seconds(5)));
    const auto& wanted = rig.cloud.find("demo-ab12cd34-nsg")->wanted;
    std::vector<std::string> names;
    for (const auto& rule : std::get<cloud::WantedSecurityGroup>(wanted).rules)
        names.push_back(rule.name);
    EXPECT_EQ(names, (std::vector<std::string>{"https", "http", "ssh", "inside", "outside"}));
}

TEST(Loops, a_head_of_another_type_is_resized_before_it_starts) {
    Rig rig;
    const ClusterId id = running(rig, 0);
    const auto stop = [](model::Cluster& row) {
        row.wanted = Wanted::stopped;
        row.phase = Phase::stopping;
    };
    rig.change(id, stop);
    ASSERT_TRUE(rig.until_phase(id, Phase::stopped, Seconds(300)));
    rig.change_nodes(id, [](model::Node& node) { node.group.instance_type = "huge"; });
    rig.change(id, [](model::Cluster& row) {
        row.spec.head.instance_type = "huge";
        row.wanted = Wanted::running;
        row.phase = Phase::starting;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300)));
    EXPECT_EQ(rig.cloud.find(machines(rig.cloud)[0])->seen.size, "huge");
    EXPECT_EQ(rig.cloud.count("resize"), 1);
}

TEST(Loops, a_cluster_at_rest_costs_a_list_now_and_then_and_nothing_else) {
    Rig rig;
    const ClusterId id = running(rig, 3);
    rig.run_for(Seconds(60));
    rig.cloud.log.clear();
    const auto version = rig.cluster(id)->version;
    const auto told = rig.activity(id).size();
    rig.run_for(Seconds(600));
    EXPECT_EQ(rig.cloud.log.size(), static_cast<std::size_t>(rig.cloud.count("list")));
    EXPECT_NEAR(rig.cloud.count("list"), 40, 2);
    EXPECT_EQ(rig.cluster(id)->version, version);
    EXPECT_EQ(rig.activity(id).size(), told);
}

/// Counts what is read.
class CountingStore final : public store::Store {
  public:
    explicit CountingStore(std::unique_ptr<store::Store> inner) : inner_(std::move(inner)) {}
    Result<void> read(const Body& body) override {
        ++reads;
        return inner_->read(body);
    }
    Result<void> write(const Body& body) override { return inner_->write(body); }
    Result<void> write(const store::Lease& fence, const Body& body) override {
        return inner_->write(fence, body);
    }
    Result<std::optional<store::Lease>> acquire(const std::string& name,
                                                const std::string& holder,
                                                Timestamp now,
                                                Milliseconds validity) override {
        return inner_->acquire(name, holder, now, validity);
    }
    Result<void> release(const store::Lease& lease) override { return inner_->release(lease); }
    int reads = 0;

  private:
    std::unique_ptr<store::Store> inner_;
};

TEST(Loops, look_once_at_a_cluster_of_another_account) {
    Rig rig;
    auto counting = std::make_unique<CountingStore>(std::move(rig.store));
    CountingStore& counted = *counting;
    rig.store = std::move(counting);
    rig.restart();
    const auto reads_of_an_hour = [&] {
        const int before = counted.reads;
        rig.run_for(Seconds(3600));
        return counted.reads - before;
    };
    (void)reads_of_an_hour();
    const int without = reads_of_an_hour();
    model::Cluster theirs = rig.example(1);
    theirs.spec.cloud_account = "research";
    rig.create(theirs);
    rig.run_for(Seconds(60));
    EXPECT_LE(reads_of_an_hour(), without + 2);
}

TEST(Loops, carry_the_clusters_of_their_own_account_and_no_others) {
    Rig rig;
    model::Cluster ours = rig.example(1);
    model::Cluster theirs = rig.example(1);
    theirs.id = ClusterId("c-22222222");
    theirs.spec.name = "other";
    theirs.spec.cloud_account = "research";
    theirs.container = theirs.spec.storage.container = "bin";
    theirs.network.virtual_network = "other-22222222-net";
    theirs.network.security_group = "other-22222222-nsg";
    const ClusterId here = rig.create(ours), there = rig.create(theirs);
    ASSERT_TRUE(rig.until_phase(here, model::Phase::running));
    EXPECT_EQ(rig.cluster(there)->phase, model::Phase::pending);
    EXPECT_TRUE(rig.resources(there).empty());

    rig.options.account = {.organisation = theirs.organisation, .name = "research"};
    rig.restart();
    ASSERT_TRUE(rig.until_phase(there, model::Phase::running));
}

}  // namespace
}  // namespace hopyard::control
