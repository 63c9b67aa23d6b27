"""Limits over several workers: exact, settled once on every exit, kept over
reloads, and clean after a worker that was killed."""

import http.client
import os
import signal
import socket
import threading
import time

import nginx
import tally
from tally import check

STATUS = '''
location = /status { ml_status json; }
location = /metrics { ml_status prometheus; }
'''


class Upstream:
    """Answers /fast at once, closes /drop, and holds anything else until it
    is released."""

    def __init__(self):
        self.released = threading.Event()
        self.holding = 0
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            s, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(s,),
                             daemon=True).start()

    def serve(self, s):
        try:
            line = s.makefile('rb').readline()

            if b'/drop' in line:
                return

            if b'/fast' not in line:
                self.holding += 1
                self.released.wait(20)
                self.holding -= 1

            s.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n'
                      b'Connection: close\r\n\r\nok')
        except OSError:
            pass
        finally:
            s.close()


def running(server):
    return server.get('/status').json()['ratelimit']['running']


def cost(server, state):
    return server.metric('ml_cost_total{tier="anonymous",unit="cost",'
                         'state="%s"}' % state) or 0


def quiet(server, what):
    """Nothing runs any more, and every unit reserved has one fate."""
    check(nginx.wait(lambda: running(server) == 0), what + ': concurrency',
          running(server))
    check(nginx.wait(lambda: cost(server, 'reserved')
                     == cost(server, 'settled') + cost(server, 'released')),
          what + ': settlement', '%s = %s + %s'
          % tuple(cost(server, s) for s in ('reserved', 'settled',
                                            'released')))


def many(server, path, threads, requests):
    """Statuses of threads * requests, each thread on its own connections."""
    statuses = []
    lock = threading.Lock()

    def work():
        for _ in range(requests):
            status = server.get(path).status
            with lock:
                statuses.append(status)

    workers = [threading.Thread(target=work) for _ in range(threads)]

    for w in workers:
        w.start()

    for w in workers:
        w.join()

    return statuses


def one_budget():
    server = nginx.Nginx(http='''
        ml_zone ml:4m;
        ml_tier anonymous cost=1000/h burst=300 requests=10000/h;
        ''', location='''
        location = /t { empty_gif; ml_ratelimit; }
        ''' + STATUS, workers=4).start()

    statuses = many(server, '/t', 12, 100)

    check(statuses.count(200) in (300, 301), 'four workers share one budget',
          statuses.count(200))
    check(statuses.count(429) == 1200 - statuses.count(200),
          'the others are refused')

    # not given again by a reload, neither to old nor to new workers

    check(server.reload(), 'reload')
    statuses = many(server, '/t', 4, 10)
    check(statuses.count(200) <= 1, 'limits survive a reload',
          statuses.count(200))

    # another rate under the same name goes on with what was spent

    server.configure(http=server.parts['http'].replace('burst=300',
                                                       'burst=310'))
    old = server.workers()
    check(server.reload(), 'reload with another burst')
    check(nginx.wait(lambda: not set(old) & set(server.workers())),
          'the old workers are gone')
    statuses = many(server, '/t', 4, 10)
    check(statuses.count(200) in (10, 11, 12), 'a wider burst is ten more',
          statuses.count(200))

    check(server.stop(), 'stop')
    check(server.close() == [], 'log')


def all_at_the_gate(upstream):
    """All are let in by the gate, their bodies not being whole; the charge
    lets through what the budget holds."""
    server = nginx.Nginx(http='ml_zone ml:4m; ml_tier anonymous cost=5/h;',
                         location='''
        location = /t {
            proxy_pass http://127.0.0.1:%d/fast;
            ml_validate schema=any.json;
            ml_ratelimit;
        }
        ''' % upstream.port + STATUS, workers=4,
        files={'any.json': '{"type": "object"}'}).start()

    request = nginx.raw('/t', '{}')
    clients = [server.connect() for _ in range(40)]

    for s in clients:
        s.sendall(request[:-1])

    time.sleep(0.3)

    for s in clients:
        s.sendall(request[-1:])

    statuses = [s.recv(4096)[9:12] for s in clients]

    for s in clients:
        s.close()

    check(statuses.count(b'200') == 5 and statuses.count(b'429') == 35,
          'five of forty get through the charge', statuses)

    check(server.stop(), 'stop')
    check(server.close() == [], 'log')


