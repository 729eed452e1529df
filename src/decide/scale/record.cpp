#include "decide/scale/record.h"

#include "base/json_fields.h"
#include "model/demand_json.h"
#include "model/experience_json.h"
#include "model/spec_json.h"

namespace hopyard::decide::scale {
namespace {

using model::document;
using model::read;
using nlohmann::json;

/// What was read, and where the first fault lies.
class Reader {
  public:
    explicit Reader(const json& from) : fields_(from) {}

    template <class T>
    Reader& get(const char* name, T& out) {
        fields_.get(name, out);
        return *this;
    }
    template <class Word, class Parse>
    Reader& word(const char* name, Word& out, Parse parse) {
        fields_.word(name, out, parse);
        return *this;
    }
    /// With a function of its own; a missing member keeps its default.
    template <class T, class Read>
    Reader& part(const char* name, T& out, Read read_one) {
        const json* member = fields_.member(name);
        if (member != nullptr && !read_one(*member, out) && fault_.empty()) fault_ = name;
        return *this;
    }
    template <class T, class Read>
    Reader& list(const char* name, std::vector<T>& out, Read read_one) {
        return part(name, out, [&](const json& entries, std::vector<T>& all) {
            if (!entries.is_array()) return false;
            for (const json& entry : entries)
                if (!read_one(entry, all.emplace_back())) return false;
            return true;
        });
    }
    bool good() const { return fields_.good() && fault_.empty(); }
    std::string fault() const { return fields_.good() ? fault_ : fields_.fault(); }

