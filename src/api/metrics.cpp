#include "api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace hopyard::api {
namespace {

const prometheus::Histogram::BucketBoundaries seconds_buckets = {
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

}  // namespace

struct Metrics::State {
    prometheus::Registry registry;
    prometheus::Family<prometheus::Counter>& requests =
        prometheus::BuildCounter()
            .Name("hopyard_http_requests_total")
            .Help("Requests answered, by method, route and status")
            .Register(registry);
    prometheus::Family<prometheus::Histogram>& durations =
        prometheus::BuildHistogram()
            .Name("hopyard_http_request_duration_seconds")
            .Help("Time to the answer, by method and route")
            .Register(registry);
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::count(const Answered& answered) {
    state_->requests
        .Add({{"method", answered.method},
              {"route", answered.route},
              {"status", std::to_string(answered.status)}})
        .Increment();
    state_->durations.Add({{"method", answered.method}, {"route", answered.route}}, seconds_buckets)
        .Observe(std::chrono::duration<double>(answered.took).count());
}

void Metrics::count(const std::string& name,
                    const std::string& help,
                    const std::map<std::string, std::string>& labels) {
    prometheus::BuildCounter()
        .Name("hopyard_" + name + "_total")
        .Help(help)
        .Register(state_->registry)
        .Add(labels)
        .Increment();
}

std::string Metrics::text(const std::vector<Gauge>& gauges) const {
    prometheus::Registry now;
    for (const Gauge& gauge : gauges)
        prometheus::BuildGauge()
            .Name(gauge.name)
            .Help(gauge.help)
            .Register(now)
            .Add(gauge.labels)
            .Set(gauge.value);
    auto families = now.Collect();
    const auto counters = state_->registry.Collect();
    families.insert(families.end(), counters.begin(), counters.end());
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace hopyard::api
