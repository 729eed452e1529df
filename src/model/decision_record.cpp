#include "model/decision_record.h"

#include "model/stored_document.h"

namespace hopyard::model {

void members_of(auto& fields, is<DecisionRecord> auto& record) {
    fields.get("number", record.number)
        .get("cluster", record.cluster)
        .get("organisation", record.organisation)
        .get("at", record.at)
        .get("situation", record.situation_json)
        .get("decision", record.decision_json);
}

std::string to_json(const DecisionRecord& record) {
    return document_of(record);
}

Result<DecisionRecord> decision_record_from_json(std::string_view text) {
    return read_document<DecisionRecord>(text, "decision of the autoscaler");
}

}  // namespace hopyard::model
