// Where a run is cut. Every interval on a grid around two midnights is tried against a count by
// the hour that knows nothing of days but their names.
#include "decide/usage/usage.h"

#include <gtest/gtest.h>

namespace hopyard::decide {
namespace {

using model::MachineRun;
using std::chrono::days;
using std::chrono::hours;

const Day monday = *day_from("2026-11-23");
const Days week{monday, monday + days(6)};
const Timestamp later = monday + days(30);

Timestamp at(int hour, Milliseconds more = {}) {
    return monday + hours(hour) + more;
}

MachineRun run(Timestamp from, std::optional<Timestamp> to) {
    return {.cluster = ClusterId("c-1"),
            .cluster_name = "demo",
            .machine = "demo-head",
            .location = "here",
            .instance_type = "Standard_D4_v3",
            .vcpus = 4,
            .started_at = from,
            .ended_at = to};
}

TEST(Shares, of_a_run_within_a_day_are_the_run) {
    EXPECT_EQ(shares_of(run(at(3), at(5)), week, later),
              (std::vector<DayShare>{{monday, hours(2)}}));
}

TEST(Shares, are_cut_at_midnight_to_the_millisecond) {
    const Milliseconds one(1);
    EXPECT_EQ(shares_of(run(at(24, -one), at(24, one)), week, later),
              (std::vector<DayShare>{{monday, one}, {monday + days(1), one}}));
    EXPECT_EQ(shares_of(run(at(0), at(24)), week, later),
              (std::vector<DayShare>{{monday, hours(24)}}));
    EXPECT_EQ(shares_of(run(at(24), at(48)), week, later),
              (std::vector<DayShare>{{monday + days(1), hours(24)}}));
}

TEST(Shares, of_a_run_under_way_end_now) {
    EXPECT_EQ(shares_of(run(at(3), {}), week, at(4)), (std::vector<DayShare>{{monday, hours(1)}}));
    EXPECT_TRUE(shares_of(run(at(3), {}), week, at(3)).empty());
}

TEST(Shares, of_a_run_that_begins_after_now_or_ends_before_it_began_are_nothing) {
    EXPECT_TRUE(shares_of(run(at(3), {}), week, at(2)).empty());
    EXPECT_TRUE(shares_of(run(at(3), at(2)), week, later).empty());
}

TEST(Shares, of_a_run_longer_than_the_days_fill_them) {
    const auto shares = shares_of(run(monday - days(9), {}), week, later);
    ASSERT_EQ(shares.size(), 7u);
    for (std::size_t i = 0; i < 7; ++i)
        EXPECT_EQ(shares[i], (DayShare{monday + days(i), hours(24)}));
}

/// What a clerk would note who looks at every full hour.
std::vector<DayShare> counted(int from, int to, const Days& wanted) {
    std::vector<DayShare> out;
    for (int hour = from; hour < to; ++hour) {
        const Day day = std::chrono::floor<days>(at(hour));
        if (day < wanted.first || day > wanted.last) continue;
        if (out.empty() || out.back().day != day) out.push_back({.day = day});
        out.back().ran += hours(1);
    }
    return out;
}

TEST(Shares, are_those_of_a_count_by_the_hour_for_every_interval_day_and_now) {
    for (int first = -1; first <= 3; ++first)
        for (int last = first; last <= 3; ++last) {
            const Days wanted{monday + days(first), monday + days(last)};
            for (int from = -30; from <= 78; from += 3)
                for (int to = -30; to <= 78; to += 3) {
                    EXPECT_EQ(shares_of(run(at(from), at(to)), wanted, later),
                              counted(from, to, wanted));
                    // The same when it is under way and `to` is now.
                    EXPECT_EQ(shares_of(run(at(from), {}), wanted, at(to)),
                              counted(from, to, wanted));
                }
        }
}

TEST(Usage, is_summed_by_day_cluster_and_size) {
    MachineRun small = run(at(20), at(26));
    small.machine = "demo-w1";
    small.instance_type = "Standard_B1s";
    small.vcpus = 1;
    MachineRun other = run(at(0), at(1));
    other.cluster = ClusterId("c-2");
    MachineRun again = run(at(10), at(12));
    const auto lines = usage_of({run(at(0), at(6)), small, other, again}, week, later);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].instance_type, "Standard_B1s");
    EXPECT_EQ(lines[0].ran, hours(4));
    EXPECT_EQ(lines[1].ran, hours(8));
    EXPECT_EQ(lines[1].vcpus, hours(32));
    EXPECT_EQ(lines[2].cluster, ClusterId("c-2"));
    EXPECT_EQ(lines[3].day, monday + days(1));
    EXPECT_EQ(lines[3].ran, hours(2));
}

TEST(Usage, of_spot_machines_is_told_by_itself) {
    MachineRun spot = run(at(1), at(4));
    spot.spot = true;
    const auto lines = usage_of({run(at(0), at(6)), spot, run(at(8), at(9))}, week, later);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_FALSE(lines[0].spot);
    EXPECT_EQ(lines[0].ran, hours(7));
    EXPECT_TRUE(lines[1].spot);
    EXPECT_EQ(lines[1].ran, hours(3));
    const auto totals = totals_of({run(at(0), at(6)), spot}, later);
    ASSERT_EQ(totals.at(0).sizes.size(), 2u);
    EXPECT_TRUE(totals[0].sizes[1].spot);
}

TEST(Usage, loses_and_doubles_nothing_however_a_run_is_cut) {
    for (int cut = 0; cut <= 72; ++cut) {
        Milliseconds total{0};
        for (const auto& line : usage_of({run(at(0), at(cut)), run(at(cut), at(72))}, week, later))
            total += line.ran;
        EXPECT_EQ(total, hours(72));
    }
}

TEST(Totals, are_all_that_a_cluster_ran_by_size) {
    MachineRun small = run(at(20), {});
    small.instance_type = "Standard_B1s";
    small.vcpus = 1;
    MachineRun other = run(at(1), at(2));
    other.cluster = ClusterId("c-2");
    const auto totals =
        totals_of({run(at(5), at(6)), small, other, run(at(2), at(4)), run(at(40), {})}, at(30));
    ASSERT_EQ(totals.size(), 2u);
    EXPECT_EQ(totals[0].since, at(2));
    EXPECT_EQ(totals[0].sizes,
              (std::vector<ClusterUsage::Size>{{"Standard_B1s", hours(10), hours(10)},
                                               {"Standard_D4_v3", hours(3), hours(12)}}));
    EXPECT_EQ(totals[1].sizes.at(0).ran, hours(1));
}

TEST(Days, are_read_and_written) {
    EXPECT_EQ(to_string(*day_from("2028-02-29")), "2028-02-29");
    for (const char* wrong : {"",
                              "2026-02-29",
                              "2026-1-01",
                              "2026-13-01",
                              "2026-00-10",
                              "x",
                              "2026-11-2x",
                              "1969-12-31",
                              "2026-11-28T00:00:00Z",
                              "-026-11-28",
                              "2026--1-28",
                              "2026/11/28"})
        EXPECT_FALSE(day_from(wrong)) << wrong;
}

}  // namespace
}  // namespace hopyard::decide
