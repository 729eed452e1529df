// A policy tried on a recorded workload, over the API.
#include <thread>

#include <gtest/gtest.h>

#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

constexpr const char* path = "/v1/autoscale/simulate";
constexpr const char* rest = " -1 -1 -1 -1 -1 1 1 1 1 1 1 1 1\n";

json request(const std::string& trace) {
    return {{"location", "here"},
            {"trace", trace},
            {"bootSeconds", 100},
            {"policy",
             {{"general",
               {{"instanceType", "Standard_D4_v3"},
                {"standbyWorkers", 0},
                {"downscaleWaitSeconds", 60}}}}}};
}

/// Number, submitted, waited, ran, processors.
std::string job(int number, int at, int run, int processors) {
    return std::to_string(number) + " " + std::to_string(at) + " -1 " + std::to_string(run) + " " +
           std::to_string(processors) + rest;
}

TEST(SimulateApi, cost_and_waiting_are_exact) {
    TestApi api;
    // Four cores each: the first waits for a boot, the second finds its worker warm.
    const auto reply = api.post(path, request(job(1, 0, 50, 4) + job(2, 160, 50, 4)).dump());
    ASSERT_EQ(reply->status, 200) << reply->body;
    const json told = reply->json();
    EXPECT_EQ(told["jobs"], 2);
    EXPECT_EQ(told["workers"][0]["boots"], 1);
    // 100 s of boot, 50 s of work, 10 s idle, 50 s of work.
    EXPECT_DOUBLE_EQ(told["hours"].get<double>(), 210.0 / 3600);
    EXPECT_DOUBLE_EQ(told["usedHours"].get<double>(), 100.0 / 3600);
    EXPECT_DOUBLE_EQ(told["waiting"]["meanSeconds"].get<double>(), 50);
    EXPECT_DOUBLE_EQ(told["waiting"]["longestSeconds"].get<double>(), 100);
    EXPECT_FALSE(told["course"].empty());
}

TEST(SimulateApi, bad_lines_are_refused_or_skipped_by_choice) {
    TestApi api;
    json asked = request(job(1, 0, 50, 4) + "2 0 -1 nan 4" + rest + "rubbish\n");
    const auto refused = api.post(path, asked.dump());
    EXPECT_EQ(refused->status, 400) << refused->body;
    EXPECT_EQ(refused->json()["code"], "trace_line_bad");
    EXPECT_EQ(refused->json()["field"], "/trace");
    asked["skipBadLines"] = true;
    const json told = api.post(path, asked.dump())->json();
    EXPECT_EQ(told["skippedLines"], 2);
    EXPECT_EQ(told["badLines"][0]["line"], 2);
    EXPECT_EQ(told["jobs"], 1);
}

TEST(SimulateApi, bad_requests_are_refused_with_the_field) {
    TestApi api;
    const auto refused_field = [&](const json& change) {
        json asked = request(job(1, 0, 50, 4));
        asked.merge_patch(change);
        const auto reply = api.post(path, asked.dump());
        EXPECT_EQ(reply->status / 100, 4) << change;
        return reply->json().value("field", std::string("?"));
    };
    EXPECT_EQ(refused_field({{"trace", ""}}), "/trace");
    EXPECT_EQ(refused_field({{"format", "xls"}}), "/format");
    EXPECT_EQ(refused_field({{"location", nullptr}}), "/location");
    EXPECT_EQ(refused_field({{"policy", nullptr}}), "/policy");
    EXPECT_EQ(refused_field({{"bootSeconds", -1}}), "/bootSeconds");
    EXPECT_EQ(refused_field({{"bootSeconds", json::array()}}), "/bootSeconds");
    EXPECT_EQ(refused_field({{"processor", {{"cpus", 0}}}}), "/processor");
    EXPECT_EQ(refused_field({{"policy", {{"general", {{"instanceType", "Standard_None"}}}}}}),
              "/policy/general/instanceType");
    EXPECT_EQ(refused_field({{"policy", {{"general", {{"minWorkers", 99}}}}}}),
              "/policy/general/maxWorkers");
    EXPECT_EQ(refused_field({{"policy", {{"gpu", {{"instanceType", "Standard_D2_v3"}}}}}}),
              "/policy/gpu/instanceType");
    EXPECT_EQ(refused_field({{"colour", 1}}), "/colour");
}

TEST(SimulateApi, a_job_that_no_worker_could_hold_is_counted_and_buys_nothing) {
    TestApi api;
    json asked = request(job(1, 0, 50, 1));
    asked["processor"] = {{"cpus", 99}};
    const json told = api.post(path, asked.dump())->json();
    EXPECT_EQ(told["neverMet"], 1);
    EXPECT_EQ(told["hours"], 0.0);
}

json refusal(TestApi& api, const json& asked) {
    const auto reply = api.post(path, asked.dump());
    EXPECT_EQ(reply->status / 100, 4) << reply->body;
    return reply->json();
}

TEST(SimulateApi, more_jobs_than_the_limit_are_refused) {
    TestApi api(HasMail::yes, {.jobs = 2});
    const std::string two = job(1, 0, 50, 4) + job(2, 1, 50, 4);
    EXPECT_EQ(api.post(path, request(two).dump())->status, 200);
    const json refused = refusal(api, request(two + job(3, 2, 50, 4)));
    EXPECT_EQ(refused["code"], "trace_too_long");
    EXPECT_EQ(refused["field"], "/trace");
    EXPECT_EQ(refused["detail"], "at most 2 jobs are simulated at a time");
}

/// So many that their simulation takes longer than any test waits.
std::string endless_trace() {
    std::string trace;
    for (int number = 1; number <= 60'000; ++number)
        trace += job(number, number * 7, 1'000 + number % 999, 1 + number % 4);
    return trace;
}

TEST(SimulateApi, one_that_takes_longer_than_the_limit_is_refused) {
    TestApi api(HasMail::yes, {.time = Seconds(0)});
    const json refused = refusal(api, request(endless_trace()));
    EXPECT_EQ(refused["code"], "trace_too_long");
    EXPECT_EQ(refused["field"], "/trace");
    EXPECT_NE(refused["nextAction"], "");
}

TEST(SimulateApi, a_body_larger_than_4_MiB_is_refused) {
    TestApi api;
    const json asked = request(job(1, 0, 50, 4) + std::string(std::size_t{4} << 20, ';'));
    EXPECT_EQ(refusal(api, asked)["code"], "too_large");
}

TEST(SimulateApi, a_second_at_once_is_refused_and_the_first_ends_when_its_client_leaves) {
    TestApi api;
    const auto first = std::make_shared<Caught>();
    const std::string large = request(endless_trace()).dump();
    std::jthread asking([&] {
        // The small one may be running just then.
        do {
            api.ask_into(first, {.method = "POST", .target = path, .body = large});
        } while (first->status == 429);
    });
    const std::string small = request(job(1, 0, 50, 4)).dump();
    auto second = api.post(path, small);
    for (int tries = 0; second->status == 200 && tries < 20'000; ++tries)
        second = api.post(path, small);
    EXPECT_EQ(second->status, 429) << second->body;
    EXPECT_EQ(second->json()["code"], "simulation_runs");
    first->progress->gone = true;
    asking.join();
    EXPECT_EQ(first->status, 503) << first->body.substr(0, 300);
    EXPECT_EQ(first->json()["code"], "simulation_abandoned");
    EXPECT_EQ(api.post(path, small)->status, 200) << "the next one may run";
}

}  // namespace
}  // namespace hopyard::api
