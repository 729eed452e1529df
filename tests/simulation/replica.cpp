#include "simulation/replica.h"

#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hopyard::simulation {
namespace {

/// Signs for show: a certificate is a line that says what it is about, because making real ones
/// takes longer than all else in a life.
class PaperAuthority final : public control::NodeAuthority {
  public:
    Result<Signed> sign(const std::string& signing_request_pem,
                        const NodeId& node,
                        const std::string&,
                        Timestamp now) override {
        if (signing_request_pem != "request of " + node.value)
            return fail(ErrorKind::invalid_argument, "bad_request", "not a signing request");
        return Signed{.certificate_pem = "certificate of " + node.value,
                      .serial = node.value,
                      .expires_at = now + Seconds(30 * 24 * 3600)};
    }
    std::string ca_pem() const override { return "the authority"; }
    Result<Page> issue_page(const NodeId&,
                            const std::vector<std::string>& addresses,
                            Timestamp) override {
        return Page{.certificate_pem = Secret(fmt::format("{}", fmt::join(addresses, " "))),
                    .key_pem = Secret("the key of a page")};
    }
    Result<PageFacts> read_page(const Secret& certificate_pem) const override {
        PageFacts facts{.addresses = {}, .not_after = day_one + Seconds(10 * 365 * 24 * 3600)};
        std::istringstream words(certificate_pem.reveal());
        for (std::string word; words >> word;) facts.addresses.push_back(word);
        if (facts.addresses.empty())
            return fail(ErrorKind::invalid_argument, "no_page", "not a page's certificate");
        return facts;
    }
};

/// The program's is shorter; nothing but the changes of other replicas waits for it.
constexpr Milliseconds tick_period = Seconds(5);

/// Spans are shorter than in production where a longer one would only take longer to simulate.
control::LoopOptions loop_options(const std::string& holder) {
    control::LoopOptions options;
    options.installation = our_installation;
    options.holder = holder;
    options.node_url = "https://control.example:8443";
    options.node_ca_pem = "the authority";
    options.timing.boot = Seconds(180);
    options.orphan_patience = Seconds(120);
    options.orphan_disk_patience = Seconds(240);
    return options;
}

}  // namespace

Replica::Replica(const ReplicaParts& parts, int number, const std::string& holder)
    : parts_(parts),
      number_(number),
      store_(parts.store, parts.ground, parts.changes, {.replica = number}),
      loops_store_(parts.store, parts.ground, parts.changes, {.replica = number, .loops = true}),
      front_(parts.ground, parts.fibers, parts.requests, number),
      authority_(std::make_unique<PaperAuthority>()),
      clouds_(front_, front_) {
    Ground& ground = parts_.ground;
    loops_ = std::make_unique<control::Loops>(
        loops_store_, front_, front_, *this, ground.clock, parts_.random, loop_options(holder));
    sessions_ = std::make_unique<control::NodeSessions>(
        store_, *authority_, *this, ground.clock, parts_.random, control::SessionOptions());
    control::CommandsOptions options;
    options.installation = our_installation;
    commands_ = std::make_unique<control::Commands>(
        store_, clouds_, *this, ground.clock, parts_.random, std::move(options));
    loops_->on_change([this] { tick_soon(); });
    ground.trace.note([&] { return fmt::format("replica {} begins as {}", number, holder); });
    step_at(ground.clock.now());
    tick_at(ground.clock.now());
}

Replica::~Replica() {
    *alive_ = false;
}

bool Replica::survives(const std::function<void()>& call) {
    if (dead_) return false;
    try {
        call();
        return true;
    } catch (const ProgramDied&) {
        parts_.mourner.replica_died(number_);
        return false;
    }
}

void Replica::serve(const http::Request& request, http::Responder responder) {
    if (!service_)
        service_ = std::make_unique<api::Service>(
            api::Parts{.store = store_,
                       .commands = *commands_,
                       .sessions = *sessions_,
                       .clouds = clouds_,
                       .clock = parts_.ground.clock,
                       .random = parts_.random},
            api::ServiceOptions{.version = "simulated", .want_tick = [this] { tick_soon(); }});
    service_->people()(request, std::move(responder));
}

void Replica::later(Timestamp time, std::function<void()> task) {
    parts_.ground.queue.at(time, [this, alive = alive_, task = std::move(task)]() mutable {
        if (!*alive || dead_) return;
        if (stands_still()) return later(still_until_, std::move(task));
        task();
    });
}

void Replica::wake() {
    loops_->wake();
    step_soon();
}

void Replica::wake_for(const ClusterId& cluster) {
    loops_->wake_for(cluster);
    step_soon();
}

void Replica::step_soon() {
    Ground& ground = parts_.ground;
    step_at(ground.clock.now() + ground.faults.between(Milliseconds(1), Milliseconds(40)));
}

void Replica::run(std::function<void()> call) {
    auto body = [this, call = std::move(call)] {
        call();
        step_soon();
    };
    const bool quick = chance(parts_.ground.faults.random(), 0.5);
    if (!quick || parts_.fibers.inside())
        return parts_.fibers.start(number_, Milliseconds(1), std::move(body));
    parts_.fibers.start_at_once(number_, std::move(body));
    // A thread that kills the program kills whoever started it.
    if (dead_) throw ProgramDied();
}

void Replica::step_at(Timestamp time) {
    if (next_step_ && *next_step_ <= time) return;
    next_step_ = time;
    later(time, [this, time] {
        if (next_step_ == time) step();
    });
}

void Replica::step() {
    const Timestamp now = parts_.ground.clock.now();
    next_step_.reset();
    ++steps_;
    // Rounds that find something to do again and again without time passing lead nowhere.
    if (now - busy_since_ > Seconds(1)) {
        busy_since_ = now;
        busy_steps_ = 0;
    }
    if (++busy_steps_ == 400) parts_.ground.findings.add("the loops turn without end");
    survives([this, now] {
        const Timestamp next = loops_->step();
        if (next > now + Milliseconds(1))
            step_at(next);
        else
            step_soon();
    });
}

/// What the program's ticker does, whenever somebody pokes it and every now and then.
void Replica::tick() {
    survives([this] {
        next_tick_.reset();
        const Timestamp now = parts_.ground.clock.now();
        sessions_->write_old_rows();
        sessions_->orders_may_have_changed();
        if (service_) service_->tick(now);
        if (now >= next_silence_) next_silence_ = sessions_->notice_silence();
        tick_at(std::min(now + tick_period, std::max(next_silence_, now + Milliseconds(1))));
    });
}

void Replica::tick_soon() {
    Ground& ground = parts_.ground;
    tick_at(ground.clock.now() + ground.faults.between(Milliseconds(1), Milliseconds(40)));
}

void Replica::tick_at(Timestamp time) {
    if (next_tick_ && *next_tick_ <= time) return;
    next_tick_ = time;
    later(time, [this, time] {
        if (next_tick_ == time) tick();
    });
}

}  // namespace hopyard::simulation
