"""What can happen to a job: queue full, deadlines, breaker, clients that
leave, batches; with a backend that takes as long, and fails as often, as a
request tells it to."""

import os
import time

import faulty
import nginx
import tally

BUSY = 400                              # ms, of a job that others wait for


def send(server, body):
    return nginx.Pending(server, 'POST', '/infer', body)


def check(condition, text, detail=''):
    tally.check(condition, text, detail)


def running(server, jobs=0):
    """Waits until one job runs and so many wait."""
    return nginx.wait(lambda: faulty.depth(server) == jobs)


def occupy(server, msec=BUSY):
    """A job that runs: it was sent before the depth was asked for, and has
    left the queue again when this returns."""
    busy = send(server, faulty.body(msec))
    running(server)
    return busy


def answers(server):
    answer = server.post('/infer', faulty.body(tag=2.5, id='a'))
    check(answer.status == 200
          and answer.json() == {'y': [0, 0, 2.5, 0], 'id': 'a'},
          'answers', answer)
    check(answer.headers.get('X-Status') == 'OK'
          and answer.headers.get('X-Batch') == '1'
          and answer.headers.get('X-Breaker') == 'closed',
          'variables', answer.headers)


def queue_full():
    server = faulty.server('batch 1; queue 2 timeout=10s;').start()
    answers(server)

    busy = occupy(server)
    waiting = [send(server, faulty.body(tag=i)) for i in (1, 2)]
    check(running(server, 2), 'two jobs wait', faulty.depth(server))

    began = time.monotonic()
    answer = server.post('/infer', faulty.body())
    check(answer.status == 429 and answer.headers.get('Retry-After') == '1'
          and answer.json() == {'detail': "The model's queue is full"},
          'a full queue is 429', (answer, answer.headers))
    check(time.monotonic() - began < BUSY / 2000, 'at once')
    check(answer.headers.get('X-Status') == 'QUEUE_FULL', 'QUEUE_FULL')

    check(busy.join().status == 200, 'the running job is answered')

    for i, job in enumerate(waiting):
        answer = job.join()
        check(answer.status == 200 and answer.json()['y'][2] == i + 1,
              'a waiting job gets its own answer', answer)

    check(faulty.depth(server) == 0, 'nothing waits')
    check(faulty.outcome(server, 'queue_full') == 1, 'counted')
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def deadlines():
    server = faulty.server('batch 1; queue 10 timeout=150ms;').start()

    began = time.monotonic()
    answer = server.post('/infer', faulty.body(BUSY))
    took = time.monotonic() - began
    check(answer.status == 504 and answer.headers['X-Status'] == 'TIMEOUT',
          'deadline while it ran: 504', answer)
    check(0.12 < took < BUSY / 1000 - 0.05, 'when it passed', took)

    # the device is still busy with it: the next one cannot even start

    answer = server.post('/infer', faulty.body())
    check(answer.status == 503 and answer.headers['X-Status'] == 'EXPIRED'
          and 'Retry-After' in answer.headers,
          'deadline before the start: 503', answer)

    time.sleep(BUSY / 1000)
    answers(server)
    check(server.metric('ml_infer_breaker_state{model="m"}') == 0,
          'one such run is no outage')
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def breaker_is(server, state):
    return server.metric('ml_infer_breaker_state{model="m"}') == state


