#include "apps/account_loops.h"

#include "base/log.h"

namespace hopyard::apps {

AccountLoops::AccountLoops(store::Store& store,
                           Connections& connections,
                           control::CallRunner& runner,
                           const Clock& clock,
                           Random& random,
                           control::LoopOptions options)
    : store_(store),
      connections_(connections),
      runner_(runner),
      clock_(clock),
      random_(random),
      options_(std::move(options)) {}

AccountLoops::~AccountLoops() {
    stop();
}

void AccountLoops::wake() {
    const std::lock_guard lock(mutex_);
    for (auto& [key, running] : running_) running.loops->wake();
}

void AccountLoops::wake_for(const ClusterId& cluster) {
    const std::lock_guard lock(mutex_);
    for (auto& [key, running] : running_) running.loops->wake_for(cluster);
}

void AccountLoops::start() {
    {
        const std::lock_guard lock(mutex_);
        started_ = true;
    }
    follow_accounts();
}

void AccountLoops::begin(const model::CloudAccountKey& key, std::shared_ptr<CloudLink> link) {
    control::LoopOptions options = options_;
    options.account = key;
    auto loops = std::make_unique<control::Loops>(store_,
                                                  link->connection.cloud(),
                                                  link->connection.storage(),
                                                  runner_,
                                                  clock_,
                                                  random_,
                                                  std::move(options));
    if (told_) loops->on_change(told_);
    control::Loops* carried = loops.get();
    Running& running = running_[key];
    running = {.link = std::move(link), .loops = std::move(loops), .thread = {}};
    running.thread = std::jthread([carried](std::stop_token stop) {
        while (!stop.stop_requested()) carried->wait(carried->step(), stop);
        carried->release();
    });
}

void AccountLoops::end(Running running) {
    running.thread = {};
    ended_.push_back(std::move(running));
}

void AccountLoops::forget_ended() {
    std::erase_if(ended_, [](const Running& running) {
        return running.loops->status().calls_under_way == 0;
    });
}

void AccountLoops::follow_accounts() {
    std::vector<model::CloudAccountKey> wanted = {{}};
    const auto read = store_.read([&](store::Transaction& t) -> Result<void> {
        wanted.resize(1);
        ASSIGN_OR_RETURN(const auto accounts, t.cloud_accounts());
        for (const model::CloudAccount& account : accounts)
            wanted.push_back({.organisation = account.organisation, .name = account.name});
        return {};
    });
    if (!read)
        return log::warning("the cloud accounts could not be read",
                            {{"error", read.error().message}});
    std::map<model::CloudAccountKey, std::shared_ptr<CloudLink>> links;
    for (const model::CloudAccountKey& key : wanted) {
        auto link = connections_.link(key);
        if (link)
            links.emplace(key, std::move(*link));
        else
            log::warning("a cloud account cannot be used",
                         {{"account", key.name}, {"error", link.error().message}});
    }
    const std::lock_guard lock(mutex_);
    if (!started_) return;
    for (auto it = running_.begin(); it != running_.end();) {
        const auto link = links.find(it->first);
        const bool same = link != links.end() && link->second == it->second.link;
        if (!same) end(std::move(it->second));
        it = same ? std::next(it) : running_.erase(it);
    }
    for (auto& [key, link] : links)
        if (!running_.contains(key)) begin(key, std::move(link));
    forget_ended();
}

void AccountLoops::stop() {
    const std::lock_guard lock(mutex_);
    started_ = false;
    for (auto& [key, running] : running_) running.thread.request_stop();
    for (auto& [key, running] : running_) end(std::move(running));
    running_.clear();
}

std::vector<AccountLoops::Status> AccountLoops::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<Status> all;
    for (const auto& [key, running] : running_)
        all.push_back({.account = key, .loops = running.loops->status()});
    return all;
}

}  // namespace hopyard::apps
