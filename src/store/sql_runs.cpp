// The rest of SqlTransaction: runs of machines, and decisions of the autoscaler.
#include <limits>

#include "store/sql_rows.h"
#include "store/sql_transaction.h"

namespace hopyard::store {

using model::MachineRun;
using soci::use;

Result<std::optional<MachineRun>> SqlTransaction::last_run(const ClusterId& cluster,
                                                           const std::string& machine) {
    return guarded([&] {
        return document<MachineRun>(sql_,
                                    "SELECT document FROM runs WHERE cluster = :c AND machine = :m "
                                    "ORDER BY started_at DESC LIMIT 1",
                                    model::machine_run_from_json,
                                    [&](soci::statement& s) {
                                        s.exchange(use(cluster.value));
                                        s.exchange(use(machine));
                                    });
    });
}

Result<std::vector<MachineRun>> SqlTransaction::runs(const RunQuery& query) {
    return guarded([&] {
        std::string text = "SELECT document FROM runs WHERE organisation = :o";
        if (query.cluster) text += " AND cluster = :c";
        if (query.until) text += " AND started_at < :u";
        if (query.from) text += " AND (ended_at IS NULL OR ended_at > :f)";
        if (query.of_present_clusters) text += " AND cluster IN (SELECT id FROM clusters)";
        text += " ORDER BY started_at, cluster, machine";
        const long long from = query.from ? ms(*query.from) : 0;
        const long long until = query.until ? ms(*query.until) : 0;
        return documents<MachineRun>(
            sql_, text, model::machine_run_from_json, [&](soci::statement& s) {
                s.exchange(use(query.organisation.value));
                if (query.cluster) s.exchange(use(query.cluster->value));
                if (query.until) s.exchange(use(until));
                if (query.from) s.exchange(use(from));
            });
    });
}

Result<void> SqlTransaction::put(const MachineRun& run) {
    return change([&]() -> Result<void> {
        const std::string text = model::to_json(run);
        const long long started_at = ms(run.started_at);
        const long long ended_at = run.ended_at ? ms(*run.ended_at) : 0;
        soci::indicator ended = run.ended_at ? soci::i_ok : soci::i_null;
        sql_ << "INSERT INTO runs (cluster, machine, started_at, ended_at, organisation, document) "
                "VALUES (:c, :m, :s, :e, :o, :d) ON CONFLICT (cluster, machine, started_at) "
                "DO UPDATE SET ended_at = excluded.ended_at, "
                "organisation = excluded.organisation, document = excluded.document",
            use(run.cluster.value), use(run.machine), use(started_at), use(ended_at, ended),
            use(run.organisation.value), use(text);
        return {};
    });
}

Result<void> SqlTransaction::append(model::DecisionRecord& record) {
    return change([&]() -> Result<void> {
        long long last = 0;
        sql_ << "SELECT COALESCE(MAX(number), 0) FROM decisions WHERE cluster = :c",
            use(record.cluster.value), soci::into(last);
        record.number = last + 1;
        const long long number = record.number;
        const long long oldest = number - model::decision_records_max;
        const std::string text = model::to_json(record);
        sql_ << "DELETE FROM decisions WHERE cluster = :c AND number <= :n",
            use(record.cluster.value), use(oldest);
        sql_ << "INSERT INTO decisions (cluster, number, document) VALUES (:c, :n, :d)",
            use(record.cluster.value), use(number), use(text);
        return {};
    });
}

Result<std::vector<model::DecisionRecord>> SqlTransaction::decisions(
    const ClusterId& cluster, std::optional<std::int64_t> before, int limit) {
    return guarded([&] {
        const long long below = before.value_or(std::numeric_limits<long long>::max());
        return documents<model::DecisionRecord>(
            sql_,
            "SELECT document FROM decisions WHERE cluster = :c AND number < :b "
            "ORDER BY number DESC LIMIT :l",
            model::decision_record_from_json,
            [&](soci::statement& s) {
                s.exchange(use(cluster.value));
                s.exchange(use(below));
                s.exchange(use(limit));
            });
    });
}

}  // namespace hopyard::store
