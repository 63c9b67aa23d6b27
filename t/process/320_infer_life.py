"""The life of workers: quit, kill, reload, many slow clients; with jobs under
way.  Nobody loses more than the worker that was killed had."""

import select
import signal
import time

import faulty
import nginx
import tally
from load import Load

check = tally.check


def graceful_quit():
    """A worker that is told to quit answers what waits and what runs."""
    server = faulty.server('batch 1; queue 100 timeout=10s;').start()

    jobs = [nginx.Pending(server, 'POST', '/infer', faulty.body(200, tag=i))
            for i in range(4)]
    check(nginx.wait(lambda: faulty.depth(server) == 3), 'one runs, 3 wait')

    began = time.monotonic()
    server.tell(signal.SIGQUIT)

    for i, job in enumerate(jobs):
        answer = job.join()
        check(answer.status == 200 and answer.json()['y'][2] == i,
              'quit: job %d is answered' % i, answer)

    server.process.wait(20)
    check(time.monotonic() - began < 5, 'and then it is gone')
    check(server.close() == [], 'no trouble')

    # told to stop at once, it does not wait for the queue

    server = faulty.server('batch 1; queue 100 timeout=30s;').start()
    jobs = [nginx.Pending(server, 'POST', '/infer', faulty.body(700))
            for i in range(9)]
    check(nginx.wait(lambda: faulty.depth(server) == 8), '8 wait')
    began = time.monotonic()
    check(server.stop(signal.SIGTERM), 'stops')
    check(time.monotonic() - began < 4, 'without its queue')

    for job in jobs:
        job.leave()

    check(server.close() == [], 'no trouble')


def killed_worker():
    """kill -9 of one of four, again and again, under load."""
    server = faulty.server('batch 4; queue 100 timeout=10s;', workers=4,
                           http='ml_zone ml:1m; ml_tier anonymous '
                                'cost=60000000/m concurrency=12;',
                           guard='ml_ratelimit cost=1;').start()
    load = Load(server, 12, faulty.body(5))
    check(load.more(50), 'load')
    victims = set()

    for i in range(5):
        victim = server.workers()[0]
        victims.add(victim)
        server.tell(signal.SIGKILL, victim)
        check(nginx.wait(lambda: len(server.workers()) == 4
                         and victim not in server.workers()),
              'the worker is replaced')
        check(load.more(50), 'the others go on')

    load.stop()

    check(set(load.broken) <= victims, 'only the killed lose requests',
          (load.broken, victims))
    check(load.failed == [], 'and nobody gets a wrong answer',
          load.failed[:3])
    check(faulty.depth(server) == 0, 'nothing of the dead is counted',
          faulty.depth(server))
    check(server.metric('ml_infer_breaker_state{model="m"}') == 0,
          'the breaker is closed')

    # nor in the limiter: as many at once as there may be, all again

    jobs = [nginx.Pending(server, 'POST', '/infer', faulty.body(300))
            for i in range(12)]
    statuses = [job.join().status for job in jobs]
    check(statuses == [200] * 12, 'concurrency is back at zero', statuses)

    # no lock stayed behind: every worker still answers

    for i in range(40):
        answer = server.post('/infer', faulty.body(tag=i))
        check(answer.status == 200, 'answers', answer)

    check(server.stop(), 'stops')
    trouble = [t for t in server.close() if 'exited on signal 9' not in t]
    check(trouble == [], 'no trouble', trouble)


def reloads():
    """20 reloads under load, and not one failed request; nothing is given
    back by them, and nothing stays taken."""
    budget = 100000
    server = faulty.server('batch 8; queue 500 timeout=10s;', workers=2,
                           http='ml_zone ml:1m; ml_tier anonymous cost=1/h '
                                'burst=%d concurrency=8;' % budget,
                           guard='ml_ratelimit cost=1;').start()
    load = Load(server, 8, faulty.body(5))
    check(load.more(20), 'load')

    for i in range(20):
        check(server.reload(), 'reloads')
        load.more(20)

    load.stop()
    check(load.failed == [] and load.answers > 400,
          'no request of %d failed' % load.answers, load.failed[:3])
    check(faulty.depth(server) == 0, 'nothing waits', faulty.depth(server))

    total = faulty.outcome(server, 'ok')
    check(total >= load.answers, 'the counters survived', total)

    # every answer was charged, once, and the places of all are free again

    left = int(server.post('/infer', faulty.body())
               .headers['X-RateLimit-Remaining'])
    check(budget - left == load.answers + 1, 'the budget went on',
          (budget - left, load.answers))

    jobs = [nginx.Pending(server, 'POST', '/infer', faulty.body(1000))
            for i in range(12)]
    statuses = sorted(job.join().status for job in jobs)
    check(statuses == [200] * 8 + [429] * 4, 'as many at once as before',
          statuses)

    # old workers are gone, not stuck

    check(nginx.wait(lambda: len(server.workers()) == 2, 20),
          'old workers quit', server.workers())
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def trickling_bodies():
    """1,000 clients that send a byte now and then take no place in the queue.
    """
    server = faulty.server('batch 8; queue 4 timeout=10s;', workers=2,
                           connections=2048).start()
    slow = []
    request = nginx.raw('/infer', '{"x": [0, 0, 1, 0]}')
    head = len(request) - 19

    for i in range(1000):
        s = server.connect()
        s.sendall(request[:head + i % 18])
        slow.append(s)

    began = time.monotonic()

    for i in range(50):
        answer = server.post('/infer', faulty.body(tag=i))
        check(answer.status == 200 and answer.json()['y'][2] == i,
              'others are served', answer)

    check(time.monotonic() - began < 5, 'and quickly',
          time.monotonic() - began)

    # one more byte each; then the rest, a few at a time

    for i, s in enumerate(slow):
        s.sendall(request[head + i % 18:][:1])

    good = 0

    for i, s in enumerate(slow):
        s.sendall(request[head + i % 18:][1:])

        if select.select([s], [], [], 20)[0]:
            good += s.recv(4096).startswith(b'HTTP/1.1 200 ')

        s.close()

    check(good == 1000, 'all of them get their answer', good)
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def four_workers():
    """Each worker has its queue; the zone adds them up."""
    server = faulty.server('batch 4; queue 100 timeout=10s;',
                           workers=4).start()
    load = Load(server, 32, faulty.body(10))
    check(load.more(400), 'load')
    load.stop()

    check(load.failed == [], 'no failures', load.failed[:3])
    check(faulty.outcome(server, 'ok') == load.answers, 'every one counted',
          (faulty.outcome(server, 'ok'), load.answers))

    rows = server.metric('ml_infer_batch_size_sum{model="m"}')
    runs = server.metric('ml_infer_batch_size_count{model="m"}')
    check(rows == load.answers, 'every row ran once', rows)
    check(runs < rows * 0.8, 'in batches', (runs, rows))
    check(server.metric('ml_infer_request_seconds_count{model="m"}') == rows,
          'histograms of all workers')
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def main():
    graceful_quit()
    killed_worker()
    reloads()
    trickling_bodies()
    four_workers()
    tally.end()


main()
