// What the simulation once found, each in a scenario of its own that a change of the random choices
// cannot lose; and the crash at every store write and every cloud call.
#include <gtest/gtest.h>

#include "base/log.h"
#include "simulation/world.h"

namespace hopyard::simulation {
namespace {

using control::Commands;
using model::Wanted;

const control::Caller somebody{.organisation = our_organisation, .actor = "somebody"};

/// One cluster on a cloud where nothing goes wrong but what the scenario does.
class Scenario {
  public:
    explicit Scenario(model::ClusterSpec spec) : stage({.seed = 7, .calm = true}) {
        log::set_level(log::Level::error);
        stage.begin();
        stage.run_command([this, spec = std::move(spec)](Commands& commands) {
            const auto outcome = commands.create(somebody, spec);
            ASSERT_TRUE(outcome) << outcome.error().message;
            model::ClusterSpec stored = outcome->preflight.spec;
            stored.network = spec.network;
            wish = {.id = outcome->id, .spec = std::move(stored)};
        });
        stage.run_for(Seconds(2));
    }
    ~Scenario() {
        for (const std::string& finding : stage.ground.findings.all()) ADD_FAILURE() << finding;
    }

    template <class Command>
    void ask(Command command) {
        bool answered = false;
        stage.run_command([&](Commands& commands) {
            const auto answer = command(commands);
            EXPECT_TRUE(answer) << answer.error().message;
            answered = true;
        });
        stage.run_while([&] { return !answered; }, Seconds(20));
        EXPECT_TRUE(answered);
    }
    void stop() {
        ask([&](Commands& commands) { return commands.stop(somebody, wish.id); });
        wish.wanted = Wanted::stopped;
    }
    void terminate() {
        ask([&](Commands& commands) { return commands.terminate(somebody, wish.id); });
        wish.wanted = Wanted::terminated;
    }
    void set_ssh(bool open) {
        wish.spec.ports.ssh = open;
        ask([&](Commands& commands) {
            return commands.set_ports(somebody, wish.id, wish.spec.ports, std::nullopt);
        });
    }
    void set_workers(int count) {
        wish.spec.workers = {{.key = {.instance_type = "Small"}, .count = count}};
        ask([&](Commands& commands) {
            return commands.set_workers(somebody, wish.id, wish.spec.workers);
        });
    }

    void set_autoscale(const model::AutoscaleSpec& policy) {
        wish.spec.autoscale = policy;
        ask([&](Commands& commands) { return commands.set_autoscale(somebody, wish.id, policy); });
    }

    model::Cluster row() {
        model::Cluster row;
        EXPECT_TRUE(stage.store->read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(const auto cluster, t.cluster(wish.id));
            row = cluster.value_or(model::Cluster());
            return {};
        }));
        return row;
    }
    /// The head's or the first worker's machine.
    ResourceName machine(const char* role) {
        for (const auto& [name, thing] : stage.ground.cloud.things())
            if (name.kind == ResourceKind::machine && !thing.foreign &&
                tag_of(thing.seen.tags, cloud::tag::role) == role)
                return name;
        return {};
    }
    void wait_for(const std::function<bool()>& there, Milliseconds at_most = Seconds(300)) {
        stage.run_while([&] { return !there(); }, at_most);
        EXPECT_TRUE(there());
    }
    void wait_for_machine(const char* role) {
        wait_for([&] { return machine(role) != ResourceName(); });
    }
    void comes_to_rest(Milliseconds at_most = Seconds(900)) {
        stage.run_while([&] { return !stage.judge.differences(wish).empty(); }, at_most);
        for (const std::string& difference : stage.judge.differences(wish))
            ADD_FAILURE() << difference;
        for (const std::string& left : stage.judge.leftovers({wish})) ADD_FAILURE() << left;
    }

    Stage stage;
    Wish wish;
};

model::ClusterSpec spec_with(int workers) {
    model::ClusterSpec spec;
    spec.name = "team";
    spec.resource_group = resource_group;
    spec.location = location;
    spec.head.instance_type = "Medium";
    if (workers > 0) spec.workers = {{.key = {.instance_type = "Small"}, .count = workers}};
    spec.storage.account = "store";
    spec.ssh_key = "ops";
    spec.identity = "nodes";
    return spec;
}

