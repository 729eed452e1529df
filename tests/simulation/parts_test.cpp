// The simulation's own parts: time, fibers, the rules of the simulated cloud and of its workload
// manager. A simulation that is wrong proves nothing.
#include <gtest/gtest.h>

#include "simulation/ground.h"
#include "simulation/slurm_model.h"

namespace hopyard::simulation {
namespace {

struct Calm : Ground {
    Calm() : Ground(1, Trace::Mode::off) {
        faults.clear();
        cloud.add_foreign_things();
    }
    void run_for(Milliseconds span) {
        const Timestamp end = clock.now() + span;
        while (queue.run_next(end)) {
        }
    }
};

ResourceName named(ResourceKind kind, std::string name) {
    return {kind, resource_group, "", std::move(name)};
}

cloud::PutRequest request(ResourceName name, cloud::Wanted wanted) {
    return {std::move(name),
            location,
            {{cloud::tag::installation, our_installation.value}},
            std::move(wanted)};
}

cloud::PutRequest interface_request(const char* name) {
    return request(
        named(ResourceKind::network_interface, name),
        cloud::WantedInterface{
            .subnet = {ResourceKind::subnet, resource_group, users_network, users_subnet}});
}

cloud::PutRequest machine_request(const char* name, const char* interface) {
    return request(
        named(ResourceKind::machine, name),
        cloud::WantedMachine{.size = "Small",
                             .interface = named(ResourceKind::network_interface, interface),
                             .user_data = "{}"});
}

TEST(Queue, runs_in_the_order_of_time_and_then_of_putting_in) {
    SimulatedClock clock(day_one);
    Queue queue(clock);
    std::string order;
    queue.after(Seconds(2), [&] { order += "c"; });
    queue.after(Seconds(1), [&] { order += "a"; });
    queue.after(Seconds(1), [&] { order += "b"; });
    while (queue.run_next(day_one + Seconds(5))) {
    }
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(clock.now(), day_one + Seconds(5));
}

TEST(Fibers, wait_side_by_side_and_end_where_they_wait) {
    SimulatedClock clock(day_one);
    Queue queue(clock);
    int deaths = 0;
    Fibers fibers(queue, [&](int) { ++deaths; });
    std::string order;
    fibers.start(1, Milliseconds(0), [&] {
        order += "a";
        fibers.sleep(Seconds(5));
        order += "late";
    });
    fibers.start(2, Milliseconds(1), [&] {
        order += "b";
        fibers.sleep(Seconds(1));
        order += "c";
        throw ProgramDied();
    });
    while (queue.run_next(day_one + Seconds(3))) {
    }
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(deaths, 1);
    EXPECT_EQ(fibers.alive(1), 1u);
    fibers.kill(1);
    while (queue.run_next(day_one + Seconds(9))) {
    }
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(deaths, 1) << "who is killed does not die of itself";
}

TEST(Fibers, of_a_program_that_stands_still_go_on_later) {
    SimulatedClock clock(day_one);
    Queue queue(clock);
    Fibers fibers(queue, [](int) {});
    Timestamp woke;
    fibers.start(1, Milliseconds(0), [&] {
        fibers.sleep(Seconds(1));
        woke = clock.now();
    });
    fibers.freeze(1, day_one + Seconds(30));
    while (queue.run_next(day_one + Seconds(60))) {
    }
    EXPECT_GE(woke, day_one + Seconds(30));
}

TEST(CloudModel, a_second_put_of_a_machine_changes_nothing_and_says_nothing_else) {
    Calm calm;
    ASSERT_TRUE(calm.cloud.put(interface_request("nic")));
    ASSERT_TRUE(calm.cloud.put(machine_request("m", "nic")));
    calm.run_for(Seconds(20));
    const std::string id = calm.cloud.find(named(ResourceKind::machine, "m"))->seen.machine_id;
    ASSERT_TRUE(calm.cloud.put(machine_request("m", "nic")));
    EXPECT_EQ(calm.cloud.find(named(ResourceKind::machine, "m"))->seen.machine_id, id);
    EXPECT_FALSE(calm.findings.any());
    auto other = machine_request("m", "nic");
    std::get<cloud::WantedMachine>(other.wanted).user_data = "{\"token\":\"another\"}";
    EXPECT_FALSE(calm.cloud.put(other));
    EXPECT_TRUE(calm.findings.any());
}

TEST(CloudModel, keeps_what_is_in_use) {
    Calm calm;
    ASSERT_TRUE(calm.cloud.put(interface_request("nic")));
    ASSERT_TRUE(calm.cloud.put(machine_request("m", "nic")));
    calm.run_for(Seconds(20));
    EXPECT_EQ(calm.cloud.put(machine_request("other", "nic")).error().kind, ErrorKind::conflict);
    const ResourceName nic = named(ResourceKind::network_interface, "nic");
    EXPECT_EQ(calm.cloud.remove(nic).error().kind, ErrorKind::conflict);
    ASSERT_TRUE(calm.cloud.remove(named(ResourceKind::machine, "m")));
    calm.run_for(Seconds(20));
    ASSERT_TRUE(calm.cloud.remove(nic));
    calm.run_for(Seconds(20));
    EXPECT_EQ(calm.cloud.find(nic), nullptr);
    EXPECT_TRUE(calm.cloud.remove(nic)) << "a removal of nothing succeeds";
}

TEST(CloudModel, shows_the_past_to_those_who_read_late) {
    Calm calm;
    calm.run_for(Seconds(60));
    ASSERT_TRUE(calm.cloud.put(interface_request("nic")));
    calm.run_for(Seconds(5));
    const ResourceName nic = named(ResourceKind::network_interface, "nic");
    EXPECT_TRUE(calm.cloud.read(nic, Milliseconds(0))->has_value());
    EXPECT_FALSE(calm.cloud.read(nic, Seconds(10))->has_value());
    EXPECT_TRUE(calm.cloud.list(our_installation, Seconds(10), false).resources.empty());
    EXPECT_EQ(calm.cloud.list(our_installation, Milliseconds(0), false).resources.size(), 1u);
}

TEST(CloudModel, tells_of_whoever_touches_what_is_not_ours) {
    Calm calm;
    EXPECT_FALSE(calm.cloud.remove(named(ResourceKind::machine, "workstation")));
    EXPECT_TRUE(calm.findings.any());
    EXPECT_NE(calm.cloud.find(named(ResourceKind::machine, "workstation")), nullptr);
}

TEST(CloudModel, resizes_only_what_is_deallocated) {
    Calm calm;
    ASSERT_TRUE(calm.cloud.put(interface_request("nic")));
    ASSERT_TRUE(calm.cloud.put(machine_request("m", "nic")));
    calm.run_for(Seconds(20));
    const ResourceName machine = named(ResourceKind::machine, "m");
    calm.cloud.stop_by_itself(machine, false);
    EXPECT_FALSE(calm.cloud.resize(machine, "Large"));
    ASSERT_TRUE(calm.cloud.power(machine, cloud::PowerAction::deallocate));
    calm.run_for(Seconds(20));
    EXPECT_TRUE(calm.cloud.resize(machine, "Large"));
}

// --- the workload manager ----------------------------------------------------------------------

using State = nodewire::Member::State;

struct Manager {
    Calm calm;
    SlurmModel slurm{calm.queue, [] {}};
    void has(const char* name, State state) {
        slurm.apply({{.name = name, .vcpus = 2, .state = state}});
    }
    std::string state(bool drained = false) {
        const auto nodes = slurm.report();
        return drained ? (nodes.at(0).drained ? "drained" : "not drained") : nodes.at(0).state;
    }
};

TEST(SlurmModel, gives_work_to_who_answers_and_drains_without_cutting_off) {
    Manager manager;
    manager.slurm.set_running(true);
    manager.has("w1", State::member);
    manager.slurm.submit({.nodes = 1, .cpus_each = 2, .runs_for = Seconds(10)});
    manager.slurm.submit({.nodes = 1, .cpus_each = 2, .runs_for = Seconds(10)});
    EXPECT_EQ(manager.slurm.running_jobs(), 0) << "nobody is there";
    manager.slurm.answers("w1", "boot-1");
    EXPECT_EQ(manager.state(), "allocated");
    manager.has("w1", State::draining);
    EXPECT_EQ(manager.state(true), "not drained");
    manager.calm.run_for(Seconds(15));
    EXPECT_EQ(manager.slurm.finished_jobs(), 1u);
    EXPECT_EQ(manager.state(true), "drained") << "the second job may not begin on it";
}

TEST(SlurmModel, gives_up_who_is_silent_for_two_minutes_and_requeues_its_jobs) {
    Manager manager;
    manager.slurm.set_running(true);
    manager.has("w1", State::member);
    manager.slurm.answers("w1", "boot-1");
    manager.slurm.submit({.runs_for = Seconds(500)});
    manager.slurm.falls_silent("w1");
    manager.calm.run_for(Seconds(119));
    EXPECT_EQ(manager.slurm.jobs_on("w1"), 1);
    manager.calm.run_for(Seconds(2));
    EXPECT_EQ(manager.slurm.jobs_on("w1"), 0);
    EXPECT_EQ(manager.slurm.pending_jobs(), 1);
    manager.slurm.answers("w1", "boot-2");
    manager.calm.run_for(Seconds(6));
    EXPECT_EQ(manager.slurm.jobs_on("w1"), 1);
}

}  // namespace
}  // namespace hopyard::simulation
