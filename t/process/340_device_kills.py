"""Deaths around the device process: of itself, at any moment; of workers; of
jobs that kill it.  Every answer is checked, and no slot is lost."""

import random
import signal

import faulty
import nginx
import tally
from load import Load

check = tally.check

# answers until none is of a job that the last owner died of: these come first,
# and one that is killed twice while it runs is taken for poison
CLIENTS = 12
OVER = CLIENTS + 1


def process(server):
    """What ml_status tells of the model's device process."""
    answer = server.get('/status').json()
    return answer['models']['m'].get('process') if answer else None


def all_free(server):
    state = process(server)
    return state and state['slots'] == state['slots_free']


def end(server, *expected):
    """Stops it; nothing but what was expected is in the log."""
    check(nginx.wait(lambda: all_free(server)), 'all slots are free',
          process(server))
    check(server.stop(), 'stops')
    trouble = [t for t in server.close()
               if 'exited on signal 9' not in t
               and not any(e in t for e in expected)]
    check(trouble == [], 'no trouble', trouble)


def kill_device(server):
    victim = server.devices()[0]
    server.tell(signal.SIGKILL, victim)

    return nginx.wait(lambda: server.devices() not in ([], [victim]))


def kill_worker(server, victims):
    victim = random.choice(server.workers())
    victims.add(victim)
    server.tell(signal.SIGKILL, victim)

    return nginx.wait(lambda: victim not in server.workers()
                      and len(server.workers()) >= 3)


def reload(server, victims):
    victims.update(server.workers())
    return server.reload()


def kills():
    """Of the process, of workers, and both among reloads."""
    server = faulty.server('batch 4; queue 100 timeout=20s;', workers=3,
                           device='process').start()
    load = Load(server, CLIENTS, faulty.body(3))
    victims = set()
    check(load.more(20), 'load')

    for i in range(12):
        check(kill_device(server), 'another one takes its place')
        check(load.more(random.randint(OVER, 20)), 'and serves')

    check(load.broken == [], 'no connection was of the device process',
          load.broken)

    for i in range(12):
        check(kill_worker(server, victims), 'the worker is replaced')
        check(load.more(random.randint(1, 20)), 'the others go on')

    for i in range(8):
        check(reload(server, victims), 'reloads')
        check(random.choice([kill_device, lambda s: kill_worker(s, victims)])
              (server), 'in the middle of it')
        check(load.more(OVER, 40), 'and it goes on')

    load.stop()
    check(load.failed == [], 'nothing was lost', load.failed[:3])
    check(load.wrong == [], 'nor wrong', load.wrong[:3])
    check(set(load.broken) <= victims, 'connections broke with their workers',
          (load.broken, victims))
    check(process(server)['owners'] > 12, 'owners are counted')
    end(server)


def worker_owns():
    """The same with worker 0 as the owner: its own clients lose."""
    server = faulty.server('batch 4; queue 100 timeout=20s;', workers=3,
                           http='ml_zone ml:1m; ml_infer_process worker;',
                           device='process').start()
    load = Load(server, 8, faulty.body(3))
    victims = set()
    check(load.more(20), 'load')
    check(server.devices() == [], 'there is no process beside the workers')

    for i in range(6):
        victim = process(server)['pid']
        check(victim in server.workers(), 'a worker owns', victim)
        victims.add(victim)
        server.tell(signal.SIGKILL, victim)
        check(nginx.wait(lambda: process(server)['pid'] != victim
                         and len(server.workers()) == 3),
              'another one owns')
        check(load.more(20), 'and serves')

    for i in range(3):
        check(reload(server, victims), 'reloads')
        check(load.more(20), 'and serves')

    load.stop()
    check(load.failed == [] and load.wrong == [], 'nothing else was lost',
          load.failed[:3])
    check(set(load.broken) <= victims, 'connections broke with their workers',
          (load.broken, victims))
    end(server)


