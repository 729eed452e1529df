// What `autoscale simulate` asks of the server, and how it shows and draws the answer.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include "cli/chart.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/test_server.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

constexpr const char* path = "POST /v1/autoscale/simulate";
constexpr const char* swf = "1 0 -1 50 4 -1 -1 -1 -1 -1 1 1 1 1 1 1 1 1\n";

json moment(int hour, double workers, double used, double waiting) {
    return {{"at",
             "2026-11-28T" + std::string(hour < 10 ? "0" : "") + std::to_string(hour) + ":00:00Z"},
            {"workers", workers},
            {"used", used},
            {"waiting", waiting}};
}

json outcome() {
    return {{"jobs", 3},
            {"neverRan", 1},
            {"skippedLines", 1},
            {"badLines", json::array({{{"line", 7}, {"reason", "no number"}}})},
            {"hours", 12.5},
            {"usedHours", 10.0},
            {"cost", nullptr},
            {"workers", json::array({{{"instanceType", "D4"}, {"hours", 12.5}, {"boots", 2}}})},
            {"waiting",
             {{"jobs", 2},
              {"meanSeconds", 50.0},
              {"medianSeconds", 0.0},
              {"p95Seconds", 100.0},
              {"longestSeconds", 100.0}}},
            {"neverMet", 1},
            {"leftWaiting", 0},
            {"decisions", 9},
            {"course", json::array({moment(0, 4, 2, 0), moment(1, 8, 8, 5)})}};
}

/// Files that are gone with the test.
class Files {
  public:
    Files() : folder_(testing::TempDir() + "/hopyard-simulate-" + std::to_string(::getpid())) {
        std::filesystem::create_directories(folder_);
    }
    ~Files() { std::filesystem::remove_all(folder_); }