def concurrency_of_workers(upstream):
    server = nginx.Nginx(http='''
        ml_zone ml:4m;
        ml_tier anonymous concurrency=5;
        ''', location='''
        location / {
            proxy_pass http://127.0.0.1:%d;
            ml_ratelimit;
        }
        ''' % upstream.port + STATUS, workers=4).start()

    upstream.released.clear()
    pending = [nginx.Pending(server, 'GET', '/hold') for _ in range(40)]

    check(nginx.wait(lambda: upstream.holding == 5), 'five get through',
          upstream.holding)
    check(nginx.wait(lambda: running(server) == 5), 'five are counted')
    check(server.get('/hold').status == 429, 'the gate refuses a sixth')

    # old workers hold them, new workers see them

    check(server.reload(), 'reload')
    check(running(server) == 5, 'concurrency survives a reload')
    check(server.get('/hold').status == 429, 'the limit survives a reload')

    upstream.released.set()
    statuses = [p.join().status for p in pending]

    check(statuses.count(200) == 5 and statuses.count(429) == 35,
          'five of forty', statuses)
    quiet(server, 'after a reload')

    # a worker that is killed takes along what it counted

    upstream.released.clear()
    pending = [nginx.Pending(server, 'GET', '/hold') for _ in range(5)]
    check(nginx.wait(lambda: running(server) == 5), 'five again')

    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)

    check(nginx.wait(lambda: len(server.workers()) == 4
                     and server.connects()), 'respawned')
    upstream.released.set()

    check(server.get('/fast').status == 200, 'no place stays taken')
    quiet(server, 'after kill -9')

    for p in pending:
        p.join()

    # nobody takes the place of an old worker: those that stay notice

    upstream.released.clear()
    pending = [nginx.Pending(server, 'GET', '/hold') for _ in range(5)]
    check(nginx.wait(lambda: running(server) == 5), 'five in old workers')

    old = server.workers()
    check(server.reload(), 'reload')

    for pid in old:
        if nginx.alive(pid):
            os.kill(pid, signal.SIGKILL)

    check(nginx.wait(lambda: not set(old) & set(server.workers())),
          'the old workers are dead')
    upstream.released.set()

    check(server.get('/fast').status == 200,
          'no place of an old worker stays taken')
    quiet(server, 'after kill -9 of old workers')

    for p in pending:
        p.join()

    # below the limit no request looks for the dead: the status does

    upstream.released.clear()
    pending = [nginx.Pending(server, 'GET', '/hold') for _ in range(4)]
    check(nginx.wait(lambda: running(server) == 4), 'four in old workers')

    old = server.workers()
    check(server.reload(), 'reload')

    # those that are not yet told to quit would be respawned, and reaped
    time.sleep(0.5)

    for pid in old:
        if nginx.alive(pid):
            os.kill(pid, signal.SIGKILL)

    check(nginx.wait(lambda: not set(old) & set(server.workers())),
          'the old workers are dead again')
    upstream.released.set()
    quiet(server, 'what the status says of the dead')

    for p in pending:
        p.join()

    check(server.stop(), 'stop')
    server.close()


def http2_request(path):
    """HTTP/2 without a library: preface, SETTINGS, HEADERS of stream 1."""

    def literal(index, value):
        return bytes([index, len(value)]) + value.encode()

    # indexed :method GET and :scheme http, literal :path and :authority
    block = b'\x82\x86' + literal(0x04, path) + literal(0x01, 'localhost')

    return (b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
            + b'\0\0\0\4\0\0\0\0\0'
            + len(block).to_bytes(3, 'big') + b'\1\5'
            + (1).to_bytes(4, 'big') + block)


def rst_stream():
    return (4).to_bytes(3, 'big') + b'\3\0' + (1).to_bytes(4, 'big') \
        + (8).to_bytes(4, 'big')


