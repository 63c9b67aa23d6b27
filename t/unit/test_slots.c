/*
 * The slot table: who may do what to a slot, and what is left of whoever is
 * killed, at every point of what it does.
 */

/* link: -lpthread */

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "test.h"


/* Where a child is to die, and how often it passes there before. */

static const char  *deadly;
static int          passes;

static void
fault_point(const char *name)
{
    extern int raise(int);

    if (deadly && strcmp(name, deadly) == 0 && passes-- == 0) {
        raise(SIGKILL);
    }
}

#define ML_FAULT_POINT(name)  fault_point(name)

#include "ml_siphash.c"
#include "ml_process.c"
#include "ml_prediction.c"
#include "ml_slots.c"
#include "ml_slots_owner.c"


#define SLOTS  4
#define ROWS   2


static size_t            input_bytes[2] = { 12, 100 };
static size_t            output_bytes[1] = { 8 };
static ml_slots_shape_t  shape = {
    SLOTS, ROWS, 2, 1, input_bytes, output_bytes
};

static char             *table;
static ml_slots_t        slots;
static unsigned          kicks[ML_PROCESS_MAX];


static void
kick(void *data, unsigned entry)
{
    kicks[entry]++;
}


static int
never(void *data)
{
    return 0;
}


static int
at_once(void *data)
{
    return 1;
}


static void
begin(void)
{
    static const uint8_t  key[16] = { 1, 2, 3 };

    table = mmap(NULL, ml_slots_size(&shape), PROT_READ|PROT_WRITE,
                 MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (table == MAP_FAILED) {
        abort();
    }

    CHECK_INT(ml_slots_init(table, &shape, key), 0);
    CHECK_INT(ml_slots_open(&slots, table, &shape), 0);
    memset(kicks, 0, sizeof(kicks));
}


static void
end(void)
{
    ml_slots_close(&slots);
    (void) munmap(table, ml_slots_size(&shape));
}


/* A process that does something and dies there. */

static void
dies(const char *point, int after, void (*run)(void))
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        deadly = point;
        passes = after;
        run();
        _exit(1);
    }

    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status)
          && WTERMSIG(status) == SIGKILL);
}


static void
fill(uint32_t slot, int byte, uint32_t rows)
{
    slots.slots[slot].rows = rows;
    slots.slots[slot].deadline = UINT64_MAX;
    memset(ml_slots_input(&slots, slot, 0), byte, rows * 12);
    memset(ml_slots_input(&slots, slot, 1), byte + 1, rows * 100);
}


static int32_t
queued(unsigned entry, int byte)
{
    int32_t  slot;

    slot = ml_slots_take(&slots, entry);
    CHECK(slot >= 0);
    fill((uint32_t) slot, byte, ROWS);
    ml_slots_queue(&slots, (uint32_t) slot);
    ml_slots_ring(&slots);

    return slot;
}


static int
is_zero(uint32_t slot)
{
    size_t  i;

    for (i = 0; i < slots.stride; i++) {
        if (slots.tensors[slots.stride * slot + i] != 0) {
            return 0;
        }
    }

    return 1;
}


