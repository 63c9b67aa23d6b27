/* link: -lm -lpthread */

/* What lives in the zone: counters, and which processes are alive. */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "ml_text.c"
#include "ml_siphash.c"
#include "ml_metrics.c"
#include "ml_process.c"

#include "test.h"


static uint64_t  *counted;          /* per process entry, shared */


static void
reap(void *data, unsigned index)
{
    counted[index] = 0;
}


static void *
shared(size_t size)
{
    return mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                -1, 0);
}


static void
test_metrics(void)
{
    int            i, status;
    char           labels[32];
    void          *memory;
    ml_text_t      text;
    ml_counter_t  *a, *b;
    ml_metrics_t  *metrics;

    static const ml_metric_family_t  family = {
        "ml_x_total", "counter", "X."
    };

    memory = shared(64 * 1024);
    metrics = ml_metrics_init(memory, 64 * 1024);

    CHECK(ml_metrics_init(memory, 100) == NULL);
    metrics = ml_metrics_init(memory, 64 * 1024);

    a = ml_metrics_counter(metrics, "ml_x_total", "k=\"1\"");
    b = ml_metrics_counter(metrics, "ml_x_total", "k=\"2\"");
    CHECK(a != b);
    CHECK(a == ml_metrics_counter(metrics, "ml_x_total", "k=\"1\""));

    /* a family that begins like another one is another one */
    CHECK(a != ml_metrics_counter(metrics, "ml_x_total_more", "k=\"1\""));

    *a += 5;

    ml_text_init(&text);
    ml_metrics_render(metrics, &text, &family);
    ml_text_append(&text, "", 1);
    CHECK(strstr(text.data, "# TYPE ml_x_total counter\n") != NULL);
    CHECK(strstr(text.data, "ml_x_total{k=\"1\"} 5\n") != NULL);
    CHECK(strstr(text.data, "ml_x_total_more") == NULL);
    text.len = 0;

    ml_metrics_label(&text, "a\"b\\c\nd", 7);
    ml_text_append(&text, "", 1);
    CHECK_STR(text.data, "\"a\\\"b\\\\c\\nd\"");
    ml_text_free(&text);

    /* two processes that race for the same new counters share them */

    for (i = 0; i < 2; i++) {
        if (fork() == 0) {
            int  n;

            for (n = 0; n < 20000; n++) {
                (void) snprintf(labels, sizeof(labels), "n=\"%d\"", n % 97);
                (*ml_metrics_counter(metrics, "ml_race_total", labels))++;
            }

            _exit(0);
        }
    }

    while (wait(&status) > 0) {
        CHECK_INT(status, 0);
    }

    {
        int       n;
        uint64_t  sum;

        sum = 0;

        for (n = 0; n < 97; n++) {
            (void) snprintf(labels, sizeof(labels), "n=\"%d\"", n);
            sum += *ml_metrics_counter(metrics, "ml_race_total", labels);
        }

        CHECK_INT(sum, 40000);
    }

    /* a full table counts on in one place, and says so */

    for (i = 0; i < 1000; i++) {
        (void) snprintf(labels, sizeof(labels), "f=\"%d\"", i);
        (*ml_metrics_counter(metrics, "ml_full_total", labels))++;
    }

    CHECK(ml_metrics_overflow(metrics) > 0);
    CHECK_INT(*a, 5);

    (void) munmap(memory, 64 * 1024);
}


static void
test_processes(void)
{
    int              fd[2], index, status;
    char             byte;
    pid_t            pid;
    ml_processes_t  *processes;

    processes = shared(ml_processes_size());
    counted = shared(ML_PROCESS_MAX * sizeof(uint64_t));

    CHECK_INT(ml_processes_init(processes), 0);

    CHECK_INT(ml_processes_alive(processes, reap, NULL), 0);

    index = ml_processes_claim(processes, reap, NULL);
    CHECK_INT(index, 0);
    CHECK_INT(ml_processes_alive(processes, reap, NULL), 1);
    CHECK_INT(ml_processes_bound(processes), 1);
    counted[0] = 7;

    CHECK_INT(pipe(fd), 0);

    pid = fork();

    if (pid == 0) {
        index = ml_processes_claim(processes, reap, NULL);
        counted[index] = 3;
        (void) !write(fd[1], "x", 1);
        for ( ;; ) {
            pause();
        }
    }

    CHECK_INT(read(fd[0], &byte, 1), 1);
    CHECK_INT(counted[1], 3);
    CHECK_INT(ml_processes_bound(processes), 2);

    /* the living are left alone, stopped or not */

    CHECK_INT(ml_processes_reap(processes, reap, NULL), 0);
    (void) kill(pid, SIGSTOP);
    CHECK_INT(ml_processes_reap(processes, reap, NULL), 0);
    CHECK_INT(counted[1], 3);

    /* what a killed process counted is gone, once */

    (void) kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(ml_processes_reap(processes, reap, NULL), 1);
    CHECK_INT(counted[1], 0);
    CHECK_INT(counted[0], 7);
    CHECK_INT(ml_processes_reap(processes, reap, NULL), 0);

    /* a new process may take the entry without anybody reaping it before */

    pid = fork();

    if (pid == 0) {
        index = ml_processes_claim(processes, reap, NULL);
        counted[index] = 9;
        _exit(index == 1 ? 0 : 1);
    }

    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(counted[1], 9);

    pid = fork();

    if (pid == 0) {
        index = ml_processes_claim(processes, reap, NULL);
        _exit(index == 1 && counted[1] == 0 ? 0 : 1);
    }

    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);

    /* an orderly exit leaves nothing */

    ml_processes_release(processes, 0, reap, NULL);
    CHECK_INT(counted[0], 0);
    CHECK_INT(ml_processes_alive(processes, reap, NULL), 0);
    CHECK_INT(ml_processes_claim(processes, reap, NULL), 0);
    ml_processes_release(processes, 0, reap, NULL);
}


int
main(void)
{
    test_metrics();
    test_processes();

    return TEST_END;
}
