#include "wrong_setups/judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/test_rig.h"
#include "azure/needed_rights.h"
#include "wrong_setups/cloud.h"

namespace hopyard::wrong_setups {
namespace {

using nlohmann::json;
using Complaints = std::vector<std::string>;

/// The control plane on the cloud of one set-up, with the clusters that are there before.
class Desk {
  public:
    explicit Desk(const Setting& setup) : spec_(setup.spec) {
        furnish(cloud_, setup.cloud);
        const json clusters = setup.cloud.value("clusters", json::object());
        for (const auto& [name, patch] : clusters.items()) {
            json spec = spec_;
            spec.merge_patch(patch);
            spec["name"] = name;
            if (ask("/v1/clusters", spec)->status != 202)
                throw std::runtime_error("the cluster that is there before: " + name);
        }
        api_.wake.count = 0;
        containers_ = cloud_.containers;
        rows_ = rows();
    }

    std::shared_ptr<api::Caught> dry_run() { return ask("/v1/clusters?dryRun=true", spec_); }
    std::shared_ptr<api::Caught> create() { return ask("/v1/clusters", spec_); }

    /// Whether anything was stored, woken or made since the beginning.
    Complaints changes() {
        Complaints found;
        if (rows() != rows_) found.push_back("something was stored");
        if (api_.wake.count != 0) found.push_back("the loops were woken");
        if (cloud_.containers != containers_) found.push_back("a container was changed");
        if (!api_.preparation.there.empty()) found.push_back("something was prepared");
        if (!api_.cloud.log.empty()) found.push_back("the cloud was called: " + api_.cloud.log[0]);
        return found;
    }

  private:
    std::shared_ptr<api::Caught> ask(const std::string& target, const json& spec) {
        http::Request request{.method = "POST",
                              .target = target,
                              .headers = {{"x-api-key", api_.administrator.reveal()},
                                          {"Content-Type", "application/json"}},
                              .body = spec.dump()};
        const auto caught = std::make_shared<api::Caught>();
        service_.people()(
            request, http::Responder(std::make_shared<http::Exchange>(caught, caught->progress)));
        return caught;
    }
    std::string rows() { return api_.get("/v1/clusters")->body + api_.get("/v1/activity")->body; }