def every_exit(upstream):
    http2 = nginx.free_port()
    location = '''
        client_body_timeout 300ms;
        lingering_timeout 200ms;
        location / {
            proxy_pass http://127.0.0.1:%d;
            proxy_read_timeout 5s;
            ml_ratelimit;
        }
        location = /504 {
            proxy_pass http://127.0.0.1:%d/hold;
            proxy_read_timeout 200ms;
            ml_ratelimit;
        }
        location = /502 {
            proxy_pass http://127.0.0.1:%d/drop;
            ml_ratelimit;
        }
        location = /page {
            proxy_pass http://127.0.0.1:%d/drop;
            error_page 502 = /fast;
            ml_ratelimit;
        }
        location = /named {
            error_page 404 = @named;
            root html;
            ml_ratelimit;
        }
        location @named { proxy_pass http://127.0.0.1:%d; }
        location = /rewrite { rewrite ^ /fast last; }
        location = /try { try_files /none /fast; ml_ratelimit; }
        ''' % ((upstream.port,) * 5)

    server = nginx.Nginx(http='''
        ml_zone ml:4m;
        ml_tier anonymous cost=1000000/s concurrency=4;
        server { listen 127.0.0.1:%d http2; %s }
        ''' % (http2, location), location=location + STATUS,
        main='worker_shutdown_timeout 1s;', workers=2).start()

    def expect(status, path):
        check(server.get(path).status == status, 'exit %s' % path)
        quiet(server, 'exit %s' % path)

    upstream.released.clear()

    expect(200, '/fast')
    expect(502, '/502')
    expect(504, '/504')
    expect(200, '/page')
    expect(200, '/rewrite')
    expect(200, '/try')

    settled = cost(server, 'settled')
    released = cost(server, 'released')
    check(server.get('/502').status == 502, 'exit 502')
    quiet(server, 'exit 502')
    check(cost(server, 'settled') == settled
          and cost(server, 'released') == released + 1, '502 is given back')

    # 499: the client leaves while the upstream works

    pending = nginx.Pending(server, 'GET', '/hold')
    check(nginx.wait(lambda: running(server) == 1), '499: running')
    pending.leave()
    quiet(server, '499')
    check(cost(server, 'settled') == settled + 1, '499 is charged')

    # the client leaves in the middle of its body

    s = server.connect()
    s.sendall(b'POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n'
              b'half')
    check(nginx.wait(lambda: running(server) == 1), 'abort: running')
    s.close()
    quiet(server, 'mid-body abort')

    # 408: the body does not come

    s = server.connect()
    s.sendall(b'POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n'
              b'half')
    check(nginx.wait(lambda: running(server) == 1), '408: running')
    quiet(server, '408')
    s.close()

    # HTTP/2: the stream is reset, the connection is lost

    for what in 'RST', 'loss':
        s = socket.create_connection(('127.0.0.1', http2))
        s.sendall(http2_request('/hold'))
        check(nginx.wait(lambda: running(server) == 1),
              'HTTP/2 %s: running' % what)

        if what == 'RST':
            s.sendall(rst_stream())
            quiet(server, 'HTTP/2 RST')

        s.close()
        quiet(server, 'HTTP/2 ' + what)

    # the limit holds, and what is refused at once leaves nothing behind

    pending = [nginx.Pending(server, 'GET', '/hold') for _ in range(12)]
    check(nginx.wait(lambda: running(server) == 4), 'four run')
    upstream.released.set()
    statuses = sorted(p.join().status for p in pending)
    check(statuses.count(200) >= 4 and set(statuses) <= {200, 429},
          'the rest is refused', statuses)
    quiet(server, 'after a crowd')

    # QUIT with worker_shutdown_timeout: settled in the old worker

    upstream.released.clear()
    pending = [nginx.Pending(server, 'GET', '/hold') for _ in range(3)]
    check(nginx.wait(lambda: running(server) == 3), 'three run')
    check(server.reload(), 'reload')
    quiet(server, 'QUIT')
    upstream.released.set()

    for p in pending:
        p.join()

    check(server.stop(), 'stop')
    server.close()