def breaker_and_deadlines():
    """A run that does not meet its deadline is a failure, told at it."""
    server = faulty.server('batch 1; queue 10 timeout=150ms; '
                           'breaker failures=2 rate=100% open=1s;').start()

    for i in range(2):
        check(breaker_is(server, 0), 'closed')
        answer = server.post('/infer', faulty.body(BUSY))
        check(answer.status == 504, 'late', answer)

        if i == 0:
            time.sleep(BUSY / 1000)

    check(breaker_is(server, 1), 'open, while the second still runs')
    time.sleep(BUSY / 1000)
    check(breaker_is(server, 1), 'what comes out of it changes nothing')

    # nor does a probe that is late close it

    time.sleep(0.9)
    probe = send(server, faulty.body(BUSY))
    check(nginx.wait(lambda: breaker_is(server, 2)), 'half-open')
    check(probe.join().status == 504, 'the probe is late')
    check(breaker_is(server, 1), 'open again')

    time.sleep(1.3 * 2)
    answers(server)
    check(breaker_is(server, 0), 'a probe in time closes')

    # a client that left before the deadline says nothing

    for i in range(3):
        occupy(server, 200).leave()
        time.sleep(0.25)

    check(breaker_is(server, 0), 'closed')
    answers(server)
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def late_batches():
    """A late batch is one failure, whoever of it is still there."""
    server = faulty.server('batch 8; queue 100 timeout=400ms; '
                           'breaker failures=3 rate=100% open=30s;').start()

    busy = occupy(server, 600)
    time.sleep(0.3)
    jobs = []

    for i in range(5):
        jobs.append(send(server, faulty.body(600)))
        check(running(server, i + 1), 'waits')

    check(busy.join().status == 504, 'the first is late')
    check(running(server, 0), 'five run')
    jobs[0].leave()
    check([job.join().status for job in jobs[1:]] == [504] * 4,
          'those that stayed are late')
    time.sleep(0.6)
    check(breaker_is(server, 0), 'two failures')

    check(server.post('/infer', faulty.body(600)).status == 504, 'late')
    check(breaker_is(server, 1), 'are three')
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def hopeless():
    """What cannot make its deadline is refused when it comes."""
    server = faulty.server('batch 1; queue 100 timeout=700ms;').start()

    # a row takes 200 ms, as far as the server knows after some of 300

    for i in range(8):
        check(server.post('/infer', faulty.body(300)).status == 200, 'learns')

    busy = occupy(server)
    jobs = []

    for i in range(3):
        jobs.append(send(server, faulty.body(tag=i)))
        check(running(server, i + 1), 'waits')

    began = time.monotonic()
    answer = server.post('/infer', faulty.body())
    check(time.monotonic() - began < BUSY / 2000, 'at once')
    check(answer.status == 503 and answer.headers['X-Status'] == 'EXPIRED'
          and answer.headers.get('Retry-After') == '1'
          and answer.json() == {'detail':
                                'The model is too busy to meet the deadline'},
          '503', (answer, answer.headers))
    check(faulty.outcome(server, 'expired') == 1, 'counted')

    check([job.join().status for job in [busy] + jobs] == [200] * 4,
          'the others are answered')
    answers(server)
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def batches():
    server = faulty.server('batch 8; queue 100 timeout=10s;').start()

    busy = occupy(server)
    jobs = [send(server, faulty.body(tag=i)) for i in range(8)]
    check(running(server, 8), 'eight jobs wait')
    check(busy.join().status == 200, 'the first is done')

    for i, job in enumerate(jobs):
        answer = job.join()
        check(answer.status == 200 and answer.json()['y'][2] == i
              and answer.headers['X-Batch'] == '8',
              'each of a batch gets its own rows', answer.headers)

    runs = server.metric('ml_infer_compute_seconds_count{model="m"}')
    check(runs == 2, 'nine requests were two runs', runs)
    check(server.metric('ml_infer_batch_size_sum{model="m"}') == 9, 'rows')
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def breaker():
    server = faulty.server('batch 1; queue 100 timeout=10s; '
                           'breaker failures=3 rate=100% open=1s;',
                           workers=2).start()

    for i in range(2):
        answer = server.post('/infer', faulty.body(fail=1))
        check(answer.status == 500
              and answer.headers['X-Status'] == 'FAILED'
              and answer.json() == {'detail': 'Inference failed'},
              'a failure is told, not why', answer)

    # 422, aborts and successes are no failures, but a success starts again

    check(server.post('/infer', {'x': [1]}).status == 422, '422')
    check(server.metric('ml_infer_breaker_state{model="m"}') == 0, 'closed')
    server.post('/infer', faulty.body(fail=1))
    check(server.metric('ml_infer_breaker_state{model="m"}') == 1, 'open')

    # refused before the body is read, by whichever worker

    for i in range(6):
        s = server.connect()
        s.sendall(nginx.raw('/infer', 'x' * 1000)[:-1000])
        said = s.recv(4096).decode()
        check(said.startswith('HTTP/1.1 503 ')
              and 'Retry-After:' in said and 'X-Breaker: open' in said,
              'refused at the gate, body unread', said)
        s.close()

    # one probe; while it runs the others are refused

    time.sleep(1.3)
    probe = send(server, faulty.body(BUSY))
    check(nginx.wait(lambda: server.metric(
          'ml_infer_breaker_state{model="m"}') == 2), 'half-open')

    for i in range(6):
        answer = server.post('/infer', faulty.body())
        check(answer.status == 503 and answer.headers['Retry-After'] == '1',
              'refused while the probe runs', answer)

    check(probe.join().status == 200, 'the probe is answered')
    check(server.metric('ml_infer_breaker_state{model="m"}') == 0,
          'its success closes')
    answers(server)

    # a probe that fails opens again, for longer

    for i in range(3):
        server.post('/infer', faulty.body(fail=1))

    time.sleep(1.3 * 2)
    server.post('/infer', faulty.body(fail=1))
    check(server.metric('ml_infer_breaker_state{model="m"}') == 1,
          'a failed probe opens')
    answer = server.post('/infer', faulty.body())
    check(answer.status == 503 and int(answer.headers['Retry-After']) >= 2,
          'for longer', answer.headers)

    # the zone keeps it over a reload

    check(server.reload(), 'reloads')
    check(server.post('/infer', faulty.body()).status == 503,
          'still open after a reload')
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def batch_that_fails():
    """A run that fails is one failure, however many requests were in it."""
    server = faulty.server('batch 8; queue 100 timeout=10s; '
                           'breaker failures=3;').start()

    busy = occupy(server)
    jobs = [send(server, faulty.body(fail=int(i == 0))) for i in range(6)]
    check(running(server, 6), 'six wait')
    busy.join()
    check([job.join().status for job in jobs] == [500] * 6, 'all six fail')
    check(server.metric('ml_infer_breaker_state{model="m"}') == 0,
          'the breaker is closed')
    answers(server)
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def clients_that_leave():
    server = faulty.server('batch 1; queue 100 timeout=10s;').start()

    # while queued: the job is taken out

    busy = occupy(server)
    jobs = [send(server, faulty.body(BUSY)) for i in range(3)]
    check(running(server, 3), 'the jobs wait')

    for job in jobs:
        job.leave()

    check(running(server, 0), 'and are gone with their clients')
    check(busy.join().status == 200, 'the other is not touched')
    check(faulty.outcome(server, 'cancelled') == 3, 'counted')

    check(server.post('/infer', faulty.body()).status == 200, 'the next one')
    runs = server.metric('ml_infer_compute_seconds_count{model="m"}')
    check(runs == 2, 'they never ran', runs)

    # while running: the result is dropped; the connection's next request,
    # and the next client's, get their own

    occupy(server).leave()
    check(nginx.wait(lambda: faulty.outcome(server, 'cancelled') == 4),
          'counted at once')

    answer = server.post('/infer', faulty.body(tag=7))
    check(answer.status == 200 and answer.json()['y'][2] == 7,
          'the next request gets its own answer', answer)

    # whenever they leave

    for i in range(50):
        send(server, faulty.body(3)).leave()

    check(nginx.wait(lambda: faulty.depth(server) == 0), 'nothing is left')
    check(server.metric('ml_infer_breaker_state{model="m"}') == 0,
          'aborts are no failures')
    answers(server)
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def lost_device():
    server = faulty.server('batch 1; queue 100 timeout=10s;').start()

    check(server.get('/ready').status == 200, 'ready')
    check(server.post('/infer', faulty.body(fail=2)).status == 500, 'lost')

    answer = server.post('/infer', faulty.body())
    check(answer.status == 503
          and answer.headers['X-Status'] == 'UNAVAILABLE', 'unavailable',
          answer)
    answer = server.get('/ready')
    check(answer.status == 503
          and answer.json()['reason'] == 'model "m" is unavailable',
          'not ready', answer)
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def complaints(server):
    return [line for line in server.log().splitlines()
            if 'is unavailable' in line]


