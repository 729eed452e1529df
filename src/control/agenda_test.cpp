#include "control/agenda.h"

#include <gtest/gtest.h>

namespace hopyard::control {
namespace {

Timestamp at(int ms) {
    return Timestamp(Milliseconds(ms));
}

std::string due(Agenda& agenda, int now) {
    std::string names;
    for (const ClusterId& id : agenda.take_due(at(now))) names += id.value;
    return names;
}

TEST(Agenda, gives_what_is_due_in_the_order_of_its_time_and_only_once) {
    Agenda agenda;
    agenda.put(ClusterId("c"), at(10));
    agenda.put(ClusterId("a"), at(30));
    agenda.put(ClusterId("b"), at(20));
    EXPECT_EQ(due(agenda, 9), "");
    EXPECT_EQ(due(agenda, 20), "cb");
    EXPECT_EQ(due(agenda, 29), "");
    EXPECT_EQ(due(agenda, 30), "a");
    EXPECT_EQ(due(agenda, 1'000), "");
}

TEST(Agenda, keeps_the_earlier_of_two_times) {
    Agenda agenda;
    agenda.put(ClusterId("a"), at(10));
    agenda.put(ClusterId("a"), at(50));
    EXPECT_EQ(agenda.next(), at(10));
    agenda.put(ClusterId("a"), at(5));
    EXPECT_EQ(agenda.next(), at(5));
    EXPECT_EQ(due(agenda, 100), "a");
    EXPECT_EQ(agenda.next(), std::nullopt);
}

TEST(Agenda, forgets_what_is_erased) {
    Agenda agenda;
    agenda.put(ClusterId("a"), at(1));
    agenda.put(ClusterId("b"), at(2));
    agenda.erase(ClusterId("a"));
    agenda.erase(ClusterId("never"));
    EXPECT_EQ(agenda.next(), at(2));
    EXPECT_EQ(due(agenda, 9), "b");
    agenda.put(ClusterId("a"), at(1));
    agenda.clear();
    EXPECT_EQ(agenda.next(), std::nullopt);
}

}  // namespace
}  // namespace hopyard::control