def poison():
    """Jobs that kill the process, among others: twice, and then no more."""
    server = faulty.server('batch 8; queue 100 timeout=20s;', workers=2,
                           device='process').start()
    load = Load(server, 8, faulty.body(3))
    check(load.more(20), 'load')

    for i in range(4):
        before = process(server)['owners']
        answer = server.post('/infer', faulty.body(1, fail=3, tag=i))
        check(answer.status == 503, 'poison is refused', answer)
        check(nginx.wait(lambda: process(server)['owners'] == before + 2),
              'two owners died of it', process(server))

        # the like of it kills nobody

        before = process(server)['owners']
        answer = server.post('/infer', faulty.body(1, fail=3, tag=i))
        check(answer.status == 503
              and answer.headers.get('X-Status') == 'QUARANTINED',
              'the same again is not tried', (answer, answer.headers))
        check(int(answer.headers['Retry-After']) > 1, 'nor soon')
        check(process(server)['owners'] == before, 'and nobody died')

    check(load.more(50), 'the load goes on')
    load.stop()
    check(load.failed == [] and load.wrong == [], 'no innocent was blamed',
          load.failed[:3])
    check(load.broken == [], 'no connection broke', load.broken)
    check(faulty.outcome(server, 'quarantined') >= 4, 'counted',
          faulty.outcome(server, 'quarantined'))
    end(server, 'exited')


def hung():
    """A run that does not end, and a process that was stopped."""
    server = faulty.server('batch 2; queue 100 timeout=20s;', workers=2,
                           device='process hang=300ms').start()
    answer = server.post('/infer', faulty.body(1, fail=4))
    check(answer.status == 503, 'twice is enough', answer)
    check(server.post('/infer', faulty.body(1, tag=5)).status == 200,
          'others are served')

    stopped = server.devices()[0]
    server.tell(signal.SIGSTOP, stopped)
    jobs = [nginx.Pending(server, 'POST', '/infer', faulty.body(1, tag=i))
            for i in range(8)]

    for i, job in enumerate(jobs):
        answer = job.join()
        check(answer.status == 200 and answer.json()['y'][2] == i,
              'a stopped process is replaced, job %d is done' % i, answer)

    check(stopped not in server.devices(), 'it is gone')
    end(server, 'exited', 'does nothing, killed it', 'does not come back',
        'does not end')


def load_fails():
    """Out of memory at load is tried again; death at load waits longer each
    time, and meanwhile requests are answered at once."""
    server = faulty.server('batch 2; queue 100 timeout=20s;',
                           device='process',
                           script='load nth=1 memory\n' + faulty.SCRIPT)
    server.start()
    check(nginx.wait(lambda: server.post('/infer', faulty.body()).status
                     == 200), 'there is memory later')
    end(server, 'out of memory', 'memory')

    server = faulty.server('batch 2; queue 100 timeout=2s;', device='process',
                           script='load crash\n' + faulty.SCRIPT)
    server.start()
    seen = set()

    def count():
        seen.update(server.devices())
        return len(seen) >= 4

    check(nginx.wait(count, 10, 0.002), 'it is started again and again', seen)
    first = len(seen)
    nginx.wait(lambda: count() and False, 1.0, 0.002)
    check(len(seen) - first <= 4, 'but not without a pause',
          (first, len(seen)))
    answer = server.post('/infer', faulty.body())
    check(answer.status in (503, 504), 'it is not ready', answer)
    check(server.get('/ready').status == 503, 'and says so')

    faulty.script(server, faulty.SCRIPT)
    check(nginx.wait(lambda: server.post('/infer', faulty.body()).status
                     == 200, 30), 'until it loads')
    end(server, 'exited')


def sick():
    """Runs that fail open the breaker, for all workers; a device that is lost
    costs its process, and the job is done by the next one."""
    server = faulty.server('batch 1; queue 100 timeout=20s; '
                           'breaker failures=3 open=1s;', workers=3,
                           device='process').start()

    for i in range(3):
        answer = server.post('/infer', faulty.body(1, fail=1))
        check(answer.status == 500, 'fails', answer)

    statuses = [server.post('/infer', faulty.body(tag=i))
                .headers.get('X-Breaker') for i in range(12)]
    check(set(statuses) == {'open'}, 'the breaker of every worker is open',
          statuses)
    check(nginx.wait(lambda: server.post('/infer', faulty.body()).status
                     == 200), 'it closes')

    before = process(server)['owners']
    answer = server.post('/infer', faulty.body(1, fail=2))
    check(answer.status == 503, 'a job that loses two devices is poison',
          answer)
    check(nginx.wait(lambda: process(server)['owners'] == before + 2),
          'both processes ended', process(server))
    check(nginx.wait(lambda: server.post('/infer', faulty.body()).status
                     == 200), 'the third serves')
    end(server, 'is lost', 'exited')


random.seed(1)

kills()
worker_owns()
poison()
hung()
load_fails()
sick()

tally.end()
