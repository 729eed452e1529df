// Keeps the runs of machines beside their rows: every put and erase of a machine's row passes
// through here in the same transaction, so that no writer can forget it and no crash can lose or
// double anything. Private to this module.
#pragma once

#include "store/store.h"

namespace hopyard::store {

/// The row is being written. Times are the row's own (`changed_at`): when the clock was set back,
/// a run begins where the one before it ended, and one never ends before it began.
Result<void> meter(Transaction& t, const model::Resource& row);

/// The row is being erased.
Result<void> meter_erasure(Transaction& t, const model::Resource& row);

}  // namespace hopyard::store
