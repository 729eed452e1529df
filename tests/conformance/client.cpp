#include "client.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace hopyard::conformance {

using nlohmann::json;

namespace {

/// Between two looks of the client the state is looked at that often, too: a poll may fall
/// anywhere.
constexpr Milliseconds between_looks = Seconds(2);
constexpr Milliseconds patience = Seconds(45 * 60);

/// Go writes these as escapes.
std::string go_text(const json& body) {
    std::string out;
    for (const char c : body.dump()) {
        if (c == '<') {
            out += "\\u003c";
        } else if (c == '>') {
            out += "\\u003e";
        } else if (c == '&') {
            out += "\\u0026";
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

// Older releases have no way to name a server; a slash at the end is what newer ones trip over.
Client::Client(Ground& ground, const Release& release)
    : ground_(ground),
      release_(release),
      transport_(http::ClientOptions{
          .user_agent = std::string("Terraform/1.5.0 (+https://www.terraform.io) "
                                    "Terraform-Plugin-SDK/2.10.1 terraform-provider-hopsworksai/") +
                        release.name}),
      base_(ground.url() + (release.since(1001) ? "/" : "")) {}

bool Client::Reply::passes() const {
    return status != 403 && body.is_object() && ((code() >= 200 && code() < 300) || code() == 404);
}

Client::Reply Client::call(const std::string& method, const std::string& path, const json& body) {
    http::OutgoingRequest request{.method = method, .url = base_ + path};
    request.headers.set("x-api-key", ground_.key().reveal());
    request.headers.set("hopsai-api-version", "v1");
    request.headers.set("Content-Type", "application/json");
    if (!body.is_null()) request.body = go_text(body);
    const auto reply = transport_.send(request);
    if (!reply) {
        ADD_FAILURE() << method << " " << path << ": " << reply.error().message;
        return {};
    }
    Reply out{.status = reply->status, .body = json::parse(reply->body, nullptr, false)};
    EXPECT_TRUE(out.body.is_object()) << "not one JSON object: " << reply->body;
    if (!out.body.is_object()) return out;
    EXPECT_TRUE(out.body.contains("code") && out.body["code"].is_number_integer()) << reply->body;
    EXPECT_EQ(out.body.value("apiVersion", ""), "v1");
    EXPECT_EQ(out.body.value("status", ""), out.code() == 200 ? "ok" : "error");
    EXPECT_EQ(out.message().find('%'), std::string::npos) << out.message();
    EXPECT_EQ(out.status, out.code());
    return out;
}

void Client::expect_done(const Reply& reply, const std::string& what) {
    EXPECT_TRUE(reply.passes()) << what << ": " << reply.body.dump();
    EXPECT_NE(reply.code(), 404) << what << " looks like success and is none";
}

Client::Reply Client::get() {
    return call("GET", "/api/clusters/" + id_);
}

json Client::read() {
    const Reply reply = get();
    EXPECT_EQ(reply.code(), 200) << reply.body.dump();
    std::vector<std::string> faults;
    const json payload = reply.body.value("payload", json::object());
    const json state = decode_cluster(release_, payload.value("cluster", json()), faults);
    for (const std::string& fault : faults) ADD_FAILURE() << release_.name << ": " << fault;
    EXPECT_EQ(state["id"], id_);
    return state;
}

void Client::expect_no_drift() {
    const json state = read();
    for (const std::string& difference : drift(release_, config_, state))
        ADD_FAILURE() << release_.name << " would change " << difference;
    if (state["state"] == "running") {
        EXPECT_NE(state["url"], "");
        EXPECT_EQ(state["activationState"], "stoppable");
    }
    if (state["state"] == "stopped") {
        EXPECT_EQ(state["activationState"], "startable");
    }
    const Reply listed = call("GET", "/api/clusters?cloud=AZURE");
    const json entries = listed.body.value("payload", json::object()).value("clusters", json());
    ASSERT_EQ(entries.size(), 1u) << listed.body.dump();
    EXPECT_EQ(entries[0], get().body["payload"]["cluster"]);
}

Client::Verdict Client::judge(Wait kind, const std::string& state) const {
    const auto one_of = [&](const std::set<std::string>& states) { return states.contains(state); };
    const bool all_later = release_.since(1100);
    if (kind == Wait::running) {
        if (state == "running") return Verdict::done;
        if (one_of({"starting",
                    "initializing",
                    "updating",
                    "decommissioning",
                    "pending",
                    "worker-pending",
                    "worker-initializing",
                    "worker-starting",
                    "worker-shutting-down",
                    "worker-decommissioning"}))
            return Verdict::go_on;
        if (release_.since(200) && one_of({"rondb-initializing", "starting-hopsworks"}))
            return Verdict::go_on;
        if (all_later && state == "secondary-initializing") return Verdict::go_on;
        if (one_of({"error", "worker-error"})) return Verdict::failed;
        if (release_.since(400) && state == "command-failed") return Verdict::failed;
        return Verdict::unexpected;
    }
    if (kind == Wait::stopped) {
        if (state == "stopped") return Verdict::done;
        if (one_of({"pending", "running", "stopping"})) return Verdict::go_on;
        if (release_.since(800) && state == "externally-stopped") return Verdict::done;
        return state == "error" ? Verdict::failed : Verdict::unexpected;
    }
    if (one_of({"running", "shutting-down"})) return Verdict::go_on;
    if (one_of({"error", "termination-warning"})) return Verdict::failed;
    if (release_.since(400) && state == "command-failed") return Verdict::failed;
    return Verdict::unexpected;
}

// The first look comes after 30 s, then gaps of 30 s and 10 s take turns (control-api.md 3.5).
std::string Client::wait(Wait kind) {
    const Timestamp end = ground_.clock.now() + patience;
    Timestamp look = ground_.clock.now() + Seconds(30);
    bool long_gap = true;
    while (ground_.clock.now() < end) {
        const Reply reply = get();
        if (reply.code() == 404)
            return kind == Wait::deleted ? "" : "the cluster is gone: " + reply.message();
        EXPECT_EQ(reply.code(), 200) << reply.body.dump();
        const json state = read();
        const Verdict verdict = judge(kind, state["state"]);
        if (verdict == Verdict::unexpected)
            return "unexpected state '" + state["state"].get<std::string>() + "'";
        const bool looks = ground_.clock.now() >= look;
        if (looks && verdict == Verdict::done) return "";
        if (looks && verdict == Verdict::failed)
            return "failed: " + state["errorMessage"].get<std::string>();
        if (looks) {
            look = ground_.clock.now() + Seconds(long_gap ? 30 : 10);
            long_gap = !long_gap;
        }
        ground_.advance(std::min<Milliseconds>(between_looks, look - ground_.clock.now()));
    }
    return "time is up";
}

// --- what a user does ----------------------------------------------------------------------------

void Client::create(const Config& config) {
    config_ = config;
    if (config_.version.empty()) config_.version = release_.default_version;
    const Reply reply = call("POST", "/api/clusters", create_body(release_, config_));
    expect_done(reply, "create");
    id_ = reply.body.value("payload", json::object()).value("id", "");
    ASSERT_NE(id_, "");
}

void Client::send_difference(const char* method,
                             const std::vector<Group>& more,
                             const std::vector<Group>& less) {
    json groups = json::array();
    for (const Group& group : more) {
        const auto same = std::find_if(less.begin(), less.end(), [&](const Group& other) {
            return other.identity() == group.identity();
        });
        const bool changes_only = same != less.end();
        const int difference = group.count - (changes_only ? same->count : 0);
        // A spot group that only changes its count goes without its spot setting.
        if (difference > 0) groups.push_back(group.to_wire(difference, !changes_only));
    }
    if (groups.empty()) return;
    expect_done(call(method, "/api/clusters/" + id_ + "/workers", {{"workers", groups}}), method);
    EXPECT_EQ(wait(Wait::running), "") << method << " workers";
}

void Client::set_workers(const std::vector<Group>& groups) {
    const std::vector<Group> before = config_.workers;
    send_difference("DELETE", before, groups);
    send_difference("POST", groups, before);
    config_.workers = groups;
    std::erase_if(config_.workers, [](const Group& group) { return group.count == 0; });
}

void Client::set_ports(const Ports& ports) {
    config_.open_ports = ports;
    expect_done(call("POST", "/api/clusters/" + id_ + "/ports", {{"ports", ports.to_wire()}}),
                "ports");
    EXPECT_EQ(read()["ports"], ports.to_wire());
}

void Client::stop() {
    EXPECT_EQ(read()["activationState"], "stoppable");
    expect_done(call("PUT", "/api/clusters/" + id_ + "/stop"), "stop");
    EXPECT_EQ(wait(Wait::stopped), "");
}

void Client::start() {
    EXPECT_EQ(read()["activationState"], "startable");
    expect_done(call("PUT", "/api/clusters/" + id_ + "/start"), "start");
    EXPECT_EQ(wait(Wait::running), "");
}

void Client::destroy() {
    expect_done(call("DELETE", "/api/clusters/" + id_), "delete");
    EXPECT_EQ(wait(Wait::deleted), "");
}

void Client::change_type(const std::string& node_type, const std::string& type) {
    expect_done(call("PUT",
                     "/api/clusters/" + id_ + "/nodes/modify-instance-type",
                     {{"nodeInfo", {{"nodeType", node_type}, {"instanceType", type}}}}),
                "modify " + node_type);
    if (node_type == "head") config_.head_type = type;
    if (node_type == "rondb_aio") config_.single_node = type;
}

}  // namespace hopyard::conformance
