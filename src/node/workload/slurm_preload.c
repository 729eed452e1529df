/* Loaded into slurmctld by the dynamic linker (LD_PRELOAD): its state is written as soon as it has
 * changed, and not up to five seconds later.
 *
 * Slurm's thread that writes the state (state_save.c, "sstate") does so when difftime(now, the last
 * time) has reached five seconds, a constant of its source that no setting changes. For that thread
 * alone more time has passed. It writes one state after the other, so many changes while it writes
 * make one more state, and the slower the disk, the fewer. Where Slurm has no thread of that name
 * or asks in another way, this changes nothing. */
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { longest_wait_of_slurm_s = 5 };

double difftime(time_t end, time_t begin) {
    const double passed = (double)end - (double)begin;
    char thread[16] = "";
    prctl(PR_GET_NAME, thread);
    return strcmp(thread, "sstate") == 0 ? passed + longest_wait_of_slurm_s : passed;
}