static void
test_shape(void)
{
    ml_slots_t        other;
    ml_slots_shape_t  s;

    static size_t  huge[1] = { SIZE_MAX / 2 };

    CHECK_INT(ml_slots_rows(100, 16), 16);
    CHECK_INT(ml_slots_rows(ML_SLOTS_BYTES / 4, 16), 4);
    CHECK_INT(ml_slots_rows(ML_SLOTS_BYTES + 1, 16), 1);
    CHECK_INT(ml_slots_rows(0, 16), 16);

    /* each tensor on 64 bytes: 24, 200 and 16 */
    CHECK_INT(ml_slots_stride(&shape), 64 + 256 + 64);

    s = shape;
    s.slots = 0;
    CHECK_INT(ml_slots_size(&s), 0);
    s.slots = ML_SLOTS_MAX;
    CHECK(ml_slots_size(&s) > 0);
    s.slots = ML_SLOTS_MAX + 1;
    CHECK_INT(ml_slots_size(&s), 0);

    s = shape;
    s.noutputs = 1;
    s.output_bytes = huge;
    CHECK_INT(ml_slots_stride(&s), 0);
    CHECK_INT(ml_slots_size(&s), 0);

    /* a table of another shape is not opened */

    begin();

    s = shape;
    s.rows = 1;
    CHECK_INT(ml_slots_open(&other, table, &s), -1);
    s = shape;
    s.slots = 3;
    CHECK_INT(ml_slots_open(&other, table, &s), -1);
    slots.shared->magic++;
    CHECK_INT(ml_slots_open(&other, table, &shape), -1);

    end();
}


static void
test_life(void)
{
    int       entry;
    int32_t   slot, i, taken[SLOTS];
    uint64_t  word, old;

    begin();

    entry = ml_slots_enter(&slots);
    CHECK(entry >= 0);
    CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
    CHECK_INT(kicks[entry], 1);
    CHECK_INT(ml_slots_look(&slots, (unsigned) entry), 1);
    CHECK_INT(slots.shared->epoch, 1);
    CHECK_INT(slots.shared->pid, getpid());
    CHECK(slots.shared->heartbeat != 0);

    slot = queued((unsigned) entry, 7);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_QUEUED), 1);

    word = ml_slots_load(&slots, (uint32_t) slot);
    CHECK_INT(ml_slots_start(&slots, (uint32_t) slot, word), ROWS);
    CHECK_INT(ml_slots_state(&slots, (uint32_t) slot), ML_SLOT_RUNNING);
    CHECK_INT(slots.slots[slot].attempts, 1);

    memset(ml_slots_output(&slots, (uint32_t) slot, 0), 9, ROWS * 8);
    CHECK_INT(ml_slots_finish(&slots, (uint32_t) slot), entry);
    CHECK_INT(ml_slots_state(&slots, (uint32_t) slot), ML_SLOT_DONE);

    /* one kick until it is looked */

    ml_slots_kick(&slots, (unsigned) entry, kick, NULL);
    ml_slots_kick(&slots, (unsigned) entry, kick, NULL);
    CHECK_INT(kicks[entry], 2);
    CHECK_INT(ml_slots_look(&slots, (unsigned) entry), 1);
    CHECK_INT(ml_slots_look(&slots, (unsigned) entry), 0);
    ml_slots_kick(&slots, (unsigned) entry, kick, NULL);
    CHECK_INT(kicks[entry], 3);

    CHECK_INT(ml_slots_cancel(&slots, (uint32_t) slot), ML_SLOT_DONE);
    ml_slots_free(&slots, (uint32_t) slot);
    CHECK(is_zero((uint32_t) slot));

    /* what was seen before is not what is there now */

    old = word;
    CHECK_INT(queued((unsigned) entry, 1), slot);
    CHECK_INT(ml_slots_start(&slots, (uint32_t) slot, old), 0);
    CHECK_INT(ml_slots_state(&slots, (uint32_t) slot), ML_SLOT_QUEUED);

    /* given up while it waits, and while it runs */

    CHECK_INT(ml_slots_cancel(&slots, (uint32_t) slot), ML_SLOT_QUEUED);
    CHECK_INT(ml_slots_state(&slots, (uint32_t) slot), ML_SLOT_FREE);
    CHECK(is_zero((uint32_t) slot));

    CHECK_INT(queued((unsigned) entry, 1), slot);
    word = ml_slots_load(&slots, (uint32_t) slot);
    CHECK_INT(ml_slots_start(&slots, (uint32_t) slot, word), ROWS);
    CHECK_INT(ml_slots_cancel(&slots, (uint32_t) slot), ML_SLOT_RUNNING);
    CHECK_INT(ml_slots_state(&slots, (uint32_t) slot), ML_SLOT_ABANDONED);

    /* nobody else gets it while it runs */

    for (i = 0; i < SLOTS - 1; i++) {
        taken[i] = ml_slots_take(&slots, (unsigned) entry);
        CHECK(taken[i] >= 0 && taken[i] != slot);
    }

    CHECK_INT(ml_slots_take(&slots, (unsigned) entry), -1);
    CHECK_INT(ml_slots_finish(&slots, (uint32_t) slot), -1);
    CHECK_INT(ml_slots_state(&slots, (uint32_t) slot), ML_SLOT_FREE);
    CHECK(is_zero((uint32_t) slot));

    while (i > 0) {
        ml_slots_free(&slots, (uint32_t) taken[--i]);
    }

    CHECK(ml_slots_used(&slots));
    CHECK(ml_slots_owned(&slots) && !ml_slots_awaited(&slots));

    ml_slots_disown(&slots);
    CHECK(!ml_slots_owned(&slots));
    ml_slots_leave(&slots, (unsigned) entry);
    CHECK(!ml_slots_used(&slots));
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);

    end();
}