def expect_at_the_gate(upstream):
    server = nginx.Nginx(http='''
        ml_zone ml:4m;
        ml_tier anonymous cost=1/h;
        ''', location='''
        lingering_timeout 200ms;
        location = /t {
            proxy_pass http://127.0.0.1:%d/fast;
            ml_ratelimit;
        }
        ''' % upstream.port + STATUS).start()

    check(server.get('/t').status == 200, 'the budget')

    s = server.connect()
    s.sendall(b'POST /t HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n'
              b'Expect: 100-continue\r\n\r\n')

    head = s.makefile('rb').read()
    s.close()

    check(head.startswith(b'HTTP/1.1 429'), 'refused before the body',
          head[:80])
    check(b'100 Continue' not in head, 'no 100 Continue')
    check(b'Connection: close' in head, 'the connection ends')

    # without Expect the connection goes on behind the refused body

    c = http.client.HTTPConnection('127.0.0.1', server.port, timeout=10)
    body = b'x' * 50000
    check(nginx.ask(c, 'POST', '/t', body).status == 429, 'refused')
    check(nginx.ask(c, 'GET', '/status').status == 200,
          'the next request on the connection')
    c.close()

    check(server.stop(), 'stop')
    check(server.close() == [], 'log')


def refused_bodies():
    """Whatever validate refuses counts as a request, once."""
    server = nginx.Nginx(http='''
        ml_zone ml:4m;
        ml_tier anonymous cost=1000/h requests=4/h;
        ''', location='''
        lingering_timeout 200ms;
        location /t {
            ml_validate schema=object.json;
            ml_ratelimit;
            proxy_pass http://127.0.0.1:1;
            location = /t/soon {
                client_body_timeout 300ms;
                proxy_pass http://127.0.0.1:1;
            }
        }
        ''' + STATUS, workers=2,
        files={'object.json': '{"type": "object"}'}).start()

    def requests(state):
        return server.metric('ml_cost_total{tier="anonymous",'
                             'unit="requests",state="%s"}' % state) or 0

    def send(path, body):
        s = server.connect()
        s.sendall(b'POST ' + path + b' HTTP/1.1\r\nHost: a\r\n'
                  b'Content-Type: application/json\r\nContent-Length: 9\r\n'
                  b'Connection: close\r\n\r\n' + body)
        return s

    def status(s):
        line = s.makefile('rb').readline()
        s.close()
        return int(line.split()[1])

    check(status(send(b'/t/soon', b' ')) == 408, 'a body does not come')
    check(nginx.wait(lambda: requests('settled') == 1), '408 counts')

    # these pass the gate while there is room, and together go into debt

    waiting = [send(b'/t', b' ') for _ in range(5)]
    time.sleep(0.5)

    for s in waiting:
        s.sendall(b'[')
        code = status(s)
        check(code == 422, 'a refused body', code)

    check(nginx.wait(lambda: requests('settled') == 6), 'all of them count',
          requests('settled'))
    check(requests('reserved') == 6, 'reserved', requests('reserved'))

    answer = server.request('POST', '/t', b'[]')
    check(answer.status == 429, 'the gate knows of the debt')
    check(1800 < int(answer.headers.get('Retry-After', 0)) <= 2700,
          'Retry-After tells of the debt', answer.headers)
    check(cost(server, 'reserved') == 0, 'invalid bodies cost nothing')

    check(server.stop(), 'stop')
    check(server.close() == [], 'log')


def retry_after():
    """Whoever waits as told and sends nothing else gets in."""
    server = nginx.Nginx(http='''
        ml_zone ml:4m;
        ml_tier anonymous cost=7/s burst=10;
        ''', location='''
        location = /t { empty_gif; ml_ratelimit cost=9; }
        ''' + STATUS, workers=2).start()

    early = 0

    check(server.get('/t').status == 200, 'the first')

    for _ in range(3):
        answer = server.get('/t')
        check(answer.status == 429, 'over the budget')
        time.sleep(int(answer.headers['Retry-After']))
        early += server.get('/t').status != 200

    check(early == 0, 'Retry-After is never too early', early)

    check(server.stop(), 'stop')
    check(server.close() == [], 'log')


def main():
    upstream = Upstream()

    one_budget()
    all_at_the_gate(upstream)
    concurrency_of_workers(upstream)
    every_exit(upstream)
    expect_at_the_gate(upstream)
    refused_bodies()
    retry_after()

    tally.end()


main()