TEST(Scenarios, a_whole_life_leaves_nothing_but_its_container) {
    Scenario scenario(spec_with(2));
    scenario.comes_to_rest();
    scenario.terminate();
    scenario.comes_to_rest();
    EXPECT_EQ(scenario.stage.ground.storage.containers().size(), 1u);
    scenario.stage.judge.judge_history(scenario.wish);
}

TEST(Scenarios, a_head_that_vanishes_before_it_was_of_use_gets_a_new_name) {
    Scenario scenario(spec_with(1));
    scenario.wait_for_machine("head");
    const ResourceName first = scenario.machine("head");
    scenario.wait_for([&] { return scenario.stage.ground.cloud.find(first)->operation.empty(); });
    scenario.stage.ground.cloud.vanish(first);
    scenario.comes_to_rest();
    EXPECT_NE(scenario.machine("head").name, first.name);
}

TEST(Scenarios, a_head_that_lost_its_disk_stays_lost_when_workers_are_asked_for) {
    Scenario scenario(spec_with(0));
    scenario.comes_to_rest();
    const ResourceName first = scenario.machine("head");
    scenario.stage.ground.cloud.vanish(first);
    scenario.wait_for([&] { return scenario.row().phase == model::Phase::failed; });
    scenario.set_workers(1);
    scenario.stage.run_for(Seconds(120));
    EXPECT_EQ(scenario.machine("head"), ResourceName()) << "a new head that nobody asked for";
    scenario.ask([&](Commands& commands) { return commands.retry(somebody, scenario.wish.id); });
    scenario.comes_to_rest();
    EXPECT_NE(scenario.machine("head").name, first.name);
}

TEST(Scenarios, a_stop_gives_back_a_machine_that_went_off_by_itself) {
    Scenario scenario(spec_with(1));
    scenario.comes_to_rest();
    scenario.stage.ground.cloud.stop_by_itself(scenario.machine("head"), false);
    scenario.stage.run_for(Seconds(47));
    scenario.stop();
    scenario.comes_to_rest();
}

TEST(Scenarios, a_spot_worker_that_is_evicted_again_and_again_is_replaced_each_time) {
    model::ClusterSpec spec = spec_with(1);
    spec.workers[0].key.spot = model::SpotSpec{.fall_back_on_demand = false};
    Scenario scenario(spec);
    scenario.comes_to_rest();
    // Failed attempts would have been counted by then, and waited for.
    for (int eviction = 0; eviction < 5; ++eviction) {
        const ResourceName evicted = scenario.machine("worker");
        ASSERT_NE(evicted, ResourceName());
        scenario.stage.ground.cloud.vanish(evicted);
        scenario.comes_to_rest(Seconds(200));
        EXPECT_NE(scenario.machine("worker"), evicted);
    }
}

TEST(Scenarios, a_head_that_vanishes_while_it_is_stopped_ends_the_stop_all_the_same) {
    Scenario scenario(spec_with(1));
    scenario.comes_to_rest();
    scenario.stop();
    scenario.stage.ground.cloud.vanish(scenario.machine("head"));
    scenario.comes_to_rest();
}

TEST(Scenarios, a_head_that_went_off_is_resized_only_once_it_is_deallocated) {
    Scenario scenario(spec_with(0));
    scenario.comes_to_rest();
    scenario.stop();
    scenario.comes_to_rest();
    scenario.ask([&](Commands& commands) {
        return commands.set_head_type(somebody, scenario.wish.id, "Large");
    });
    scenario.wish.spec.head.instance_type = "Large";
    // Somebody started it in the cloud's own portal, and it went off again.
    const ResourceName head = scenario.machine("head");
    EXPECT_TRUE(scenario.stage.ground.cloud.power(head, cloud::PowerAction::start));
    scenario.stage.run_for(Seconds(60));
    scenario.stage.ground.cloud.stop_by_itself(head, false);
    scenario.stage.run_for(Seconds(60));
    scenario.wait_for([&] { return scenario.row().phase == model::Phase::stopped; });
    scenario.ask([&](Commands& commands) { return commands.start(somebody, scenario.wish.id); });
    scenario.wish.wanted = Wanted::running;
    scenario.comes_to_rest();
}

