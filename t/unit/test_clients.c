/* link: -lpthread */

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ml_clients.c"
#include "ml_charges.c"
#include "ml_gcra.c"
#include "test.h"


#define SIZE       (1024 * 1024)
#define SMALL      (sizeof(ml_clients_header_t) + 2 * 16 * 128)
#define PROCESSES  4
#define NOW        (1000 * ML_GCRA_SECOND)


static void *
region(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
             0);
    if (p == MAP_FAILED) {
        exit(2);
    }

    return p;
}


static ml_client_key_t
client(ml_client_kind_e kind, uint64_t n)
{
    ml_client_key_t  key;

    key.kind = kind;
    key.hash[0] = n * 0x9e3779b97f4a7c15ULL;
    key.hash[1] = n;

    return key;
}


static void
test_layout(void)
{
    void          *p;
    ml_clients_t   clients, again;

    p = region(SIZE);

    CHECK_INT(ml_clients_init(&clients, p, 100, 1), -1);
    CHECK_INT(ml_clients_init(&clients, p, SMALL - 1, 1), -1);
    CHECK_INT(ml_clients_init(&clients, p, SIZE, 0), -1);
    CHECK_INT(ml_clients_init(&clients, p, SIZE, 1), 0);
    CHECK_INT(ml_clients_init(&again, p, SIZE, 0), 0);
    CHECK(again.entries[0] == clients.entries[0]);
    CHECK_INT(ml_clients_init(&again, p, SIZE / 2, 0), -1);

    CHECK((uintptr_t) clients.entries[0] % 128 == 0);
    CHECK((char *) (clients.entries[1] + clients.nsets * ML_CLIENTS_WAYS)
          <= (char *) p + SIZE);
    CHECK(ml_clients_capacity(&clients) * 128 > SIZE * 9 / 10);

    (void) munmap(p, SIZE);
}


static void
test_find(void)
{
    void             *p;
    ml_clients_t      clients;
    ml_client_key_t   a, b;
    ml_client_ref_t   ref, same;

    p = region(SIZE);
    CHECK_INT(ml_clients_init(&clients, p, SIZE, 1), 0);

    a = client(ML_CLIENT_ANONYMOUS, 1);
    b = client(ML_CLIENT_PROVEN, 1);

    CHECK_INT(ml_clients_find(&clients, &a, &ref), -1);
    CHECK_INT(ml_clients_obtain(&clients, &a, NOW, &ref), 0);
    CHECK_INT(ref.client->bucket[ML_CLIENT_TOKENS], NOW);
    CHECK_INT(ml_clients_find(&clients, &a, &same), 0);
    CHECK(same.client == ref.client && same.sequence == ref.sequence);
    CHECK_INT(ml_clients_obtain(&clients, &a, NOW + 1, &same), 0);
    CHECK(same.client == ref.client);
    CHECK(ml_client_valid(&ref));

    /* the same hash, proven, is somebody else */

    CHECK_INT(ml_clients_find(&clients, &b, &ref), -1);
    CHECK_INT(ml_clients_obtain(&clients, &b, NOW, &ref), 0);
    CHECK(ref.client != same.client);

    CHECK_INT(ml_clients_used(&clients, ML_CLIENT_ANONYMOUS), 1);
    CHECK_INT(ml_clients_used(&clients, ML_CLIENT_PROVEN), 1);

    (void) munmap(p, SIZE);
}


/* One set: a full bucket goes first, then the one that is full soonest. */

