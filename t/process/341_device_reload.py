"""The device process while nginx is reloaded, changed, upgraded and stopped:
what it was given it finishes, and what a client left behind reaches nobody.
"""

import os
import signal
import subprocess
import time

import faulty
import nginx
import tally
from load import Load

check = tally.check


def process(server, model='m'):
    answer = server.get('/status').json()
    return answer['models'].get(model, {}).get('process') if answer else None


def all_free(server):
    state = process(server)
    return state and state['slots'] == state['slots_free']


def end(server, *expected):
    check(nginx.wait(lambda: all_free(server)), 'all slots are free',
          process(server))
    check(server.stop(), 'stops')
    trouble = [t for t in server.close()
               if not any(e in t for e in expected)]
    check(trouble == [], 'no trouble', trouble)


def pending(server, n, msec):
    return [nginx.Pending(server, 'POST', '/infer',
                          faulty.body(msec, tag=i, more=msec))
            for i in range(n)]


def all_right(jobs, msec, text):
    for i, job in enumerate(jobs):
        answer = job.join()
        check(answer.status == 200 and answer.json()['y'] == [msec, 0, i,
                                                              msec],
              '%s: job %d' % (text, i), answer)


def reloads():
    """Jobs that outlive the overlap of two configurations; the number of
    workers changes, too."""
    server = faulty.server('batch 4; queue 100 timeout=20s;', workers=1,
                           device='process').start()
    load = Load(server, 8, faulty.body(150))
    check(load.more(8), 'load')

    for i in range(15):
        server.configure(workers=(1, 4, 2)[i % 3])
        check(server.reload(), 'reloads')
        check(nginx.wait(lambda: len(server.devices()) == 1, 20),
              'the old device process goes', server.devices())

    load.stop()
    check(load.failed == [] and load.wrong == [], 'nothing failed',
          load.failed[:3])
    check(load.answers > 100, 'load went on', load.answers)
    check(process(server)['owners'] == 16, 'each has owned once',
          process(server))
    end(server)


def changes():
    """The model is resized, goes and comes while its jobs wait."""
    server = faulty.server('batch 1; queue 50 timeout=20s;',
                           device='process').start()
    http = server.parts['http']
    location = server.parts['location']

    jobs = pending(server, 5, 200)
    check(nginx.wait(lambda: faulty.depth(server) == 4), 'four wait')
    server.configure(http=http.replace('queue 50', 'queue 60'))
    check(server.reload(), 'resized')
    check(nginx.wait(lambda: process(server)['slots'] == 60),
          'it has more slots', process(server))
    more = pending(server, 2, 100)
    all_right(more, 100, 'the new one serves')
    all_right(jobs, 200, 'the old one finishes')
    check(nginx.wait(lambda: len(server.devices()) == 1, 20), 'and goes',
          server.devices())

    # other batches: slots of another shape, and of the same size

    server.configure(http=http.replace('batch 1', 'batch 2'))
    check(server.reload(), 'with larger batches')
    check(nginx.wait(lambda: len(process(server)['runs']) == 2),
          'a table of its own', process(server))
    all_right(pending(server, 2, 100), 100, 'and it serves')

    server.configure(http=http)
    check(server.reload(), 'as before')
    check(nginx.wait(lambda: len(server.devices()) == 1), 'one owner')
    jobs = pending(server, 4, 1000)
    check(nginx.wait(lambda: faulty.depth(server) == 3), 'three wait')
    server.configure(http='ml_zone ml:1m;', location='''
        location = /status { ml_status json; }
    ''')
    check(server.reload(), 'removed')
    check(nginx.wait(lambda: process(server) is None), 'it is gone')
    all_right(jobs, 1000, 'its jobs are done')
    check(nginx.wait(lambda: server.devices() == [], 20),
          'no model, no device process', server.devices())

    server.configure(http=http, location=location)
    check(server.reload(), 'added')
    check(nginx.wait(lambda: server.post('/infer', faulty.body()).status
                     == 200), 'it serves again')
    end(server)


def quits():
    """QUIT finishes the queue, TERM does not wait for it."""
    server = faulty.server('batch 1; queue 100 timeout=20s;', workers=2,
                           device='process').start()
    jobs = pending(server, 12, 100)
    check(nginx.wait(lambda: faulty.depth(server) == 11), 'eleven wait')
    server.tell(signal.SIGQUIT)
    all_right(jobs, 100, 'quit')
    check(server.stop(), 'and then it is gone')
    check(server.close() == [], 'no trouble')

    server = faulty.server('batch 1; queue 100 timeout=60s;', workers=2,
                           device='process').start()
    jobs = pending(server, 9, 700)
    check(nginx.wait(lambda: faulty.depth(server) == 8), 'eight wait')
    check(server.stop(signal.SIGTERM, 5), 'stops without its queue')

    for job in jobs:
        job.leave()

    check(server.close() == [], 'no trouble')