def backend_faults():
    """No file, or one that fails: 503, one line, and no respawning."""
    for fault, complaint in (
            ('file', 'ngx_ml_backend_fault.so'),
            ('build', 'is of another build'),
            ('probe', 'told to fail'),
            ('load', 'told to fail'),
            ('plan', 'told to fail'),
            ('script', 'line 2 of the script: "memoru" is not understood')):

        def prepare(directory):
            backend = os.path.join(directory, 'ngx_ml_backend_fault.so')
            os.unlink(backend)

            if fault == 'build':
                faulty.other_build(backend)

        script = ('run delay 1ms\nrun memoru\n' if fault == 'script'
                  else '%s error\n' % fault
                  if fault in ('probe', 'load', 'plan') else '')

        server = faulty.server('batch 1;', workers=2, script=script,
                               prepare=prepare if fault in ('file', 'build')
                               else None).start()
        workers = server.workers()

        answer = server.post('/infer', faulty.body())
        check(answer.status == 503 and 'Retry-After' in answer.headers
              and answer.json() == {'detail': 'The model is not available'},
              '%s: 503' % fault, answer)
        check(server.get('/ready').status == 503, '%s: not ready' % fault)
        check(server.get('/health').status == 200, '%s: alive' % fault)

        for path in ('/v2/health/ready', '/v2/models/m/ready'):
            answer = server.get(path)
            check(answer.status == 503
                  and answer.headers.get('Retry-After') == '1'
                  and answer.json() == {'error': 'Not ready'},
                  '%s: %s: 503' % (fault, path), answer)

        nginx.wait(lambda: len(complaints(server)) >= 2)
        time.sleep(0.3)
        lines = complaints(server)
        check(len(lines) == 2, '%s: one line for each worker' % fault, lines)
        check(complaint in lines[0], '%s: says why' % fault, lines)

        check(server.workers() == workers, '%s: no respawning' % fault)
        check(server.stop(), '%s: stops' % fault)
        check(server.close() == [], '%s: no trouble' % fault)


def main():
    queue_full()
    deadlines()
    breaker_and_deadlines()
    late_batches()
    hopeless()
    batches()
    breaker()
    batch_that_fails()
    clients_that_leave()
    lost_device()
    backend_faults()
    tally.end()


main()