static void
test_eviction(void)
{
    void             *p;
    unsigned          i;
    ml_clients_t      clients;
    ml_client_key_t   key;
    ml_client_ref_t   ref, refs[ML_CLIENTS_WAYS];

    p = region(SMALL);
    CHECK_INT(ml_clients_init(&clients, p, SMALL, 1), 0);

    for (i = 0; i < ML_CLIENTS_WAYS; i++) {
        key = client(ML_CLIENT_ANONYMOUS, i + 1);
        CHECK_INT(ml_clients_obtain(&clients, &key, NOW, &refs[i]), 0);
        refs[i].client->bucket[i % ML_CLIENT_BUCKETS] = NOW + 100 + i;
    }

    /* number 5 is full since NOW + 1 */

    refs[5].client->bucket[5 % ML_CLIENT_BUCKETS] = NOW + 1;

    key = client(ML_CLIENT_ANONYMOUS, 100);
    CHECK_INT(ml_clients_obtain(&clients, &key, NOW + 50, &ref), 0);
    CHECK(ref.client == refs[5].client);
    CHECK(!ml_client_valid(&refs[5]));
    CHECK_INT(ml_clients_used(&clients, ML_CLIENT_ANONYMOUS),
              ML_CLIENTS_WAYS);

    key = client(ML_CLIENT_ANONYMOUS, 6);
    CHECK_INT(ml_clients_find(&clients, &key, &ref), -1);

    /* a flood of newcomers turns over their own entry, and no other */

    for (i = 0; i < 1000; i++) {
        key = client(ML_CLIENT_ANONYMOUS, 1000 + i);
        CHECK_INT(ml_clients_obtain(&clients, &key, NOW + 60, &ref), 0);
    }

    for (i = 0; i < ML_CLIENTS_WAYS; i++) {
        if (i != 5) {
            CHECK(ml_client_valid(&refs[i]));
        }
    }

    (void) munmap(p, SMALL);
}


static void
test_charges(void)
{
    void             *p;
    size_t            refused;
    ml_clients_t      clients;
    ml_charge_t       charges[2];
    ml_gcra_view_t    view;
    ml_gcra_limit_t   cost, requests;

    p = region(SIZE);
    CHECK_INT(ml_clients_init(&clients, p, SIZE, 1), 0);
    CHECK_INT(ml_gcra_limit(&cost, 100, 60 * ML_GCRA_SECOND, 100), 0);
    CHECK_INT(ml_gcra_limit(&requests, 3, 60 * ML_GCRA_SECOND, 3), 0);

    memset(charges, 0, sizeof(charges));

    charges[0].client = client(ML_CLIENT_PROVEN, 1);
    charges[0].bucket = ML_CLIENT_COST;
    charges[0].limit = &cost;
    charges[0].units = 10;

    charges[1].client = client(ML_CLIENT_PROVEN, 1);
    charges[1].bucket = ML_CLIENT_REQUESTS;
    charges[1].limit = &requests;
    charges[1].units = 1;

    /* looking does not make a client */

    CHECK_INT(ml_charges_check(&clients, charges, 2, NOW, &refused),
              ML_CHARGES_OK);
    CHECK_INT(ml_clients_used(&clients, ML_CLIENT_PROVEN), 0);

    CHECK_INT(ml_charges_reserve(&clients, charges, 2, NOW, &refused), 0);
    CHECK_INT(ml_charges_reserve(&clients, charges, 2, NOW, &refused), 0);
    CHECK_INT(ml_charges_reserve(&clients, charges, 2, NOW, &refused), 0);

    /* the second refuses: the first is not charged either */

    CHECK_INT(ml_charges_check(&clients, charges, 2, NOW, &refused),
              ML_CHARGES_WAIT);
    CHECK_INT(refused, 1);
    refused = 9;
    CHECK_INT(ml_charges_reserve(&clients, charges, 2, NOW, &refused),
              ML_CHARGES_WAIT);
    CHECK_INT(refused, 1);
    ml_charge_view(&clients, &charges[0], NOW, &view);
    CHECK_INT(view.remaining, 70);

    charges[0].units = 101;
    CHECK_INT(ml_charges_reserve(&clients, charges, 1, NOW, &refused),
              ML_CHARGES_NEVER);

    /* less, as much, and more than was reserved */

    charges[0].units = 30;
    CHECK_INT(ml_charges_reserve(&clients, charges, 1, NOW, &refused), 0);
    ml_charge_settle(&charges[0], 30, NOW);
    ml_charge_view(&clients, &charges[0], NOW, &view);
    CHECK_INT(view.remaining, 40);
    ml_charge_settle(&charges[0], 10, NOW);
    ml_charge_view(&clients, &charges[0], NOW, &view);
    CHECK_INT(view.remaining, 60);
    ml_charge_settle(&charges[0], 30 + 60 + 25, NOW);
    ml_charge_view(&clients, &charges[0], NOW, &view);
    CHECK_INT(view.remaining, 0);
    CHECK_INT(view.reset, 125 * cost.interval);

    /* forced: what fits and what does not, the latter into debt */

    CHECK_INT(ml_charges_reserve(&clients, &charges[1], 1, NOW, &refused),
              ML_CHARGES_WAIT);
    CHECK_INT(ml_charges_force(&clients, &charges[1], 1, NOW), 0);
    CHECK_INT(ml_charges_force(&clients, &charges[1], 1, NOW), 0);
    ml_charge_view(&clients, &charges[1], NOW, &view);
    CHECK_INT(view.remaining, 0);
    CHECK_INT(view.wait, 3 * requests.interval);

    charges[1].client = client(ML_CLIENT_PROVEN, 2);
    CHECK_INT(ml_charges_force(&clients, &charges[1], 1, NOW), 0);
    ml_charge_view(&clients, &charges[1], NOW, &view);
    CHECK_INT(view.remaining, 2);

    (void) munmap(p, SIZE);
}