/* A submitter, until it is killed: one of its slots in each state. */

static void
submits(void)
{
    int  entry;

    entry = ml_slots_enter(&slots);
    (void) queued((unsigned) entry, 40);
    (void) queued((unsigned) entry, 50);
    fault_point("end");
}


static void
test_dead_submitter(void)
{
    size_t    i;
    int       entry;
    int32_t   slot;
    uint64_t  word;

    static const char *const  points[] = {
        "taken", "written", "queued", "end"
    };

    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {

        begin();
        dies(points[i], i < 3, submits);
        CHECK(ml_slots_count(&slots, ML_SLOT_FREE) < SLOTS);

        /* whoever needs slots finds them */

        CHECK_INT(ml_slots_reap(&slots), 1);
        CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);

        for (slot = 0; slot < SLOTS; slot++) {
            CHECK(is_zero((uint32_t) slot));
        }

        CHECK_INT(ml_slots_reap(&slots), 0);
        end();
    }

    /* what runs is left to the owner; what is done is given back */

    begin();
    dies("end", 0, submits);
    CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
    ml_slots_disown(&slots);
    end();

    begin();
    dies("end", 0, submits);

    for (slot = 0; slot < 2; slot++) {
        word = ml_slots_load(&slots, (uint32_t) slot);
        CHECK_INT(ml_slots_start(&slots, (uint32_t) slot, word), ROWS);
    }

    CHECK(ml_slots_finish(&slots, 1) >= 0);
    CHECK_INT(ml_slots_reap(&slots), 1);
    CHECK_INT(ml_slots_state(&slots, 0), ML_SLOT_ABANDONED);
    CHECK_INT(ml_slots_state(&slots, 1), ML_SLOT_FREE);
    CHECK_INT(ml_slots_finish(&slots, 0), -1);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);

    /* the same entry is taken again, and only what is its own is reaped */

    entry = ml_slots_enter(&slots);
    CHECK_INT(entry, 0);
    (void) queued((unsigned) entry, 3);
    CHECK_INT(ml_slots_reap(&slots), 0);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_QUEUED), 1);
    ml_slots_leave(&slots, (unsigned) entry);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
    end();
}


/* An owner, until it is killed: takes all that is queued. */

static void
owns(void)
{
    int       entry;
    uint32_t  i;
    uint64_t  word;

    if (ml_slots_own(&slots, never, kick, NULL) != 0) {
        return;
    }

    for (i = 0; i < SLOTS; i++) {
        word = ml_slots_load(&slots, i);

        if (ml_slots_word_state(word) == ML_SLOT_QUEUED) {
            (void) ml_slots_start(&slots, i, word);
        }
    }

    fault_point("running");

    /* submitters have looked since the owner began */
    (void) ml_slots_look(&slots, 0);

    for (i = 0; i < SLOTS; i++) {
        if (ml_slots_state(&slots, i) == ML_SLOT_RUNNING) {
            entry = ml_slots_finish(&slots, i);
            ml_slots_kick(&slots, (unsigned) entry, kick, NULL);
        }
    }
}


