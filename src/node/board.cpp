#include "node/board.h"

#include <algorithm>

namespace hopyard::node {

Board::Board(Self self, const Clock& clock) : self_(std::move(self)), clock_(clock) {}

void Board::changed_locked() {
    ++change_;
    signal_.notify_all();
}

void Board::set_orders(nodewire::Orders orders) {
    std::function<void()> callback;
    {
        std::lock_guard lock(mutex_);
        const auto& workers = orders.workers;
        std::erase_if(relayed_, [&](const auto& each) { return !workers.contains(each.first); });
        orders_ = std::make_shared<const nodewire::Orders>(std::move(orders));
        callback = on_orders_;
        signal_.notify_all();
    }
    if (callback) callback();
}

std::shared_ptr<const nodewire::Orders> Board::orders() const {
    std::lock_guard lock(mutex_);
    return orders_;
}

std::shared_ptr<const nodewire::Orders> Board::wait_for_orders(Part part,
                                                               std::int64_t revision,
                                                               Milliseconds timeout,
                                                               std::stop_token stop) {
    std::unique_lock lock(mutex_);
    auto& poked = poked_[static_cast<std::size_t>(part)];
    signal_.wait_for(
        lock, stop, timeout, [&] { return poked || (orders_ && orders_->revision > revision); });
    poked = false;
    return orders_;
}

void Board::poke(Part part) {
    std::lock_guard lock(mutex_);
    poked_[static_cast<std::size_t>(part)] = true;
    signal_.notify_all();
}

void Board::on_orders(std::function<void()> callback) {
    std::lock_guard lock(mutex_);
    on_orders_ = std::move(callback);
}

void Board::set_status(Part part, PartStatus status) {
    std::lock_guard lock(mutex_);
    auto& now = parts_[static_cast<std::size_t>(part)];
    if (now == status) return;
    now = std::move(status);
    changed_locked();
}

PartStatus Board::status(Part part) const {
    std::lock_guard lock(mutex_);
    return parts_[static_cast<std::size_t>(part)];
}

void Board::set_mount(bool ready, std::int64_t pending_writes) {
    std::lock_guard lock(mutex_);
    if (facts_.mount_ready == ready && facts_.mount_pending_writes == pending_writes) return;
    facts_.mount_ready = ready;
    facts_.mount_pending_writes = pending_writes;
    changed_locked();
}

void Board::set_init_script(nodewire::InitScriptResult result) {
    std::lock_guard lock(mutex_);
    facts_.init_script = std::move(result);
    changed_locked();
}

void Board::set_workload(Workload workload) {
    auto& [nodes, running, pending, demand] = workload;
    std::lock_guard lock(mutex_);
    if (facts_.jobs_running == running && facts_.jobs_pending == pending &&
        facts_.workload == nodes && facts_.demand == demand) {
        return;
    }
    facts_.workload = std::move(nodes);
    facts_.jobs_running = running;
    facts_.jobs_pending = pending;
    facts_.demand = std::move(demand);
    changed_locked();
}

bool says_the_same(const nodewire::Report& a, const nodewire::Report& b) {
    auto first = a, second = b;
    first.at = second.at = Timestamp{};
    first.number = second.number = 0;
    return nodewire::to_json(first) == nodewire::to_json(second);
}

void Board::set_relayed(nodewire::Report report) {
    std::lock_guard lock(mutex_);
    auto& entry = relayed_[report.node];
    if (entry.report.run == report.run && entry.report.number > report.number) return;
    const bool news = !says_the_same(entry.report, report);
    entry = Relayed{.report = std::move(report), .received = clock_.now()};
    if (news) changed_locked();
}

std::optional<nodewire::Report> Board::relayed(const std::string& node) const {
    std::lock_guard lock(mutex_);
    const auto found = relayed_.find(node);
    if (found == relayed_.end()) return std::nullopt;
    return found->second.report;
}

std::uint64_t Board::change() const {
    std::lock_guard lock(mutex_);
    return change_;
}

std::uint64_t Board::wait_for_change(std::uint64_t known,
                                     Milliseconds timeout,
                                     std::stop_token stop) {
    std::unique_lock lock(mutex_);
    signal_.wait_for(lock, stop, timeout, [&] { return change_ != known; });
    return change_;
}

nodewire::Report Board::report() const {
    std::lock_guard lock(mutex_);
    auto result = facts_;
    result.node = self_.node;
    result.machine_id = self_.machine_id;
    result.boot_id = self_.boot_id;
    result.program_version = self_.program_version;
    result.run = self_.run;
    result.number = ++reports_;
    result.services_ready = orders_ != nullptr;
    result.applied_revision = orders_ ? orders_->revision : 0;
    for (const auto& part : parts_) {
        result.applied_revision = std::min(result.applied_revision, part.applied_revision);
        result.services_ready = result.services_ready && part.ready;
        if (result.stage.empty()) result.stage = part.stage;
        if (!result.failure) result.failure = part.failure;
    }
    if (!orders_) result.stage = "waiting for orders";
    result.at = clock_.now();
    for (const auto& [node, each] : relayed_) {
        const auto age = std::max<std::int64_t>(0, (result.at - each.received).count());
        result.workers.push_back({.report = each.report, .age_ms = age});
    }
    return result;
}

}  // namespace hopyard::node