TEST(Scenarios, a_port_that_is_opened_again_at_once_is_open) {
    model::ClusterSpec spec = spec_with(0);
    spec.network.virtual_network = users_network;
    spec.network.security_group = users_security_group;
    spec.ports.ssh = true;
    Scenario scenario(spec);
    scenario.comes_to_rest();
    scenario.set_ssh(false);
    // Its rule is removed, and reads are too old to confirm it.
    scenario.stage.ground.faults.set(Fault::stale_read, 1);
    scenario.stage.run_for(Seconds(3));
    scenario.set_ssh(true);
    scenario.stage.run_for(Seconds(15));
    scenario.stage.end_faults();
    scenario.comes_to_rest();
}

TEST(Scenarios, a_worker_that_came_up_unheard_is_drained_all_the_same) {
    model::ClusterSpec spec = spec_with(0);
    spec.drain_timeout.seconds = model::DrainTimeout::never;
    Scenario scenario(spec);
    scenario.comes_to_rest();
    for (int i = 0; i < 20; ++i)
        scenario.stage.nodes.submit_job(scenario.wish.id, {.runs_for = Seconds(30)});
    scenario.set_workers(1);
    // It begins to work while its head cannot say so, and is not wanted any more.
    scenario.wait_for_machine("worker");
    const ResourceName worker = scenario.machine("worker");
    scenario.wait_for([&] {
        const Thing* thing = scenario.stage.ground.cloud.find(worker);
        const auto view = scenario.stage.nodes.view(thing->seen.machine_id);
        return view && view->enrolled;
    });
    scenario.stage.nodes.cut_off_head(scenario.wish.id, Seconds(40));
    scenario.stage.run_for(Seconds(20));
    scenario.set_workers(0);
    scenario.comes_to_rest();
}

model::AutoscaleSpec two_workers(const char* type, int most) {
    return {.general = {.instance_type = type,
                        .min_workers = 2,
                        .max_workers = most,
                        .standby_workers = 0,
                        .downscale_wait_s = 5}};
}

/// The judge looks that neither bound is broken on the way, and that no work is cut off.
TEST(Scenarios, a_changed_type_rolls_over_under_running_jobs_and_back_again) {
    for (const int most : {2, 3, 5}) {
        model::ClusterSpec spec = spec_with(0);
        spec.autoscale = two_workers("Small", most);
        Scenario scenario(spec);
        scenario.comes_to_rest();
        scenario.stage.nodes.submit_job(scenario.wish.id, {.runs_for = Seconds(60)});
        scenario.stage.run_for(Seconds(4));
        scenario.set_autoscale(two_workers("Medium", most));
        scenario.comes_to_rest();
        const SlurmModel* slurm = scenario.stage.nodes.slurm(scenario.wish.id);
        EXPECT_EQ(slurm->nodes().size(), 2u);
        scenario.wait_for([&] { return slurm->finished_jobs() == 1; });
        // In the middle of it somebody wants the first type again.
        scenario.set_autoscale(two_workers("Small", most));
        scenario.stage.run_for(Seconds(6));
        scenario.set_autoscale(two_workers("Medium", most));
        scenario.comes_to_rest();
    }
}

TEST(Scenarios, a_throttled_list_is_repeated_neither_by_a_plan_nor_under_a_new_lease) {
    Scenario scenario(spec_with(1));
    scenario.comes_to_rest();
    // Told to wait for most of the time; the front of the cloud finds who does not.
    scenario.stage.ground.faults.set(Fault::throttled, 0.3);
    scenario.terminate();
    scenario.stage.run_for(Seconds(60));
    scenario.stage.take_over();
    scenario.stage.run_for(Seconds(120));
    scenario.stage.end_faults();
    scenario.comes_to_rest();
}

TEST(Scenarios, a_second_replica_takes_over_and_the_first_one_does_no_harm) {
    Scenario scenario(spec_with(3));
    scenario.stage.run_for(Seconds(4));
    scenario.stage.take_over();
    scenario.comes_to_rest();
    scenario.stage.take_over();
    scenario.terminate();
    scenario.comes_to_rest();
}

