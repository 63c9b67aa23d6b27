"""cost=gpu: what is reserved is what the model's rows took lately, what is
charged in the end is what the request's own took; with a backend that takes
as long as it is told."""

import faulty
import nginx
import tally

check = tally.check

# a row takes 20 ms more than x[0] says
SCRIPT = '''
run  delay 20ms
run  delay x[0]
run  x[1]=1 error
'''

LOCATION = '''
    location = /plain {
        ml_ratelimit cost=gpu;
        add_header   X-Cost $ml_cost always;
        index        index.html;
    }
'''


def server(budget, model='batch 8; queue 100 timeout=10s;', **parts):
    return faulty.server(model, http='ml_zone ml:1m; ml_tier anonymous '
                         'gpu=%s requests=1000000/h; '
                         'ml_ratelimit_headers both;' % budget,
                         guard='ml_ratelimit cost=gpu; '
                         'add_header X-Cost $ml_cost always; '
                         'add_header X-Actual $ml_cost_actual always;',
                         script=SCRIPT, **parts).start()


def left(answer):
    """Microseconds that the client has left."""
    for limit in answer.headers['RateLimit'].split(', '):
        if limit.startswith('"gpu"'):
            return int(limit.split('r=')[1].split(';')[0])


def close(server):
    check(server.stop(), 'stops')
    check(server.close() == [], 'no trouble')


def measured(device):
    """The client pays what the device did, whatever was expected."""
    s = server('360s/h', device=device)
    name = 'device %s: ' % (device or 'here')

    check(nginx.wait(lambda: s.get('/ready').status == 200), name + 'ready')

    answer = s.post('/infer', faulty.body())
    first = int(answer.headers['X-Actual'])
    check(answer.status == 200 and 20000 <= first < 200000,
          name + 'the device took 20 ms', answer.headers)
    check('"gpu";q=360000000;w=3600;ml-unit="gpu"'
          in answer.headers['RateLimit-Policy'], name + 'policy',
          answer.headers)

    # settled before the headers are sent: the rest is what was not used

    before = left(answer)
    check(360000000 - first - 100000 <= before <= 360000000,
          name + 'what is left', before)

    answer = s.post('/infer', faulty.body())
    check(19000 <= int(answer.headers['X-Cost']) < 200000,
          name + 'expected from what it took before', answer.headers)

    # ten times as long as anybody could know

    answer = s.post('/infer', faulty.body(180))
    cost, actual = (int(answer.headers[h]) for h in ('X-Cost', 'X-Actual'))
    check(actual >= 200000 and cost < actual / 2,
          name + 'more than was reserved', (cost, actual))
    check(before - left(answer) >= 150000, name + 'is charged all the same',
          (before, left(answer)))

    # what did not run costs nothing

    before = left(answer)
    answer = s.post('/infer', faulty.body(fail=1))
    check(answer.status == 500 and answer.headers['X-Actual'] == '0'
          and left(answer) >= before, name + 'a failure is given back',
          answer.headers)

    answer = s.post('/infer', {'x': [1]})
    check(answer.status == 422 and left(answer) >= before,
          name + 'a refused body costs nothing', answer.headers)

    reserved, settled, released = (
        s.metric('ml_cost_total{tier="anonymous",unit="gpu",state="%s"}'
                 % state) or 0
        for state in ('reserved', 'settled', 'released'))
    check(reserved == settled + released and settled >= 240000,
          name + 'all that was reserved is settled or released',
          (reserved, settled, released))
    close(s)


def shared():
    """Requests that share a run share its time, by rows."""
    s = server('3600s/h', 'batch 8; queue 100 timeout=10s;')
    busy = nginx.Pending(s, 'POST', '/infer', faulty.body(300))
    nginx.wait(lambda: faulty.depth(s) == 0)
    jobs = [nginx.Pending(s, 'POST', '/infer', faulty.body(60, tag=i))
            for i in range(8)]
    check(nginx.wait(lambda: faulty.depth(s) == 8), 'eight wait')
    busy.join()

    answers = [job.join() for job in jobs]
    actual = [int(a.headers['X-Actual']) for a in answers]
    check([a.headers['X-Batch'] for a in answers] == ['8'] * 8, 'one run')
    check(len(set(actual)) == 1 and 80000 <= sum(actual) < 400000,
          'each pays an eighth', actual)
    close(s)


def exhausted():
    """A client that has used up its time is refused, its body unread."""
    s = server('1s/h')

    for i in range(2):
        answer = s.post('/infer', faulty.body(400))
        check(answer.status == 200, 'fits', answer)

    # a debt, since nobody could know

    answer = s.post('/infer', faulty.body())
    check(answer.status == 429
          and answer.json() == {'detail': 'Rate limit exceeded'}
          and int(answer.headers['Retry-After']) > 0, 'over budget',
          (answer, answer.headers))

    c = s.connect()
    c.sendall(nginx.raw('/infer', 'x' * 1000)[:-1000])
    said = c.recv(4096).decode()
    check(said.startswith('HTTP/1.1 429 '), 'at the gate', said)
    c.close()

    check(s.metric('ml_ratelimit_refusals_total{tier="anonymous",'
                   'limit="gpu"}') == 2, 'counted')
    close(s)


def without_model():
    """Where no model runs, nothing is charged but the request."""
    s = server('1s/h', location=LOCATION)

    answer = s.get('/plain')
    check(answer.status == 404 and answer.headers['X-Cost'] == '0'
          and '"gpu"' not in answer.headers['RateLimit'],
          'costs no time', answer.headers)

    answer = s.post('/infer', faulty.body())
    check(left(answer) > 700000, 'nothing was charged', answer.headers)
    close(s)


def main():
    measured('')
    measured('process')
    shared()
    exhausted()
    without_model()
    tally.end()


main()
