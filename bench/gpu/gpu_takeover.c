/*
 * gpu_takeover BACKEND.so BUILD [ARGUMENT] [--quick]
 *
 * The owner of a device is killed again and again while it copies and
 * computes, and the next one takes over: every job is answered, right, and no
 * slot is lost.  The rows are so large that most of a run is copies.  Then it
 * is killed while another process fills the device: the next one loads when
 * there is room again.
 *
 * This process submits and never calls CUDA, as a worker; its children are
 * the owners, one after another.  See ml_slots.h and ml_device.h.
 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"
#include "onnx_writer.h"
#include "ml_device.h"
#include "ml_submitter.h"

#include "gpu_check.h"


#define COLUMNS   262144            /* 1 MB a row */
#define BATCH     16
#define SLOTS     48
#define JOBS      32                /* under way */

/* answers of an owner before it may be killed: those that the last one ran
 * are run alone, and to be killed with them again would be their second time
 */
#define ANSWERS   64


typedef struct {
    ml_job_t   *job;
    uint64_t    seed;
    int64_t     rows;
} request_t;


static const char        *file, *build, *argument;
static ml_model_t        *model;
static ml_slots_shape_t   shape;
static char              *table;
static int                event;
static _Atomic int       *quit;             /* and whether it is full */

static size_t             bytes[1] = { COLUMNS * sizeof(float) };
static uint64_t           seeds;
static unsigned long      answered, wrong, lost;


static void
kick(void *data, unsigned entry)
{
    uint64_t  one;

    one = 1;

    if (write(event, &one, sizeof(one)) != sizeof(one)) {
        /* it is readable already */
    }
}


static void
told(void *data)
{
}


/* A child: owns the device until it is killed, or told to quit. */

static void
own(void)
{
    char                  text[ML_DEVICE_TEXT_SIZE];
    ml_slots_t            slots;
    ml_device_t          *device;
    pthread_mutex_t       turn = PTHREAD_MUTEX_INITIALIZER;
    ml_device_level_e     level;
    ml_device_options_t   options;

    if (ml_slots_open(&slots, table, &shape) != 0) {
        _exit(2);
    }

    memset(&options, 0, sizeof(options));

    options.model = model;
    options.slots = &slots;
    options.batch = BATCH;
    options.hang_ns = (uint64_t) 60 * 1000000000;
    options.backend = file;
    options.argument = argument;
    options.build = build;
    options.turn = &turn;
    options.replaced = 1;
    options.kick = kick;
    options.told = told;

    device = ml_device_start(&options, text, sizeof(text));

    if (device == NULL) {
        _exit(2);
    }

    while (!*quit) {
        if (ml_device_beat(device) != 0) {
            _exit(1);
        }

        while (ml_device_said(device, &level, text)) {
            if (level == ML_DEVICE_ERROR) {
                printf("device process: %s\n", text);
                fflush(stdout);
            }
        }

        (void) usleep(20000);
    }

    _exit(ml_device_stop(device, 10000) == 0 ? 0 : 3);
}


static pid_t
start(void)
{
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        own();
    }

    return pid;
}


/* A child: holds nearly all memory of the device until it is killed. */

static pid_t
fill(void)
{
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        quit[1] = gpu_memory_open(argument)
                  && gpu_memory_take((size_t) 200 << 20) ? 1 : -1;
        (void) pause();
        _exit(0);
    }

    while (quit[1] == 0) {
        (void) usleep(1000);
    }

    return pid;
}


/* Row values that tell the job and the place, of both signs. */

static float
value(uint64_t seed, uint64_t i)
{
    return (float) ((int64_t) ((seed * 7919 + i * 31) % 2001) - 1000);
}


static int
submit(ml_executor_t *executor, request_t *request)
{
    float       *data;
    ml_job_t    *job;
    uint64_t     i, n;

    job = ml_job_create(1, 1);

    if (job == NULL) {
        abort();
    }

    request->seed = ++seeds;
    request->rows = 1 + (int64_t) (seeds * 2654435761u >> 16) % 2;
    n = (uint64_t) request->rows * COLUMNS;

    data = malloc(n * sizeof(float));

    if (data == NULL) {
        abort();
    }

    for (i = 0; i < n; i++) {
        data[i] = value(request->seed, i);
    }

    job->inputs[0] = data;
    job->rows = request->rows;
    job->submitted = ml_monotonic_ns();
    job->deadline = job->submitted + (uint64_t) 120 * 1000000000;
    job->data = request;

    if (executor->ops->submit(executor, job) != ML_SUBMIT_QUEUED) {
        ml_job_free(job);
        return 0;
    }

    request->job = job;

    return 1;
}


static void
take(ml_executor_t *executor)
{
    float      *data, want;
    uint64_t    i;
    ml_job_t   *job, *next;
    request_t  *request;

    for (job = executor->ops->completed(executor); job; job = next) {

        next = job->next;
        request = job->data;
        answered++;

        if (job->status != ML_JOB_OK) {
            printf("a job is lost: status %d, %s\n", (int) job->status,
                   job->error);
            lost++;

        } else {
            data = job->outputs[0];

            for (i = 0; i < (uint64_t) request->rows * COLUMNS; i++) {
                want = value(request->seed, i);

                if (data[i] != (want < 0 ? 0 : want)) {
                    wrong++;
                    break;
                }
            }
        }

        ml_job_free(job);
        request->job = NULL;
    }
}


