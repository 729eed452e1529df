#include "control/loops.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "control/test_rig.h"
#include "model/phase.h"
#include "nodewire/wire.h"

namespace hopyard::control {
namespace {

using model::NodePhase;
using model::Phase;
using model::Wanted;

TEST(Loops, a_cluster_comes_to_running) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(2));
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(60))) << rig.cluster(id)->stage;
    EXPECT_EQ(rig.nodes(id).size(), 3u);
    for (const auto& line : rig.cloud.log) std::printf("%s\n", line.c_str());
    for (const auto& e : rig.activity(id))
        std::printf("%s %s | %s\n", e.code.c_str(), e.message.c_str(), e.reason.c_str());
}

}  // namespace
}  // namespace hopyard::control