/// Adds one worker over the API; nothing when no answer came within that time.
std::optional<http::Response> add_a_worker(Scenario& scenario, Milliseconds patience) {
    http::Request request{.method = "POST",
                          .target = "/v1/clusters/" + scenario.wish.id.value + "/workers/add",
                          .body = R"({"workers": [{"instanceType": "Small", "count": 1}]})"};
    request.headers.add("Idempotency-Key", "one-more");
    // Kept alive by what is asked: an answer may come when nobody waits for it any more.
    const auto came = std::make_shared<std::optional<http::Response>>();
    EXPECT_TRUE(scenario.stage.ask(std::move(request),
                                   [came](const http::Response& reply) { *came = reply; }));
    scenario.stage.run_while([&] { return !*came; }, patience);
    return *came;
}

TEST(Scenarios, a_request_whose_answer_died_with_the_replica_is_carried_out_once) {
    Scenario scenario(spec_with(1));
    scenario.comes_to_rest();
    // It dies right after the next commit, until that is the one of the request.
    Stage& stage = scenario.stage;
    for (int i = 0; i < 30 && scenario.row().spec.workers[0].count == 1; ++i) {
        const auto after_commit = CrashPoint::Place::after_commit;
        stage.ground.crash_point =
            CrashPoint{after_commit, stage.ground.passed[static_cast<std::size_t>(after_commit)]};
        ASSERT_FALSE(add_a_worker(scenario, Seconds(20)));
        stage.ground.crash_point.reset();
        scenario.wait_for([&] { return stage.serving() != nullptr; });
    }
    ASSERT_EQ(scenario.row().spec.workers[0].count, 2);
    const auto again = add_a_worker(scenario, Seconds(20));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->status, 202) << again->body;
    EXPECT_EQ(again->headers.get("Idempotency-Replayed"), "true");
    scenario.wish.spec.workers[0].count = 2;
    scenario.comes_to_rest();
}

TEST(Scenarios, two_replicas_serve_and_one_that_stood_still_does_no_harm) {
    Scenario scenario(spec_with(2));
    scenario.stage.add_second();
    scenario.set_workers(1);
    scenario.stage.run_for(Seconds(200));
    scenario.comes_to_rest();
    scenario.stage.add_second();
    scenario.terminate();
    scenario.comes_to_rest();
}

TEST(Scenarios, the_token_of_a_machine_is_worth_nothing_to_another) {
    Scenario scenario(spec_with(1));
    scenario.comes_to_rest();
    EXPECT_TRUE(scenario.stage.nodes.stolen_token_is_refused(scenario.stage.serving()->sessions()));
}

TEST(Simulation, the_same_seed_goes_the_same_way) {
    log::set_level(log::Level::error);
    for (const std::uint64_t seed : {3u, 11u}) {
        const Outcome first = World({.seed = seed, .trace = Trace::Mode::keep}).run();
        const Outcome second = World({.seed = seed, .trace = Trace::Mode::keep}).run();
        EXPECT_EQ(first.last_events, second.last_events);
        EXPECT_EQ(first.steps, second.steps);
        EXPECT_EQ(first.passed, second.passed);
    }
}

TEST(Simulation, survives_a_crash_at_every_store_write_and_every_cloud_call) {
    log::set_level(log::Level::error);
    constexpr std::uint64_t seed = 1;
    const Outcome whole = World({.seed = seed, .lives = 1, .calm = true}).run();
    ASSERT_TRUE(whole.findings.empty()) << whole.findings[0];
    int died = 0;
    using Place = CrashPoint::Place;
    for (const Place place :
         {Place::before_commit, Place::after_commit, Place::before_call, Place::after_call}) {
        const int passed = whole.passed[static_cast<std::size_t>(place)];
        EXPECT_GT(passed, 30);
        for (int number = 0; number < passed; ++number) {
            const Outcome outcome = run_seed(
                {.seed = seed, .lives = 1, .crash = CrashPoint{place, number}, .calm = true});
            died += outcome.crashes;
            ASSERT_TRUE(outcome.findings.empty()) << outcome.findings[0] << "; crash " << number
                                                  << " at place " << static_cast<int>(place);
        }
    }
    EXPECT_GT(died, 200);
}

}  // namespace
}  // namespace hopyard::simulation
