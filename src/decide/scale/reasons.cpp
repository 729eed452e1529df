#include "decide/scale/reasons.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "base/words.h"
#include "decide/scale/experience.h"
#include "decide/scale/schedule.h"

namespace hopyard::decide::scale {
namespace {

using model::Resources;

const char* name_of(GroupName group) {
    return group == GroupName::gpu ? "the GPU group" : "the general group";
}

class Sentences {
  public:
    Sentences(const Situation& situation,
              const Packing& packing,
              const std::vector<Balance>& balances)
        : situation_(situation), packing_(packing), balances_(balances) {}

    std::string of(std::string_view rule, GroupName group, const Worker* worker) const {
        if (rule == "request") return request(group);
        if (rule == "minimum")
            return fmt::format("{} has at least {}",
                               name_of(group),
                               counted(min_workers_at(policy(group), situation_.now), "worker"));
        if (rule == "standby") return standby(group);
        if (rule == "maximum")
            return fmt::format(
                "{} may have {}", name_of(group), counted(policy(group).max_workers, "worker"));
        if (rule == "rollover")
            return fmt::format("it is a {} with {} GB of disk and {} is to have others now",
                               worker->key.instance_type,
                               worker->key.disk_gb,
                               name_of(group));
        if (rule == "work") return counted(worker->jobs, "job") + " came before it was drained";
        if (rule == "worth") return worth(group);
        return fmt::format("nothing was allocated on it for {}, longer than {} s",
                           to_human(situation_.now - worker->idle_since.value_or(situation_.now)),
                           policy(group).downscale_wait_s);
    }

  private:
    const model::ScaleSpec& policy(GroupName group) const {
        return group == GroupName::gpu ? situation_.gpu->policy : situation_.general.policy;
    }
    const Balance& balance(GroupName group) const {
        return *std::find_if(balances_.begin(), balances_.end(), [group](const Balance& each) {
            return each.group == group;
        });
    }

    std::string request(GroupName group) const {
        Resources needed;
        std::size_t first = situation_.requests.size();
        std::size_t workers = 0;
        for (std::size_t at = 0; at < packing_.slots().size(); ++at) {
            const Slot& slot = packing_.slots()[at];
            if (!slot.is_bought() || slot.is_let_go || slot.group != group || slot.pieces == 0)
                continue;
            needed += slot.size - packing_.room(at);
            first = std::min(first, slot.asked_by);
            ++workers;
        }
        const Balance& now = balance(group);
        return fmt::format("job {}{} needs {} more than is free; {} free, {} of it coming",
                           situation_.requests[first].name,
                           workers > 1 ? " and what waits with it" : "",
                           in_words(needed),
                           in_words(now.free),
                           in_words(now.coming));
    }
    std::string worth(GroupName group) const {
        const auto& experience =
            group == GroupName::gpu ? situation_.gpu->experience : situation_.general.experience;
        const Milliseconds boot = experience ? experience->boot.value_or(boot_unseen) : boot_unseen;
        return fmt::format(
            "as often as workers are wanted here, and as a new one takes {}, {} without work are "
            "worth keeping now",
            to_human(boot),
            balance(group).worth_keeping.value_or(0));
    }
    std::string standby(GroupName group) const {
        const Balance& now = balance(group);
        std::string text = fmt::format("{} are to stay free, {:g} of a worker; there were {}",
                                       in_words(now.standby),
                                       policy(group).standby_workers,
                                       in_words(now.free - now.packed));
        if (const auto& shape = policy(group).standby_shape)
            text += fmt::format(
                ", and room for {} times {} is to stay", shape->count, in_words(shape->each));
        return text;
    }

    const Situation& situation_;
    const Packing& packing_;
    const std::vector<Balance>& balances_;
};

}  // namespace

std::vector<Step> steps_of(const Situation& situation,
                           const Packing& packing,
                           const std::vector<Balance>& balances) {
    const Sentences sentences(situation, packing, balances);
    std::vector<Step> recalls;
    std::vector<Step> removals;
    std::map<std::tuple<GroupName, std::size_t, std::string_view>, int> fresh;
    for (const Slot& slot : packing.slots()) {
        if (slot.worker == Slot::fresh) {
            if (slot.is_let_go) continue;
            ++fresh[{*slot.group, slot.kind, slot.rule}];
            continue;
        }
        if (!slot.is_recalled && !slot.is_let_go) continue;
        const Worker& worker = situation.workers[slot.worker];
        (slot.is_let_go ? removals : recalls)
            .push_back({.kind = slot.is_let_go ? Step::Kind::remove : Step::Kind::recall,
                        .group = *slot.group,
                        .worker = worker.name,
                        .key = worker.key,
                        .rule = slot.rule,
                        .reason = sentences.of(slot.rule, *slot.group, &worker)});
    }
    std::vector<Step> steps = std::move(recalls);
    for (const auto& [what, count] : fresh) {
        const auto& [group, kind, rule] = what;
        const auto& kinds =
            group == GroupName::gpu ? situation.gpu->kinds : situation.general.kinds;
        steps.push_back({.kind = Step::Kind::add,
                         .group = group,
                         .key = kinds[kind].key,
                         .count = count,
                         .rule = std::string(rule),
                         .reason = sentences.of(rule, group, nullptr)});
    }
    steps.insert(steps.end(), removals.begin(), removals.end());
    return steps;
}

std::string weighed_again() {
    return "whether to wait and what to keep is weighed again";
}

std::string leaves_at(const Worker& worker, Timestamp at) {
    return fmt::format("{} leaves at {}, unless it is used", worker.name, to_rfc3339(at));
}

Resources share_of(const Resources& size, double times) {
    const auto part = [times](std::int64_t of) {
        return static_cast<std::int64_t>(std::ceil(times * static_cast<double>(of) - 1e-9));
    };
    return {.cpus = part(size.cpus), .memory_mb = part(size.memory_mb), .gpus = part(size.gpus)};
}

const char* to_string(GroupName name) {
    return name == GroupName::gpu ? "gpu" : "general";
}

const char* to_string(Worker::State state) {
    switch (state) {
        case Worker::State::coming:
            return "coming";
        case Worker::State::ready:
            return "ready";
        case Worker::State::leaving:
            return "leaving";
        case Worker::State::gone:
            return "gone";
    }
    return "";
}

const char* to_string(Step::Kind kind) {
    switch (kind) {
        case Step::Kind::recall:
            return "recall";
        case Step::Kind::add:
            return "add";
        case Step::Kind::remove:
            return "remove";
    }
    return "";
}

const char* to_string(Unmet::Why why) {
    switch (why) {
        case Unmet::Why::no_kind:
            return "no_kind";
        case Unmet::Why::too_many:
            return "too_many";
        case Unmet::Why::machine:
            return "machine";
        case Unmet::Why::maximum:
            return "maximum";
        case Unmet::Why::resting:
            return "resting";
        case Unmet::Why::soon:
            return "soon";
    }
    return "";
}

}  // namespace hopyard::decide::scale
