/* Loaded into slurmctld by the dynamic linker (LD_PRELOAD), for what no setting changes.
 *
 * Its state is written as soon as it has changed, and not up to five seconds later. Two things keep
 * Slurm (state_save.c, job_scheduler.c of 22.05) from that:
 *
 * - Its thread that writes ("sstate") does so when difftime(now, the last time) has reached five
 *   seconds. For that thread alone more time has passed. It writes one state after the other, so
 * many changes while it writes make one more state, and the slower the disk, the fewer.
 * - When a job's prolog has ended, nobody asks for the job to be written, and a controller that
 * reads the record from before launches it a second time. So whenever jobs have changed since the
 * last state was begun, another one is asked for. Slurm counts in seconds: within one of them it is
 * not known which came first, and a few states more than needed are written.
 *
 * And its first job does not wait longer than any other. Slurm reads SchedulerParameters when it
 * schedules for the first time; until then it waits for three seconds (controller.c), although
 * batch_sched_delay in our slurm.conf is one.
 *
 * Where Slurm has no thread of that name or not these functions, this changes nothing. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { longest_wait_of_slurm_s = 5, look_every_ms = 100, batch_sched_delay_s = 1 };

extern void schedule_job_save(void) __attribute__((weak));
extern volatile time_t last_job_update __attribute__((weak));
extern int batch_sched_delay __attribute__((weak));

static _Atomic time_t began;

__attribute__((constructor)) static void schedule_soon(void) {
    if (&batch_sched_delay) batch_sched_delay = batch_sched_delay_s;
}

static void* ask_again(void* unused) {
    prctl(PR_SET_NAME, "saves-again");
    const struct timespec pause = {.tv_nsec = look_every_ms * 1000000L};
    while (1) {
        nanosleep(&pause, NULL);
        if (last_job_update >= began) schedule_job_save();
    }
    return unused;
}

static void start_asking(void) {
    if (!schedule_job_save || !&last_job_update) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_t thread;
    if (pthread_create(&thread, NULL, ask_again, NULL) == 0) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

double difftime(time_t end, time_t begin) {
    const double passed = (double)end - (double)begin;
    char thread[16] = "";
    prctl(PR_GET_NAME, thread);
    if (strcmp(thread, "sstate") != 0) return passed;
    began = end;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_asking);
    return passed + longest_wait_of_slurm_s;
}