/* An evicted client's charge must not come back to its successor. */

static void
test_settle_after_eviction(void)
{
    void             *p;
    size_t            refused;
    unsigned          i;
    uint64_t          before;
    ml_charge_t       charge;
    ml_clients_t      clients;
    ml_client_key_t   key;
    ml_client_ref_t   ref;
    ml_gcra_limit_t   limit;

    p = region(SMALL);
    CHECK_INT(ml_clients_init(&clients, p, SMALL, 1), 0);
    CHECK_INT(ml_gcra_limit(&limit, 100, 60 * ML_GCRA_SECOND, 100), 0);

    memset(&charge, 0, sizeof(charge));
    charge.client = client(ML_CLIENT_ANONYMOUS, 1);
    charge.limit = &limit;
    charge.units = 50;

    CHECK_INT(ml_charges_reserve(&clients, &charge, 1, NOW, &refused), 0);

    for (i = 2; ml_client_valid(&charge.ref); i++) {
        key = client(ML_CLIENT_ANONYMOUS, i);
        CHECK_INT(ml_clients_obtain(&clients, &key, NOW, &ref), 0);
        ref.client->bucket[0] = NOW + 1000 * ML_GCRA_SECOND;
    }

    before = ref.client->bucket[0];
    CHECK(ref.client == charge.ref.client);

    ml_charge_settle(&charge, 0, NOW);
    CHECK_INT(ref.client->bucket[0], before);
    ml_charge_settle(&charge, 70, NOW);
    CHECK_INT(ref.client->bucket[0], before);

    /* a swap prepared before the eviction is taken back or fails */

    CHECK_INT(ml_charge_swap(&charge.ref, &ref.client->bucket[0], before,
                             before + 1), -1);
    CHECK_INT(ref.client->bucket[0], before);

    (void) munmap(p, SMALL);
}


/* Exactly what the budget holds, whoever asks and however they race. */

static void
test_race(void)
{
    int               i, n, status;
    void             *p;
    size_t            refused;
    pid_t             pid;
    ml_charge_t       charges[2];
    ml_clients_t      clients;
    ml_gcra_limit_t   limit;
    _Atomic uint64_t *admitted, *ready;

    p = region(SIZE);
    admitted = region(4096);
    ready = admitted + 1;

    CHECK_INT(ml_clients_init(&clients, p, SIZE, 1), 0);
    CHECK_INT(ml_gcra_limit(&limit, 50000, 3600 * ML_GCRA_SECOND, 50000), 0);

    for (i = 0; i < PROCESSES; i++) {
        pid = fork();

        if (pid == 0) {
            memset(charges, 0, sizeof(charges));
            charges[0].client = client(ML_CLIENT_PROVEN, 7);
            charges[0].limit = &limit;
            charges[0].units = 1;
            charges[1] = charges[0];
            charges[1].bucket = ML_CLIENT_REQUESTS;

            (*ready)++;
            while (*ready < PROCESSES) { /* void */ }

            for (n = 0; n < 50000; n++) {
                if (ml_charges_reserve(&clients, charges, 2, NOW, &refused)
                    != ML_CHARGES_OK)
                {
                    continue;
                }

                if (n % 7 == 0) {
                    ml_charge_settle(&charges[0], 0, NOW);
                    ml_charge_settle(&charges[1], 0, NOW);
                    continue;
                }

                (*admitted)++;
            }

            _exit(0);
        }

        CHECK(pid > 0);
    }

    while (wait(&status) > 0) {
        CHECK_INT(status, 0);
    }

    CHECK_INT(*admitted, 50000);

    (void) munmap(p, SIZE);
}