  private:
    Fields fields_;
    std::string fault_;
};

constexpr auto read_part = [](const json& from, auto& out) { return read(from, out); };

template <class Word>
std::optional<Word> word_from(std::string_view text, std::initializer_list<Word> words) {
    for (const Word word : words)
        if (text == to_string(word)) return word;
    return std::nullopt;
}

std::optional<GroupName> group_from(std::string_view text) {
    return word_from(text, {GroupName::general, GroupName::gpu});
}

template <class T, class Write>
json list_of(const std::vector<T>& list, Write write) {
    json out = json::array();
    for (const T& entry : list) out.push_back(write(entry));
    return out;
}

// --- situation ---------------------------------------------------------------------------------

json write_kind(const Kind& kind) {
    return {{"key", document(kind.key)},
            {"size", document(kind.size)},
            {"restsUntil", to_field(kind.rests_until)}};
}

bool read_kind(const json& from, Kind& kind) {
    return Reader(from)
        .part("key", kind.key, read_part)
        .part("size", kind.size, read_part)
        .get("restsUntil", kind.rests_until)
        .good();
}

json write_worker(const Worker& worker) {
    return {{"name", worker.name},
            {"key", document(worker.key)},
            {"size", document(worker.size)},
            {"used", document(worker.used)},
            {"jobs", worker.jobs},
            {"state", to_string(worker.state)},
            {"group", worker.group ? json(to_string(*worker.group)) : json(nullptr)},
            {"outdated", worker.is_outdated},
            {"protected", worker.is_protected},
            {"takesWork", worker.takes_work},
            {"idleSince", to_field(worker.idle_since)},
            {"busyUntil", to_field(worker.busy_until)}};
}

bool read_worker(const json& from, Worker& worker) {
    using State = Worker::State;
    std::string group;
    const auto state_from = [](std::string_view text) {
        return word_from(text, {State::coming, State::ready, State::leaving, State::gone});
    };
    const bool good = Reader(from)
                          .get("name", worker.name)
                          .part("key", worker.key, read_part)
                          .part("size", worker.size, read_part)
                          .part("used", worker.used, read_part)
                          .get("jobs", worker.jobs)
                          .word("state", worker.state, state_from)
                          .get("group", group)
                          .get("outdated", worker.is_outdated)
                          .get("protected", worker.is_protected)
                          .get("takesWork", worker.takes_work)
                          .get("idleSince", worker.idle_since)
                          .get("busyUntil", worker.busy_until)
                          .good();
    if (!group.empty()) worker.group = group_from(group);
    return good && (group.empty() || worker.group);
}

// --- decision ----------------------------------------------------------------------------------

json write_step(const Step& step) {
    return {{"kind", to_string(step.kind)},
            {"group", to_string(step.group)},
            {"worker", step.worker},
            {"key", document(step.key)},
            {"count", step.count},
            {"rule", step.rule},
            {"reason", step.reason}};
}

bool read_step(const json& from, Step& step) {
    using Kind = Step::Kind;
    const auto kind_from = [](std::string_view text) {
        return word_from(text, {Kind::recall, Kind::add, Kind::remove});
    };
    return Reader(from)
        .word("kind", step.kind, kind_from)
        .word("group", step.group, group_from)
        .get("worker", step.worker)
        .part("key", step.key, read_part)
        .get("count", step.count)
        .get("rule", step.rule)
        .get("reason", step.reason)
        .good();
}

json write_unmet(const Unmet& unmet) {
    return {{"request", unmet.request},
            {"count", unmet.count},
            {"why", to_string(unmet.why)},
            {"reason", unmet.reason}};
}

bool read_unmet(const json& from, Unmet& unmet) {
    using Why = Unmet::Why;
    const auto why_from = [](std::string_view text) {
        return word_from(
            text,
            {Why::no_kind, Why::too_many, Why::machine, Why::maximum, Why::resting, Why::soon});
    };
    return Reader(from)
        .get("request", unmet.request)
        .get("count", unmet.count)
        .word("why", unmet.why, why_from)
        .get("reason", unmet.reason)
        .good();
}

json write_balance(const Balance& balance) {
    return {{"group", to_string(balance.group)},
            {"present", balance.present},
            {"wanted", balance.wanted},
            {"idle", balance.idle},
            {"free", document(balance.free)},
            {"coming", document(balance.coming)},
            {"packed", document(balance.packed)},
            {"standby", document(balance.standby)},
            {"standbyHolds", balance.standby_holds},
            {"demand", balance.demand},
            {"worthKeeping", balance.worth_keeping ? json(*balance.worth_keeping) : json(nullptr)}};
}

bool read_balance(const json& from, Balance& balance) {
    return Reader(from)
        .word("group", balance.group, group_from)
        .get("present", balance.present)
        .get("wanted", balance.wanted)
        .get("idle", balance.idle)
        .part("free", balance.free, read_part)
        .part("coming", balance.coming, read_part)
        .part("packed", balance.packed, read_part)
        .part("standby", balance.standby, read_part)
        .get("standbyHolds", balance.standby_holds)
        .get("demand", balance.demand)
        .get("worthKeeping", balance.worth_keeping)
        .good();
}

template <class T, class Read>
Result<T> read_whole(std::string_view text, const char* what, Read read_into) {
    const json document = json::parse(text, nullptr, false);
    T value;
    if (document.is_object()) {
        Reader reader(document);
        read_into(reader, value);
        if (reader.good()) return value;
        return fail(ErrorKind::invalid_argument,
                    "record_malformed",
                    std::string(what) + " has a malformed '" + reader.fault() + "'");
    }
    return fail(ErrorKind::invalid_argument,
                "record_malformed",
                std::string(what) + " is not a JSON object");
}

}  // namespace

std::string to_json(const Situation& situation) {
    const auto write_request = [](const model::Request& request) { return document(request); };
    model::AutoscaleSpec policy{.mode = situation.mode, .general = situation.general.policy};
    if (situation.gpu) policy.gpu = situation.gpu->policy;
    json out = {{"policy", json::parse(model::to_json(policy))},
                {"generalKinds", list_of(situation.general.kinds, write_kind)},
                {"workers", list_of(situation.workers, write_worker)},
                {"requests", list_of(situation.requests, write_request)},
                {"now", to_field(situation.now)}};
    if (situation.gpu) out["gpuKinds"] = list_of(situation.gpu->kinds, write_kind);
    if (situation.general.experience)
        out["generalExperience"] = document(*situation.general.experience);
    if (situation.gpu && situation.gpu->experience)
        out["gpuExperience"] = document(*situation.gpu->experience);
    return to_text(out);
}

std::string to_json(const Decision& decision) {
    return to_text({{"steps", list_of(decision.steps, write_step)},
                    {"unmet", list_of(decision.unmet, write_unmet)},
                    {"balances", list_of(decision.balances, write_balance)},
                    {"lookAgainAt", to_field(decision.look_again_at)},
                    {"next", decision.next}});
}

Result<Situation> situation_from_json(std::string_view text) {
    return read_whole<Situation>(text, "a situation", [](Reader& reader, Situation& out) {
        const auto read_policy = [](const json& from, Situation& situation) {
            auto policy = model::autoscale_from_json(from.dump());
            if (!policy) return false;
            situation.mode = policy->mode;
            situation.general.policy = std::move(policy->general);
            if (policy->gpu) situation.gpu.emplace().policy = std::move(*policy->gpu);
            return true;
        };
        const auto read_experience = [](const json& from, auto& experience) {
            return read(from, experience.emplace());
        };
        reader.part("policy", out, read_policy)
            .list("generalKinds", out.general.kinds, read_kind)
            .list("workers", out.workers, read_worker)
            .list("requests", out.requests, read_part)
            .part("generalExperience", out.general.experience, read_experience)
            .get("now", out.now);
        if (out.gpu)
            reader.list("gpuKinds", out.gpu->kinds, read_kind)
                .part("gpuExperience", out.gpu->experience, read_experience);
    });
}

Result<Decision> decision_from_json(std::string_view text) {
    return read_whole<Decision>(text, "a decision", [](Reader& reader, Decision& out) {
        reader.list("steps", out.steps, read_step)
            .list("unmet", out.unmet, read_unmet)
            .list("balances", out.balances, read_balance)
            .get("lookAgainAt", out.look_again_at)
            .get("next", out.next);
    });
}

}  // namespace hopyard::decide::scale