static void
test_dead_owner(void)
{
    int       entry;
    int32_t   one, two;
    size_t    i;
    unsigned  before;

    static const struct {
        const char      *point;
        int              after;
        ml_slot_state_e  one;       /* after a new owner has begun */
        unsigned         attempts;
    } deaths[] = {
        { "seen", 0, ML_SLOT_QUEUED, 0 },
        { "started", 0, ML_SLOT_QUEUED, 1 },
        { "running", 0, ML_SLOT_QUEUED, 1 },
        { "done", 0, ML_SLOT_DONE, 1 },
        { "notified", 0, ML_SLOT_DONE, 1 }
    };

    for (i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {

        begin();
        entry = ml_slots_enter(&slots);
        one = queued((unsigned) entry, 20);
        two = queued((unsigned) entry, 30);

        dies(deaths[i].point, deaths[i].after, owns);
        before = kicks[entry];

        CHECK(!ml_slots_owned(&slots));
        CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
        CHECK_INT(ml_slots_state(&slots, (uint32_t) one), deaths[i].one);
        CHECK_INT(slots.slots[one].attempts, deaths[i].attempts);
        CHECK_INT(ml_slots_state(&slots, (uint32_t) two), ML_SLOT_QUEUED);
        CHECK_INT(slots.shared->running, 0);

        /* whatever had become of the last one's kick */

        CHECK_INT(kicks[entry], before + 1);
        CHECK_INT(ml_slots_look(&slots, (unsigned) entry), 1);
        ml_slots_disown(&slots);
        ml_slots_leave(&slots, (unsigned) entry);
        CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
        end();
    }

    /* what was abandoned when the owner died is freed by the next one */

    begin();
    entry = ml_slots_enter(&slots);
    one = queued((unsigned) entry, 20);
    dies("running", 0, owns);
    CHECK_INT(ml_slots_cancel(&slots, (uint32_t) one), ML_SLOT_RUNNING);
    CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
    CHECK(is_zero((uint32_t) one));
    ml_slots_disown(&slots);
    ml_slots_leave(&slots, (unsigned) entry);
    end();
}


static void
test_poison(void)
{
    int       entry;
    int32_t   slot;
    uint64_t  now, left;

    begin();
    entry = ml_slots_enter(&slots);
    slot = queued((unsigned) entry, 66);

    dies("running", 0, owns);
    dies("running", 0, owns);
    CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
    CHECK_INT(ml_slots_state(&slots, (uint32_t) slot), ML_SLOT_DONE);
    CHECK_INT(slots.slots[slot].status, ML_SLOT_POISON);
    ml_slots_free(&slots, (uint32_t) slot);

    /* its like is refused for a while, and nothing else is */

    now = ml_monotonic_ns();
    slot = ml_slots_take(&slots, (unsigned) entry);
    CHECK_INT(slots.slots[slot].status, ML_SLOT_OK);
    CHECK_INT(slots.slots[slot].attempts, 0);

    fill((uint32_t) slot, 66, ROWS);
    left = ml_slots_quarantined(&slots, (uint32_t) slot, now);
    CHECK(left > ML_SLOTS_QUARANTINE_NS / 2
          && left <= ML_SLOTS_QUARANTINE_NS);
    CHECK_INT(ml_slots_quarantined(&slots, (uint32_t) slot, now + left), 0);

    fill((uint32_t) slot, 66, 1);
    CHECK_INT(ml_slots_quarantined(&slots, (uint32_t) slot, now), 0);

    fill((uint32_t) slot, 66, ROWS);
    ((char *) ml_slots_input(&slots, (uint32_t) slot, 1))[99]++;
    CHECK_INT(ml_slots_quarantined(&slots, (uint32_t) slot, now), 0);

    /* the same bytes in the other input, as far as they go */

    fill((uint32_t) slot, 66, ROWS);
    memset(ml_slots_input(&slots, (uint32_t) slot, 0), 67, ROWS * 12);
    CHECK_INT(ml_slots_quarantined(&slots, (uint32_t) slot, now), 0);

    ml_slots_disown(&slots);
    ml_slots_leave(&slots, (unsigned) entry);
    end();
}


/* More kinds of poison than are remembered: the oldest is forgotten. */

static void
test_quarantine_full(void)
{
    int       entry, i;
    int32_t   slot;
    uint64_t  now;

    begin();
    entry = ml_slots_enter(&slots);
    slot = ml_slots_take(&slots, (unsigned) entry);
    now = ml_monotonic_ns();

    for (i = 0; i <= ML_SLOTS_QUARANTINE; i++) {
        fill((uint32_t) slot, i, ROWS);
        ml_slots_quarantine(&slots, (uint32_t) slot, now + (uint64_t) i);
    }

    /* again: it takes no second place */
    ml_slots_quarantine(&slots, (uint32_t) slot, now + (uint64_t) i);

    for (i = 0; i <= ML_SLOTS_QUARANTINE; i++) {
        fill((uint32_t) slot, i, ROWS);
        CHECK_INT(ml_slots_quarantined(&slots, (uint32_t) slot, now) != 0,
                  i != 0);
    }

    ml_slots_free(&slots, (uint32_t) slot);
    ml_slots_leave(&slots, (unsigned) entry);
    end();
}


/* Another process owns: who waits can give up, and is seen to wait. */

static void
test_waiting(void)
{
    int    status, ready[2], leave[2];
    char   c;
    pid_t  pid;

    begin();

    if (pipe(ready) != 0 || pipe(leave) != 0) {
        abort();
    }

    pid = fork();

    if (pid == 0) {
        c = ml_slots_own(&slots, never, kick, NULL) == 0;
        _exit(write(ready[1], &c, 1) != 1 || read(leave[0], &c, 1) != 1);
    }

    CHECK(read(ready[0], &c, 1) == 1 && c == 1);
    CHECK(ml_slots_owned(&slots) && !ml_slots_awaited(&slots));
    CHECK_INT(ml_slots_own(&slots, at_once, kick, NULL), 1);
    CHECK(!ml_slots_awaited(&slots));

    /* it ends without a word, and the lock is free */

    CHECK(write(leave[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
    CHECK_INT(slots.shared->epoch, 2);
    ml_slots_disown(&slots);

    (void) close(ready[0]);
    (void) close(ready[1]);
    (void) close(leave[0]);
    (void) close(leave[1]);
    end();
}


/* A process that writes nonsense leads nobody out of its memory. */

static void
test_nonsense(void)
{
    int      entry;
    int32_t  slot;

    begin();
    entry = ml_slots_enter(&slots);
    slot = ml_slots_take(&slots, (unsigned) entry);

    slots.slots[slot].rows = UINT32_MAX;
    CHECK_INT(ml_slots_rows_of(&slots, (uint32_t) slot), ROWS);
    slots.slots[slot].rows = 0;
    CHECK_INT(ml_slots_rows_of(&slots, (uint32_t) slot), 1);

    slots.slots[slot].rows = UINT32_MAX;
    ml_slots_free(&slots, (uint32_t) slot);
    ml_slots_leave(&slots, (unsigned) entry);
    end();
}


int
main(void)
{
    test_shape();
    test_life();
    test_dead_submitter();
    test_dead_owner();
    test_poison();
    test_quarantine_full();
    test_waiting();
    test_nonsense();

    return TEST_END;
}
