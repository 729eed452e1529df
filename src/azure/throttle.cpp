#include "azure/throttle.h"

#include <algorithm>

#include "base/encoding.h"

namespace hopyard::azure {
namespace {

/// The path segment after the last occurrence of that one ("" when there is none).
std::string segment_after(const std::string& path, std::string_view before) {
    const auto found = path.rfind(before);
    if (found == std::string::npos) return {};
    const auto start = found + before.size();
    return path.substr(start, path.find_first_of("/?", start) - start);
}

}  // namespace

Bucket bucket_of(std::string_view method, std::string_view url, bool is_poll) {
    const std::string path = to_lower(url.substr(0, url.find('?')));
    Bucket bucket{.subscription = segment_after(path, "/subscriptions/"),
                  .provider = segment_after(path, "/providers/")};
    if (is_poll)
        bucket.traffic = Traffic::look;
    else if (method == "GET" || method == "HEAD")
        bucket.traffic = Traffic::read;
    else if (method == "DELETE")
        bucket.traffic = Traffic::remove;
    else if (method == "POST")
        bucket.traffic = Traffic::act;
    else
        bucket.traffic = Traffic::write;
    return bucket;
}

void Throttle::hold(const Bucket& bucket, Timestamp until) {
    const std::lock_guard lock(mutex_);
    Timestamp& end = until_.try_emplace(bucket, until).first->second;
    end = std::max(end, until);
}

std::optional<Milliseconds> Throttle::held(const Bucket& bucket, Timestamp now) const {
    Bucket all = bucket;
    all.provider = "*";
    const std::lock_guard lock(mutex_);
    std::optional<Milliseconds> wait;
    for (const Bucket& one : {bucket, all}) {
        const auto found = until_.find(one);
        if (found == until_.end() || found->second <= now) continue;
        wait = std::max(wait.value_or(Milliseconds(0)), found->second - now);
    }
    return wait;
}

}  // namespace hopyard::azure