    json spec_;
    api::TestApi api_;
    control::TestSubscription cloud_;
    cloud::OneCloud clouds_{cloud_, cloud_, azure::needed_rights(), &api_.preparation};
    control::Commands commands_{
        *api_.store,
        clouds_,
        api_.wake,
        api_.clock,
        api_.random,
        {.installation = InstallationId("11111111-2222-4333-8444-555555555555"), .run_all = {}}};
    api::Service service_{{.store = *api_.store,
                           .commands = commands_,
                           .sessions = api_.sessions,
                           .clouds = clouds_,
                           .clock = api_.clock,
                           .random = api_.random},
                          {.version = "1"}};
    std::map<cloud::ContainerName, std::map<std::string, std::string>> containers_;
    std::string rows_;
};

Finding finding_of(const json& from, const std::string& weight, const char* cause) {
    return {.weight = weight,
            .field = from.value("field", ""),
            .code = from.value("code", ""),
            .cause = from.value(cause, ""),
            .remedy = from.value("nextAction", "")};
}

/// A request that cannot even be read is answered with a problem instead of findings.
std::vector<Finding> findings_of(const api::Caught& reply) {
    const json body = reply.json();
    if (reply.status != 200) return {finding_of(body, "blocking", "detail")};
    std::vector<Finding> findings;
    for (const json& each : body.value("findings", json::array()))
        findings.push_back(finding_of(each, each.value("weight", ""), "message"));
    return findings;
}

std::string in_words(const Finding& finding) {
    return fmt::format("{} {} {}: {} / {}",
                       finding.weight,
                       finding.field,
                       finding.code,
                       finding.cause,
                       finding.remedy);
}

bool is_that(const Finding& found, const Finding& wanted) {
    return found.weight == wanted.weight && found.field == wanted.field &&
           found.code == wanted.code && found.cause.find(wanted.cause) != std::string::npos &&
           found.remedy.find(wanted.remedy) != std::string::npos;
}

Complaints of_dry_run(Desk& desk, const Entry& entry) {
    Complaints complaints;
    const auto reply = desk.dry_run();
    std::vector<Finding> found;
    for (const Finding& each : findings_of(*reply))
        if (each.weight == "blocking" || each.weight == entry.findings[0].weight)
            found.push_back(each);
    const bool equal = std::equal(
        found.begin(), found.end(), entry.findings.begin(), entry.findings.end(), is_that);
    if (!equal) {
        std::string all;
        for (const Finding& each : found) all += "\n    " + in_words(each);
        complaints.push_back(fmt::format("dry run, {}: found{}", reply->status, all));
    }
    if (reply->status == 200 && reply->json().value("refused", false) != entry.refused())
        complaints.push_back("dry run: 'refused' says otherwise");
    return complaints;
}

/// One problem names all: the first with its field, the others in cause and remedy.
Complaints of_refusal(const api::Caught& reply, const Entry& entry) {
    const Finding problem = finding_of(reply.json(), "blocking", "detail");
    Complaints complaints;
    const Finding& first = entry.findings[0];
    if (reply.status < 400 || reply.status >= 500)
        complaints.push_back(fmt::format("create: status {}", reply.status));
    if (problem.field != first.field || problem.code != first.code)
        complaints.push_back("create: " + in_words(problem));
    for (const Finding& each : entry.findings)
        if (problem.cause.find(each.cause) == std::string::npos ||
            problem.remedy.find(each.remedy) == std::string::npos)
            complaints.push_back("create does not name '" + each.cause + "': " + in_words(problem));
    return complaints;
}

Complaints of_acceptance(const api::Caught& reply, const Entry& entry) {
    if (reply.status != 202) return {fmt::format("create: {} {}", reply.status, reply.body)};
    Complaints complaints;
    const json warnings = reply.json().value("warnings", json::array());
    for (const Finding& each : entry.findings) {
        const bool said = std::any_of(warnings.begin(), warnings.end(), [&](const json& warning) {
            return is_that(finding_of(warning, each.weight, "message"), each);
        });
        if (!said) complaints.push_back("create does not warn of " + in_words(each));
    }
    return complaints;
}

Complaints of_create(Desk& desk, const Entry& entry) {
    const auto reply = desk.create();
    if (entry.refused()) return of_refusal(*reply, entry);
    if (entry.findings[0].made) return of_acceptance(*reply, entry);
    const Finding problem = finding_of(reply->json(), "unchecked", "detail");
    if (reply->status >= 400 && problem.field == entry.findings[0].field &&
        problem.code == "fact_unread")
        return {};
    return {fmt::format("create: {} {}", reply->status, in_words(problem))};
}

void append(Complaints& to, Complaints more) {
    to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

std::vector<std::string> complaints_of(const Entry& entry, const Setting& base) {
    const Setting setup = patched(patched(base, entry.given), entry.fault);
    Desk desk(setup);
    Complaints complaints = of_dry_run(desk, entry);
    append(complaints, desk.changes());
    append(complaints, of_create(desk, entry));
    if (entry.refused() || !entry.findings[0].made) append(complaints, desk.changes());
    return complaints;
}

std::vector<std::string> complaints_of_sound(const Setting& setup) {
    Desk desk(setup);
    Complaints complaints;
    for (const Finding& each : findings_of(*desk.dry_run()))
        if (each.weight != "warning") complaints.push_back(in_words(each));
    append(complaints, desk.changes());
    const auto reply = desk.create();
    if (reply->status != 202) complaints.push_back(fmt::format("create: {}", reply->body));
    if (desk.changes().empty()) complaints.push_back("create: nothing was stored");
    return complaints;
}

}  // namespace hopyard::wrong_setups
