#include "control/node_logs.h"

#include <algorithm>

namespace hopyard::control {
namespace {

/// Each at most 64 KiB.
constexpr std::size_t known_most = 128;

std::string end_of(const std::string& text, std::size_t most) {
    return text.size() <= most ? text : text.substr(text.size() - most);
}

}  // namespace

std::optional<NodeLog> NodeLogs::known_locked(const std::string& node) const {
    const auto found = known_.find(node);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
}

void NodeLogs::ask(const NodeId& head,
                   const nodewire::LogRequest& request,
                   Timestamp until,
                   Callback callback) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(request.node, Waiting{.until = until, .callback = std::move(callback)});
    auto& wishes = wishes_[head];
    const auto same = std::find_if(
        wishes.begin(), wishes.end(), [&](const auto& wish) { return wish.node == request.node; });
    if (same == wishes.end())
        wishes.push_back(request);
    else
        same->lines = std::max(same->lines, request.lines);
}

std::vector<nodewire::LogRequest> NodeLogs::take(const NodeId& head) {
    const std::lock_guard lock(mutex_);
    const auto found = wishes_.find(head);
    if (found == wishes_.end()) return {};
    auto wishes = std::move(found->second);
    wishes_.erase(found);
    return wishes;
}

void NodeLogs::came(const nodewire::LogReply& reply, Timestamp now) {
    LogAnswer answer{
        .log = NodeLog{.program = end_of(reply.program, nodewire::program_log_max),
                       .init_script = end_of(reply.init_script, nodewire::init_script_log_max),
                       .taken_at = now},
        .is_live = true};
    std::vector<Callback> callbacks;
    {
        const std::lock_guard lock(mutex_);
        const auto [first, last] = waiting_.equal_range(reply.node);
        // Nobody asked for it any more: what a machine sends unasked is not kept.
        if (first == last) return;
        for (auto at = first; at != last; ++at) callbacks.push_back(std::move(at->second.callback));
        waiting_.erase(first, last);
        known_[reply.node] = *answer.log;
        while (known_.size() > known_most)
            known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& a, auto& b) {
                return a.second.taken_at < b.second.taken_at;
            }));
    }
    for (const Callback& callback : callbacks) callback(answer);
}

void NodeLogs::expire(Timestamp now) {
    std::vector<std::pair<Callback, LogAnswer>> answers;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = waiting_.begin(); at != waiting_.end();) {
            if (now < at->second.until) {
                ++at;
                continue;
            }
            answers.emplace_back(std::move(at->second.callback),
                                 LogAnswer{.log = known_locked(at->first)});
            at = waiting_.erase(at);
        }
        // A wish that nobody waits for any more is not worth fetching.
        for (auto& [head, wishes] : wishes_)
            std::erase_if(wishes, [&](const auto& wish) { return !waiting_.contains(wish.node); });
        std::erase_if(wishes_, [](const auto& entry) { return entry.second.empty(); });
    }
    for (const auto& [callback, answer] : answers) callback(answer);
}

}  // namespace hopyard::control