/* Keeps jobs under way, until that many more are answered or time is out. */

static int
serve(ml_executor_t *executor, request_t *requests, unsigned jobs,
    unsigned long more, unsigned seconds)
{
    unsigned        i, waiting;
    uint64_t        count, until;
    unsigned long   want;
    struct pollfd   fd = { event, POLLIN, 0 };

    want = answered + more;
    until = ml_monotonic_ns() + (uint64_t) seconds * 1000000000;

    do {
        for (i = 0, waiting = 0; i < jobs; i++) {
            if (requests[i].job == NULL && !submit(executor, &requests[i])) {
                break;
            }
        }

        if (poll(&fd, 1, 100) == 1
            && read(event, &count, sizeof(count)) != sizeof(count))
        {
            /* somebody else's wake-up */
        }

        take(executor);

        for (i = 0; i < JOBS; i++) {
            waiting += requests[i].job != NULL;
        }

        if (jobs == 0 && waiting == 0) {
            return 1;
        }

    } while ((jobs == 0 || answered < want) && ml_monotonic_ns() < until);

    return jobs != 0 && answered >= want;
}


int
main(int argc, char **argv)
{
    int             i, status, kills, failed, skipped;
    char            error[ML_SLOTS_ERROR_SIZE];
    pid_t           pid, other;
    double          seconds;
    uint64_t        began;
    writer_t        g = { NULL, 0, 0 }, w = { NULL, 0, 0 };
    request_t       requests[JOBS];
    ml_slots_t      slots;
    ml_executor_t  *executor;

    static const uint8_t  key[16] = { 1 };

    if (argc < 3) {
        fprintf(stderr, "usage: gpu_takeover BACKEND.so BUILD [ARGUMENT] "
                        "[--quick]\n");
        return 2;
    }

    file = argv[1];
    build = argv[2];
    kills = 20;
    failed = skipped = 0;
    seconds = 0;

    for (i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            kills = 5;

        } else {
            argument = argv[i];
        }
    }

    writer_rows(&g, 11, "x", COLUMNS);
    writer_rows(&g, 12, "y", COLUMNS);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_model(&w, &g, 13);

    model = ml_model_read(w.data, w.len, error, sizeof(error));

    shape.slots = SLOTS;
    shape.rows = 2;
    shape.ninputs = 1;
    shape.noutputs = 1;
    shape.input_bytes = bytes;
    shape.output_bytes = bytes;

    table = mmap(NULL, ml_slots_size(&shape), PROT_READ|PROT_WRITE,
                 MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    quit = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                -1, 0);
    event = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

    if (model == NULL || table == MAP_FAILED || quit == MAP_FAILED
        || event == -1
        || ml_slots_init(table, &shape, key) != 0
        || ml_slots_open(&slots, table, &shape) != 0)
    {
        fprintf(stderr, "cannot begin\n");
        return 1;
    }

    memset(requests, 0, sizeof(requests));
    executor = ml_submitter_create(&slots, error, sizeof(error));

    if (executor == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }

    srandom(1);
    pid = start();

    for (i = 0; i < kills; i++) {

        began = ml_monotonic_ns();

        if (!serve(executor, requests, JOBS, ANSWERS, 60)) {
            printf("failed: no answers after %d kills\n", i);
            failed++;
            break;
        }

        seconds += (double) (ml_monotonic_ns() - began) * 1e-9;

        (void) usleep((useconds_t) (random() % 3000));
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        pid = start();
    }

    if (strstr(file, "cuda") == NULL) {
        printf("skipped: no device that can be full\n");
        skipped++;

    } else {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        other = fill();
        pid = start();

        /* more than it takes to load when there is room */

        if (quit[1] != 1 || serve(executor, requests, JOBS, ANSWERS, 5)) {
            printf("failed: the device was not full\n");
            failed++;
        }

        kill(other, SIGKILL);
        waitpid(other, &status, 0);

        if (!serve(executor, requests, JOBS, ANSWERS, 60)) {
            printf("failed: no answers after the device was full\n");
            failed++;
        }
    }

    if (!serve(executor, requests, 0, 0, 60)) {
        printf("failed: jobs are left\n");
        failed++;
    }

    if (wrong || lost) {
        printf("failed: %lu wrong, %lu lost\n", wrong, lost);
        failed++;
    }

    *quit = 1;
    waitpid(pid, &status, 0);

    if (status != 0) {
        printf("failed: the last owner ended with %d\n", status);
        failed++;
    }

    if (ml_slots_count(&slots, ML_SLOT_FREE) != SLOTS) {
        printf("failed: %u of %u slots are free\n",
               ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
        failed++;
    }

    printf("%d kills, %lu answers, %lu wrong, %lu lost; from a start to %d "
           "answers %.2f s\n", kills, answered, wrong, lost, ANSWERS,
           kills ? seconds / kills : 0);
    printf("%d passed, %d failed, %d skipped\n", 7 - failed - 2 * skipped,
           failed, skipped);

    (void) executor->ops->close(executor, 1000);
    writer_free(&w);

    return failed != 0;
}
