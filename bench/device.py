"""What the device process costs, and what its deaths cost: the way of a job
through it, against the same location without a job; kills of it, of workers,
and reloads, under a load that checks every answer; how long until a new one
answers."""

import os
import random
import re
import signal
import subprocess
import sys
import time

import bench

sys.path.append(os.path.join(bench.ROOT, 't/process'))

import faulty                                               # noqa: E402
import nginx as testing                                     # noqa: E402
from load import Load                                       # noqa: E402

ROUNDS = int(os.environ.get('BENCH_ROUNDS', '7'))
SECONDS = int(os.environ.get('BENCH_SECONDS', '3'))
KILLS = int(os.environ.get('BENCH_KILLS', '100'))
TAKEOVERS = int(os.environ.get('BENCH_TAKEOVERS', '25'))
CLIENTS = 64

HTTP = '''
    ml_zone ml:8m;
    ml_model far  { file identity.onnx; device fault:quick.txt process; }
    ml_model near { file identity.onnx; device fault:quick.txt; }
'''

SERVER = '''
        location = /none {
            ml_validate schema=x.json;
            echo_read_request_body;
            echo '{"y":[0.25,0.5,0.75,1.0]}';
        }
        location = /near {
            ml_validate schema=x.json;
            ml_infer near;
        }
        location = /far {
            ml_validate schema=x.json;
            ml_infer far;
        }
'''

BODY = '{"x":[0.25,0.5,0.75,1.0]}'
PATHS = ('/none', '/near', '/far')

US = {'us': 1, 'ms': 1e3, 's': 1e6}


def latency(nginx, path, seconds):
    """The median of one client's requests, in microseconds."""
    out = subprocess.run(
        ['taskset', '-c', ','.join(map(str, bench.CLIENT_CORES)), 'wrk', '-t',
         '1', '-c', '1', '-d', '%ds' % seconds, '--latency', '-s',
         nginx.script(BODY), nginx.url(path)],
        capture_output=True, text=True, check=True).stdout
    value, unit = re.search(r'50%\s+([\d.]+)(us|ms|s)', out).groups()

    return float(value) * US[unit]


def way():
    """The way of a job, as a table."""
    nginx = bench.Nginx('device', HTTP, SERVER)

    for name, text in (('x.json', faulty.SCHEMA),
                       ('quick.txt', 'run delay 1us\n')):
        bench.write(os.path.join(nginx.prefix, name), text)

    subprocess.run(['cp', faulty.MODEL, nginx.prefix], check=True)

    single = {path: [] for path in PATHS}
    rates = {path: [] for path in PATHS}

    with nginx:
        for path in PATHS:
            nginx.load(path, BODY, 1, CLIENTS)

        for i in range(ROUNDS):
            for path in PATHS:
                single[path].append(latency(nginx, path, SECONDS))
                rates[path].append(nginx.load(path, BODY, SECONDS,
                                              CLIENTS)[0])
                print('round %d %-6s %6.0f us %8.0f requests/s'
                      % (i + 1, path, single[path][-1], rates[path][-1]),
                      flush=True)

    rows = []

    for path, what in zip(PATHS, ('no job', 'a job in the worker',
                                  'a job through the device process')):
        rows.append([
            what, bench.spread(single[path]),
            bench.spread([a - b for a, b in zip(single[path],
                                                single['/none'])]),
            bench.spread(rates[path]),
            bench.spread([a / b for a, b in zip(rates[path],
                                                rates['/none'])], '%.2f')])

    return bench.table(['location', 'one client, p50 us', 'more, us',
                        '%d clients, requests/s' % CLIENTS, 'ratio'], rows)


def process(server):
    """What ml_status tells of the model's device process."""
    return server.get('/status').json()['models']['m']['process']


def kill_device(server, gone):
    victim = server.devices()

    if victim:
        server.tell(signal.SIGKILL, victim[0])

    return testing.wait(lambda: server.devices() not in ([], victim))


def kill_worker(server, gone):
    victim = random.choice(server.workers())
    gone.add(victim)
    server.tell(signal.SIGKILL, victim)

    return testing.wait(lambda: victim not in server.workers()
                        and len(server.workers()) >= 4)


def reload(server, gone):
    gone.update(server.workers())

    return server.reload()


def chaos(what, events):
    """A row: these events, one after another, under the load of 16 clients.
    """
    server = faulty.server('batch 4; queue 100 timeout=20s;', workers=4,
                           device='process').start()
    load = Load(server, 16, faulty.body(2))
    load.more(50)
    gone = set()

    for i, event in enumerate(events):
        if not event(server, gone):
            sys.exit('%s: number %d was not survived' % (what, i + 1))

        # those that the last owner died of come first, and one that is killed
        # a second time is taken for poison
        load.more(random.randint(17, 40), 60)

    load.more(50, 60)
    load.stop()

    def free():
        state = process(server)
        return state['slots'] == state['slots_free']

    testing.wait(free)
    state = process(server)

    lost = [f for f in load.failed if f not in load.wrong]
    astray = [worker for worker in load.broken if worker not in gone]
    row = [what, load.answers, len(load.broken), len(lost) + len(astray),
           len(load.wrong), state['slots'] - state['slots_free']]

    for failure in load.failed[:5]:
        print('%s: %s' % (what, failure))

    if server.stop():
        server.close()
    else:
        sys.exit('%s: nginx does not stop' % what)

    print(row, flush=True)

    return [str(cell) for cell in row]


def kills():
    mixed = [kill_worker, reload] * KILLS
    random.shuffle(mixed)

    return bench.table(
        ['under load, 4 workers and 16 clients', 'requests',
         'broken with their worker', 'lost otherwise', 'wrong answers',
         'slots leaked'],
        [chaos('%d kills of the device process' % KILLS,
               [kill_device] * KILLS),
         chaos('%d kills of workers' % KILLS, [kill_worker] * KILLS),
         chaos('%d kills of workers and %d reloads, mixed' % (KILLS, KILLS),
               mixed)])


def takeovers():
    rows = []

    for what, script in (('at once', ''), ('in 1 s', 'load delay 1s\n')):
        server = faulty.server('batch 4; queue 100 timeout=20s;',
                               device='process',
                               script=faulty.SCRIPT + script).start()
        server.post('/infer', faulty.body())
        took = []

        for _ in range(TAKEOVERS):
            # an owner that dies before it has answered is waited for longer
            time.sleep(0.3)
            server.tell(signal.SIGKILL, server.devices()[0])
            began = time.monotonic()
            answer = server.post('/infer', faulty.body())

            if answer.status != 200:
                sys.exit('take-over: %s' % answer)

            took.append((time.monotonic() - began) * 1e3)

        server.stop()
        server.close()
        rows.append([what, bench.spread(took, '%.1f')])

    return bench.table(['the backend loads', 'SIGKILL to the next answer, ms'],
                       rows)


def main():
    bench.report('device', 'The device process', '''\
Through it: one worker, which with the device process shares a core or not as
the system likes; a device that takes 1 us (the fault backend); medians of %d
interleaved rounds of %d seconds, with the least and the greatest round.
Bars: one client at most 40 us more than without a job; %d clients at least
0.6 of the rate.

%s

Deaths of it, and of workers; runs of 2 ms; every answer is compared with what
was sent.  Connections break with a worker that is killed, and idle ones when
nginx lets a worker quit.  Lost otherwise: no answer, or none with status 200.
Bars: 0, 0 and 0.

%s

Until another has taken over, %d times each.

%s''' % (ROUNDS, SECONDS, CLIENTS, way(), kills(), TAKEOVERS, takeovers()))


main()