/*
 * Many clients in one set, evicting each other all the time.  A client can
 * lose what it was charged, but no bucket may end beyond what its own client
 * reserved.
 */

static void
test_race_eviction(void)
{
    int               i, n, status;
    void             *p;
    size_t            refused;
    pid_t             pid;
    uint64_t          tat;
    unsigned          way, seed;
    ml_charge_t       charge;
    ml_clients_t      clients;
    ml_gcra_limit_t   limit;
    _Atomic uint64_t *ready;

    p = region(SMALL);
    ready = region(4096);

    CHECK_INT(ml_clients_init(&clients, p, SMALL, 1), 0);
    CHECK_INT(ml_gcra_limit(&limit, 1000, ML_GCRA_SECOND, 1000), 0);

    for (i = 0; i < PROCESSES; i++) {
        pid = fork();

        if (pid == 0) {
            seed = i + 1;

            (*ready)++;
            while (*ready < PROCESSES) { /* void */ }

            for (n = 0; n < 30000; n++) {
                seed = seed * 1103515245 + 12345;
                memset(&charge, 0, sizeof(charge));
                charge.client = client(ML_CLIENT_ANONYMOUS,
                                       1 + (seed >> 16) % 40);
                charge.limit = &limit;
                charge.units = 1;

                if (ml_charges_reserve(&clients, &charge, 1, NOW + n,
                                       &refused)
                    == ML_CHARGES_OK)
                {
                    ml_charge_settle(&charge, n % 2, NOW + n);
                }
            }

            _exit(0);
        }

        CHECK(pid > 0);
    }

    while (wait(&status) > 0) {
        CHECK_INT(status, 0);
    }

    for (way = 0; way < ML_CLIENTS_WAYS; way++) {
        tat = clients.entries[0][way].bucket[0];
        CHECK((clients.entries[0][way].sequence & 1) == 0);
        CHECK(tat >= NOW && tat <= NOW + 2 * ML_GCRA_SECOND);
    }

    (void) munmap(p, SMALL);
}


/* A process dies with the mutex held and an entry half-made. */

static void
test_crash(void)
{
    int                   status;
    void                 *p;
    pid_t                 pid;
    uint64_t              set;
    ml_clients_t          clients;
    ml_client_t          *entries;
    ml_client_key_t       key, other;
    ml_client_ref_t       ref;
    ml_clients_stripe_t  *stripe;

    p = region(SMALL);
    CHECK_INT(ml_clients_init(&clients, p, SMALL, 1), 0);

    key = client(ML_CLIENT_ANONYMOUS, 1);
    other = client(ML_CLIENT_ANONYMOUS, 2);

    CHECK_INT(ml_clients_obtain(&clients, &other, NOW, &ref), 0);

    pid = fork();

    if (pid == 0) {
        entries = ml_clients_set(&clients, &key, &set);

        if (ml_clients_lock(&clients, set, &stripe) != 0) {
            _exit(1);
        }

        stripe->set = set;
        entries[3].sequence++;
        entries[3].hash[0] = key.hash[0];
        entries[3].hash[1] = 12345;
        entries[3].bucket[0] = UINT64_MAX;

        (void) kill(getpid(), SIGKILL);
    }

    CHECK(pid > 0);
    status = 0;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));

    CHECK_INT(clients.entries[0][3].sequence & 1, 1);

    CHECK_INT(ml_clients_obtain(&clients, &key, NOW, &ref), 0);
    CHECK_INT(ref.client->bucket[0], NOW);
    CHECK_INT(clients.entries[0][3].sequence & 1, 0);
    CHECK(clients.header->stripes[0].set == ML_CLIENTS_NO_SET);

    /* the others are where they were, and the mutex serves on */

    CHECK_INT(ml_clients_find(&clients, &other, &ref), 0);

    other = client(ML_CLIENT_ANONYMOUS, 3);
    CHECK_INT(ml_clients_obtain(&clients, &other, NOW, &ref), 0);

    (void) munmap(p, SMALL);
}


int
main(void)
{
    test_layout();
    test_find();
    test_eviction();
    test_charges();
    test_settle_after_eviction();
    test_race();
    test_race_eviction();
    test_crash();

    return TEST_END;
}