class Daemon:
    """The master of an nginx that is no child of this process, as a Popen."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        return None if nginx.alive(self.pid) else 0

    def wait(self, seconds=20):
        if not nginx.wait(lambda: self.poll() is not None, seconds):
            raise subprocess.TimeoutExpired('nginx', seconds)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


def start_daemon(server):
    """nginx takes USR2 only when its parent is not who started it."""
    with open(server.conf) as f:
        text = f.read().replace('daemon off;', '')

    with open(server.conf, 'w') as f:
        f.write(text)

    with open(os.path.join(server.prefix, 'output'), 'w') as output:
        subprocess.run([nginx.BINARY, '-p', server.prefix, '-c', server.conf,
                        '-e', os.path.join(server.prefix, 'error.log')],
                       check=True, stdout=output, stderr=output)

    pid = os.path.join(server.prefix, 'nginx.pid')
    check(nginx.wait(lambda: os.path.exists(pid) and open(pid).read().strip()),
          'starts as a daemon')
    server.process = Daemon(int(open(pid).read()))

    return server


def upgrade():
    """USR2, and back: two masters, each with a device process; nothing is
    lost."""
    # a new binary gets no other environment, and the sanitizers have theirs

    server = start_daemon(faulty.server(
        'batch 4; queue 100 timeout=20s;', workers=2, device='process',
        main='env ASAN_OPTIONS; env UBSAN_OPTIONS;'))
    load = Load(server, 6, faulty.body(20))
    check(load.more(10), 'load')
    old = set(server.children())

    server.tell(signal.SIGUSR2)
    pid = os.path.join(server.prefix, 'nginx.pid')
    check(nginx.wait(lambda: os.path.exists(pid + '.oldbin')
                     and os.path.exists(pid) and open(pid).read().strip()),
          'a new master')
    new = int(open(pid).read())
    check(new != server.pid, 'of its own')
    check(load.more(20), 'load')

    # the new one alone, and then the old one again

    server.tell(signal.SIGWINCH)
    check(nginx.wait(lambda: not old & (set(server.children()) - {new}), 20),
          'the old one has no workers', server.children())
    check(load.more(20), 'load')
    check(process(server)['pid'] not in old, 'the new one owns')

    server.tell(signal.SIGHUP)
    check(nginx.wait(lambda: len(server.workers()) >= 3, 20),
          'the old one has workers again', server.children())
    server.tell(signal.SIGQUIT, new)
    check(nginx.wait(lambda: not nginx.alive(new), 20), 'the new one quits')
    check(load.more(20), 'load')

    load.stop()
    check(load.failed == [] and load.wrong == [], 'nothing failed',
          load.failed[:3])
    end(server)


def alone():
    """Without a master it is a thread of the one process.  nginx itself has
    no connections left after a reload there."""
    server = faulty.server('batch 2; queue 100 timeout=20s;',
                           device='process')

    with open(server.conf) as f:
        text = f.read().replace('master_process on;', 'master_process off;')

    with open(server.conf, 'w') as f:
        f.write(text)

    server.parts['workers'] = 0
    server.start()
    jobs = pending(server, 6, 20)
    all_right(jobs, 20, 'alone')
    check(process(server)['pid'] == server.pid, 'it is the owner')

    answer = server.post('/infer', faulty.body(1, fail=2))
    check(answer.status == 500, 'a device that is lost fails its job', answer)
    check(nginx.wait(lambda: server.post('/infer', faulty.body()).status
                     == 503), 'and nobody replaces it')
    check(server.stop(), 'stops')
    trouble = [t for t in server.close() if 'is lost' not in t]
    check(trouble == [], 'no trouble', trouble)


def beside_a_cache():
    """nginx's own cache manager runs, too."""
    server = faulty.server(
        'batch 2; queue 100 timeout=20s;', device='process',
        http='ml_zone ml:1m; proxy_cache_path cache keys_zone=c:1m;',
        location='''
        location /cached { proxy_pass http://127.0.0.1:1/; proxy_cache c; }
        ''').start()

    check(nginx.wait(lambda: len(server.devices()) == 1), 'both')
    all_right(pending(server, 4, 10), 10, 'beside a cache')
    server.tell(signal.SIGKILL, server.devices()[0])
    all_right(pending(server, 4, 10), 10, 'replaced')
    check(server.reload(), 'reloads')
    all_right(pending(server, 4, 10), 10, 'reloaded')
    end(server, 'exited on signal 9')


def aborts():
    """Clients that leave while their job waits, runs or is done; a deadline
    on a connection that is used again."""
    server = faulty.server('batch 1; queue 100 timeout=300ms;', workers=1,
                           device='process').start()

    for i in range(20):
        running = nginx.Pending(server, 'POST', '/infer', faulty.body(40))
        waiting = nginx.Pending(server, 'POST', '/infer', faulty.body(5))
        nginx.wait(lambda: faulty.depth(server) == 1, 1)

        for job in ((running, waiting) if i % 2 else (waiting, running)):
            job.leave()

    check(nginx.wait(lambda: all_free(server)), 'all slots are free',
          process(server))

    connection = nginx.http.client.HTTPConnection('127.0.0.1', server.port,
                                                  timeout=30)

    for i in range(4):
        answer = nginx.ask(connection, 'POST', '/infer',
                           faulty.body(500, tag=100 + i))
        check(answer.status in (503, 504), 'too late', answer)
        answer = nginx.ask(connection, 'POST', '/infer', faulty.body(tag=i))
        check(answer.status in (503, 504)
              or answer.json()['y'][2] == i, 'nobody else\'s result', answer)
        time.sleep(0.3)
        answer = nginx.ask(connection, 'POST', '/infer', faulty.body(tag=i))
        check(answer.status == 200 and answer.json()['y'][2] == i,
              'its own result', answer)

    connection.close()
    end(server)


reloads()
changes()
quits()
upgrade()
alone()
beside_a_cache()
aborts()

tally.end()
