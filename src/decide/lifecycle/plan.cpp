#include "decide/lifecycle/plan.h"

#include "decide/lifecycle/draft.h"

namespace hopyard::decide {

Plan plan(const Snapshot& snapshot) {
    Draft draft(snapshot);
    note_losses(draft);
    update_node_phases(draft);
    switch (draft.cluster.wanted) {
        case model::Wanted::running:
            intend_running(draft);
            break;
        case model::Wanted::stopped:
            intend_stopped(draft);
            break;
        case model::Wanted::terminated:
            intend_terminated(draft);
            break;
    }
    let_drained_go(draft);
    if (draft.cluster.wanted == model::Wanted::running) {
        provide_shared(draft);
        provide_nodes(draft);
    }
    remove_unwanted(draft);
    if (!draft.erases_cluster()) update_cluster(draft);
    return draft.finish();
}

}  // namespace hopyard::decide
