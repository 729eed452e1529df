#include "decide/replay/trace.h"

#include <gtest/gtest.h>

namespace hopyard::decide::replay {
namespace {

constexpr const char* good_line = "7 60 -1 90 4 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1\n";

Reading swf(bool skip = false) {
    return {.format = Format::swf, .skip_bad_lines = skip};
}

std::string reason_of(const std::string& line) {
    const auto trace = read_trace(good_line + line + "\n", swf(true));
    EXPECT_TRUE(trace);
    EXPECT_EQ(trace->skipped, 1) << line;
    return trace->bad.empty() ? "" : trace->bad[0].reason;
}

// --- SWF ---------------------------------------------------------------------------------------

TEST(Swf, a_job_is_what_was_asked_for_and_else_what_was_given) {
    const auto trace = read_trace(
        "; UnixStartTime: 1000\n"
        "1 5 -1 90 4 -1 2048 8 600 4096 1 1 1 1 1 1 1 1\n"
        "2 6 -1 30 4 -1 2048 -1 -1 -1 1 1 1 1 1 1 1 1\r\n",
        {.processor = {.cpus = 2, .memory_mb = 100}});
    ASSERT_TRUE(trace) << trace.error().message;
    ASSERT_EQ(trace->jobs.size(), 2u);
    const Job asked{.name = "1",
                    .submitted_at = Timestamp(Seconds(1005)),
                    .run = Seconds(90),
                    .pieces = 8,
                    .each = {.cpus = 2, .memory_mb = 4},
                    .limit_s = 600};
    EXPECT_EQ(trace->jobs[0], asked);
    EXPECT_EQ(trace->jobs[1].pieces, 4);
    EXPECT_EQ(trace->jobs[1].each.memory_mb, 2);
    EXPECT_EQ(trace->jobs[1].limit_s, 0);
}

TEST(Swf, jobs_are_in_the_order_of_their_times) {
    const auto trace =
        read_trace(std::string("9 70 -1 1 1 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1\n") + good_line, swf());
    EXPECT_EQ(trace->jobs[0].name, "7");
}

TEST(Swf, without_a_date_it_begins_on_a_monday) {
    const auto trace = read_trace(good_line, swf());
    EXPECT_EQ(to_rfc3339(trace->jobs[0].submitted_at), "1970-01-05T00:01:00.000Z");
}

TEST(Swf, a_job_that_never_ran_is_counted_and_is_no_bad_line) {
    const auto trace =
        read_trace(std::string(good_line) + "8 61 -1 -1 4 -1 -1 -1 -1 -1 5 1 1 1 1 1 1 1\n", swf());
    EXPECT_EQ(trace->jobs.size(), 1u);
    EXPECT_EQ(trace->never_ran, 1);
    EXPECT_EQ(trace->skipped, 0);
}

TEST(Swf, bad_lines_are_named_with_their_reason) {
    EXPECT_EQ(reason_of("1 2 3"), "3 fields, where a job has 18");
    EXPECT_EQ(reason_of("8 60 -1 x 4 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"),
              "field 4, 'x', is no number");
    EXPECT_EQ(reason_of("8 60 -1 nan 4 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"),
              "field 4, 'nan', is no number");
    EXPECT_EQ(reason_of("8 inf -1 9 4 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"),
              "field 2, 'inf', is no number");
    EXPECT_NE(reason_of("8 -60 -1 9 4 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"), "");
    EXPECT_NE(reason_of("8 1e300 -1 9 4 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"), "");
    EXPECT_NE(reason_of("8 60 -1 1e300 4 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"), "");
    EXPECT_NE(reason_of("8 60 -1 9 1e9 -1 -1 -1 -1 -1 -1 1 1 1 1 1 1 1"), "");
}

TEST(Swf, the_first_bad_line_is_refused_unless_they_are_to_be_skipped) {
    const auto refused = read_trace(std::string(good_line) + "rubbish\n", swf());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "trace_line_bad");
    EXPECT_NE(refused.error().message.find("line 2"), std::string::npos);
    EXPECT_EQ(read_trace(std::string(good_line) + "rubbish\n", swf(true))->jobs.size(), 1u);
}

TEST(Swf, a_trace_without_jobs_is_refused) {
    for (const char* text : {"", "; a comment\n", "\n\n"})
        EXPECT_EQ(read_trace(text, swf()).error().code, "trace_empty");
    EXPECT_EQ(read_trace("name,cpu_milli\n", swf(true)).error().code, "trace_empty");
}

// --- openb -------------------------------------------------------------------------------------

constexpr const char* header =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"
    "deletion_time,scheduled_time\n";

TEST(Openb, a_task_takes_whole_cards_and_whole_cores) {
    const auto trace =
        read_trace(std::string(header) + "a,2500,1024,1,460,,LS,Running,10,400,100\n",
                   {.format = Format::openb});
    ASSERT_TRUE(trace) << trace.error().message;
    const Job task{.name = "a",
                   .submitted_at = Timestamp(Seconds(4 * 86'400 + 10)),
                   .run = Seconds(300),
                   .each = {.cpus = 3, .memory_mb = 1024, .gpus = 1}};
    EXPECT_EQ(trace->jobs[0], task);
}

TEST(Openb, a_task_that_was_never_placed_is_counted) {
    const auto trace = read_trace(std::string(header) + "a,1,1,0,0,,LS,Failed,10,400,\n" +
                                      "b,1,1,0,0,,LS,Running,10,400,20\n",
                                  {.format = Format::openb});
    EXPECT_EQ(trace->never_ran, 1);
    EXPECT_EQ(trace->jobs.size(), 1u);
}

TEST(Openb, bad_lines_and_another_header_are_named) {
    const auto reason = [](const std::string& text) {
        return read_trace(text, {.format = Format::openb}).error().message;
    };
    EXPECT_EQ(reason("a,b\n"), "line 1: the header has no column 'name'");
    EXPECT_EQ(reason(std::string(header) + "a,1\n"), "line 2: 2 columns, where the header has 11");
    EXPECT_EQ(reason(std::string(header) + "a,x,1,0,0,,LS,Running,10,400,20\n"),
              "line 2: cpu_milli, 'x', is no such number");
    EXPECT_EQ(reason(std::string(header) + "a,1,1,0,0,,LS,Running,10,19,20\n"),
              "line 2: it ended before it began");
}

}  // namespace
}  // namespace hopyard::decide::replay
