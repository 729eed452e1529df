#include "decide/lifecycle/snapshot.h"

namespace hopyard::decide {

bool Sighting::gone_since(Timestamp time) const {
#ifdef HOPYARD_DEFECT_skip_second_read
    return listed_at > time && !listed;
#else
    return listed_at > time && !listed && read_at && *read_at > time && !read_exists;
#endif
}

bool Sighting::suspected_gone_since(Timestamp time) const {
    return listed_at > time && !listed;
}

bool Sighting::off_since(Timestamp time) const {
    return suspected_off_since(time) && read_at && *read_at >= listed_at && read_exists &&
           read_power == Power::off;
}

bool Sighting::suspected_off_since(Timestamp time) const {
    return listed_at > time && listed && listed_power == Power::off;
}

bool Sighting::on_since(Timestamp time) const {
    return suspected_on_since(time) && read_at && *read_at >= listed_at && read_exists &&
           read_power == Power::on;
}

bool Sighting::suspected_on_since(Timestamp time) const {
    return listed_at > time && listed && listed_power == Power::on;
}

}  // namespace hopyard::decide