    std::string at(const std::string& name) const { return folder_ + "/" + name; }
    std::string plain(const std::string& name, const std::string& text) const {
        std::ofstream(at(name), std::ios::binary) << text;
        return at(name);
    }
    std::string packed(const std::string& name, const std::string& text) const {
        const gzFile file = gzopen(at(name).c_str(), "wb");
        gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
        gzclose(file);
        return at(name);
    }
    std::string read(const std::string& name) const {
        std::ifstream in(at(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

  private:
    std::string folder_;
};

SimulateOptions options_of(const std::string& trace) {
    SimulateOptions options;
    options.policy.general.instance_type = "D4";
    options.location = "here";
    options.trace = trace;
    return options;
}

/// What is sent when that is asked for.
json request_of(const SimulateOptions& options) {
    ScriptedServer server;
    server.reply(path, 200, outcome().dump());
    Session session = server.session();
    testing::internal::CaptureStdout();
    EXPECT_EQ(autoscale_simulate(session, {}, options), exit_ok);
    testing::internal::GetCapturedStdout();
    return json::parse(server.last().body);
}

int code_of(const SimulateOptions& options) {
    ScriptedServer server;
    server.reply(path, 200, outcome().dump());
    Session session = server.session();
    testing::internal::CaptureStderr();
    const int code = autoscale_simulate(session, {}, options);
    EXPECT_FALSE(testing::internal::GetCapturedStderr().empty());
    return code;
}

TEST(Simulate, a_workload_is_read_plain_or_packed_and_its_format_is_known_by_its_look) {
    const Files files;
    const std::string tasks = "name,cpu_milli,memory_mib,num_gpu,creation_time\n";
    EXPECT_EQ(request_of(options_of(files.plain("week.swf", swf)))["trace"], swf);
    const json packed = request_of(options_of(files.packed("week.swf.gz", swf)));
    EXPECT_EQ(packed["trace"], swf);
    EXPECT_EQ(packed["format"], "swf");
    EXPECT_EQ(request_of(options_of(files.plain("tasks.csv", tasks)))["format"], "openb");
    SimulateOptions named = options_of(files.plain("tasks.csv", tasks));
    named.format = "swf";
    EXPECT_EQ(request_of(named)["format"], "swf");
}

TEST(Simulate, a_packed_workload_that_was_cut_off_is_refused_and_not_tried_in_part) {
    const Files files;
    std::string many;
    for (int i = 0; i < 20'000; ++i) many += std::to_string(i * 7919 % 10'007) + " " + swf;
    files.packed("whole.swf.gz", many);
    const std::string whole = files.read("whole.swf.gz");
    EXPECT_NE(code_of(options_of(files.plain("half.swf.gz", whole.substr(0, whole.size() / 2)))),
              exit_ok);
    EXPECT_NE(code_of(options_of(files.at("none.swf"))), exit_ok);
}

TEST(Simulate, flags_change_a_policy_of_a_file_and_boot_times_may_be_measured_ones) {
    const Files files;
    SimulateOptions options = options_of(files.plain("week.swf", swf));
    options.policy.general.instance_type = "";
    options.policy.general.max_workers = 20;
    options.policy.file = files.plain("p.yaml", "general:\n  instanceType: D8\n  maxWorkers: 3\n");
    options.boot_samples = files.plain("boots", "285, 300.5\n270\n");
    options.cores = 2;
    options.skip_bad_lines = true;
    const json request = request_of(options);
    const json policy = {{"general", {{"instanceType", "D8"}, {"maxWorkers", 20}}}};
    EXPECT_EQ(request["policy"], policy);
    EXPECT_EQ(request["bootSeconds"], json::array({285, 300.5, 270}));
    EXPECT_EQ(request["processor"]["cpus"], 2);
    EXPECT_EQ(request["skipBadLines"], true);
    options.boot_samples = files.plain("words", "285, soon\n");
    EXPECT_NE(code_of(options), exit_ok);
}

TEST(Simulate, a_policy_and_a_location_are_asked_for) {
    const Files files;
    SimulateOptions options = options_of(files.plain("week.swf", swf));
    options.location = "";
    EXPECT_NE(code_of(options), exit_ok);
    options = options_of(options.trace);
    options.policy.general.instance_type = "";
    EXPECT_NE(code_of(options), exit_ok);
}

TEST(Simulate, the_answer_names_bad_lines_what_was_paid_and_how_long_jobs_waited) {
    const Files files;
    ScriptedServer server;
    server.reply(path, 200, outcome().dump());
    Session session = server.session();
    SimulateOptions options = options_of(files.plain("a<b.swf", swf));
    options.svg = files.at("chart.svg");
    testing::internal::CaptureStdout();
    ASSERT_EQ(autoscale_simulate(session, {}, options), exit_ok);
    const std::string shown = testing::internal::GetCapturedStdout();
    for (const char* words : {"line 7: no number",
                              "D4: 12.5 h, asked for 2 times",
                              "mean 50.0 s, median 0.0 s, 95 % within 100.0 s, longest 100.0 s",
                              "1 job that no allowed worker could hold"})
        EXPECT_NE(shown.find(words), std::string::npos) << words << "\n" << shown;
    EXPECT_EQ(shown.find("cost"), std::string::npos) << "no price is known";
    const std::string chart = files.read("chart.svg");
    EXPECT_NE(chart.find("<title>a&lt;b.swf, standard: "), std::string::npos);
    EXPECT_EQ(chart.find("a<b"), std::string::npos);
}

TEST(Chart, values_stand_at_their_heights_over_an_axis_that_holds_them) {
    const std::string svg = chart_svg(outcome()["course"], "demo");
    // The axis of workers ends at 8: 4 of them are half of its 220.
    EXPECT_NE(svg.find("class=\"paid\" d=\"M64.0,296.0L64.0,186.0H504.0L504.0,76.0H944.0"),
              std::string::npos)
        << svg;
    EXPECT_NE(svg.find(">hours</text>"), std::string::npos);
    for (const char* words : {">paid for<", ">with a job<", ">Jobs that wait<"})
        EXPECT_NE(svg.find(words), std::string::npos) << words;
}

TEST(Chart, a_line_of_text_shows_the_peak_of_each_part) {
    const json course = outcome()["course"];
    EXPECT_EQ(spark_line(course, "workers", 10), "▄█");
    EXPECT_EQ(spark_line(course, "waiting", 10), " █");
    EXPECT_EQ(spark_line(course, "workers", 1), "█");
    EXPECT_EQ(spark_line(json::array({moment(0, 0, 0, 0)}), "workers", 5), " ");
}

}  // namespace
}  // namespace hopyard::cli
