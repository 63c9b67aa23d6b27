"""An nginx of its own for a test: master on, N workers, a private prefix.

    server = nginx.Nginx(http='...', location='...', workers=4)
    server.start()
    ...
    server.stop()

TEST_NGINX_BINARY and TEST_NGINX_LOAD_MODULES name what to run.  Nothing here
sleeps for a fixed time: wait() polls a condition against a deadline.
"""

import atexit
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../..'))
BINARY = os.environ.get('TEST_NGINX_BINARY', '/usr/sbin/nginx')
MODULES = os.environ.get('TEST_NGINX_LOAD_MODULES', '').split()

# what no test may leave in the error log; what UBSan finds in nginx's own
# sources (src/) is not ours, see t/ubsan.supp
TROUBLE = re.compile(r'^(?!src/).*(\[alert\]|\[emerg\]|Sanitizer|'
                     r'runtime error:).*', re.M)

CONF = '''{modules}
daemon off;
master_process on;
worker_processes {workers};
worker_rlimit_core 0;
error_log {prefix}/error.log {level};
pid {prefix}/nginx.pid;
{user}
{main}

events {{
    worker_connections {connections};
    accept_mutex off;
}}

http {{
    access_log off;
    client_body_temp_path {prefix}/temp_body;
    proxy_temp_path {prefix}/temp_proxy;
    fastcgi_temp_path {prefix}/temp_fastcgi;
    uwsgi_temp_path {prefix}/temp_uwsgi;
    scgi_temp_path {prefix}/temp_scgi;

    {http}

    server {{
        listen 127.0.0.1:{port} backlog=4096 {listen};
        {server}
        {location}
    }}
}}
'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait(condition, seconds=10.0, step=0.01):
    """Polls until the condition holds; its value, or None when it never does.
    """
    deadline = time.monotonic() + seconds

    while True:
        value = condition()

        if value:
            return value

        if time.monotonic() > deadline:
            return None

        time.sleep(step)


def alive(pid):
    """Whether a process runs; a zombie does not."""
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __repr__(self):
        return '%s %s' % (self.status, self.body[:200])


class Nginx:
    def __init__(self, http='', server='', location='', main='', workers=1,
                 files=None, level='info', listen='', connections=1024,
                 modules=None):
        self.prefix = tempfile.mkdtemp(prefix='ngx_ml_')
        self.port = free_port()
        self.conf = os.path.join(self.prefix, 'nginx.conf')
        self.process = None
        self.parts = dict(http=http, server=server, location=location,
                          main=main, workers=workers, level=level,
                          listen=listen, connections=connections)
        self.modules = MODULES if modules is None else modules

        os.chmod(self.prefix, 0o755)

        for name, text in (files or {}).items():
            self.write(name, text)

        self.configure()

    def write(self, name, text):
        with open(os.path.join(self.prefix, name), 'w') as f:
            f.write(text)

    def configure(self, **parts):
        """Writes nginx.conf again, with some parts replaced."""
        self.parts.update(parts)

        with open(self.conf, 'w') as f:
            f.write(CONF.format(
                modules='\n'.join('load_module %s;' % m
                                  for m in self.modules),
                user='user root;' if os.geteuid() == 0 else '',
                prefix=self.prefix, port=self.port, **self.parts))

    def start(self):
        self.output = open(os.path.join(self.prefix, 'output'), 'w')
        self.process = subprocess.Popen(
            [BINARY, '-p', self.prefix, '-c', self.conf,
             '-e', os.path.join(self.prefix, 'error.log')],
            stdout=self.output, stderr=subprocess.STDOUT)

        atexit.register(self.abandon)

        want = self.parts['workers']

        if not wait(lambda: len(self.workers()) == want and self.connects()):
            said = self.said()
            self.kill()
            raise SystemExit('nginx did not start:\n%s' % said)

        return self

    def connects(self):
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        """The master's children that are alive, and what they are called."""
        found = {}

        try:
            with open('/proc/%d/task/%d/children' % (self.pid, self.pid)) as f:
                pids = [int(p) for p in f.read().split() if alive(int(p))]

            for pid in pids:
                with open('/proc/%d/cmdline' % pid) as f:
                    found[pid] = f.read().strip('\0 ')
        except OSError:
            pass

        return found

    def workers(self):
        return [pid for pid, title in self.children().items()
                if 'cache' not in title]

    def devices(self):
        """The helpers that own the devices."""
        return [pid for pid, title in self.children().items()
                if 'device process' in title]

    def tell(self, number, pid=None):
        os.kill(pid or self.pid, number)

    def reload(self):
        """HUP, and waits until the workers are others."""
        before = set(self.workers())
        want = self.parts['workers']

        self.tell(signal.SIGHUP)

        return wait(lambda: len(set(self.workers()) - before) >= want)

    def stop(self, number=signal.SIGQUIT, seconds=20):
        """Stops it; whether it went by itself in time."""
        if self.process.poll() is None:
            self.tell(number)

        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self):
        for pid in self.children():
            os.kill(pid, signal.SIGKILL)

        self.process.kill()
        self.process.wait()

    def abandon(self):
        """A script that ended by an exception leaves nothing running."""
        if self.process.poll() is None:
            self.kill()

    def close(self):
        """Stops it if need be and removes its files; what it complained of.
        """
        if self.process and self.process.poll() is None:
            self.stop(signal.SIGTERM)

        trouble = self.trouble()
        shutil.rmtree(self.prefix)

        return trouble

    def log(self):
        try:
            with open(os.path.join(self.prefix, 'error.log'),
                      errors='replace') as f:
                return f.read()
        except OSError:
            return ''

    def said(self):
        with open(os.path.join(self.prefix, 'output'), errors='replace') as f:
            return f.read() + self.log()

    def trouble(self):
        return [m.group(0) for m in TROUBLE.finditer(self.said())]

    def connect(self, timeout=10):
        return socket.create_connection(('127.0.0.1', self.port), timeout)

    def request(self, method, path, body=None, headers=None, timeout=30):
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port,
                                                timeout=timeout)
        try:
            return ask(connection, method, path, body, headers)
        finally:
            connection.close()

    def get(self, path):
        return self.request('GET', path)

    def post(self, path, body, headers=None, timeout=30):
        return self.request('POST', path, body, headers, timeout)

    def metric(self, sample, path='/metrics'):
        """The value of a sample, None when there is none."""
        for line in self.get(path).body.decode().splitlines():
            if line.startswith(sample + ' '):
                return float(line.rpartition(' ')[2])

        return None


def send(connection, method, path, body=None, headers=None):
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)

    headers = dict(headers or {})

    if body is not None:
        headers.setdefault('Content-Type', 'application/json')

    connection.request(method, path, body, headers)


def receive(connection):
    response = connection.getresponse()

    return Answer(response.status, dict(response.getheaders()),
                  response.read())


def ask(connection, method, path, body=None, headers=None):
    """One request on a given http.client connection."""
    send(connection, method, path, body, headers)

    return receive(connection)


class Pending:
    """A request that was sent; its answer comes later, if it is waited for.
    """

    def __init__(self, server, method, path, body=None, headers=None):
        self.connection = http.client.HTTPConnection('127.0.0.1', server.port,
                                                     timeout=30)
        send(self.connection, method, path, body, headers)

    def join(self):
        """The answer, or the error that came instead of it."""
        try:
            return receive(self.connection)
        except (OSError, http.client.HTTPException) as e:
            return Answer(0, {}, repr(e).encode())
        finally:
            self.connection.close()

    def leave(self):
        """Closes at once, with an RST, as a killed client does."""
        s = self.connection.sock
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack('ii', 1, 0))
        self.connection.close()


def raw(path, body, headers='', method='POST'):
    """The bytes of a request."""
    if isinstance(body, str):
        body = body.encode()

    return ('%s %s HTTP/1.1\r\nHost: localhost\r\n'
            'Content-Type: application/json\r\nContent-Length: %d\r\n%s\r\n'
            % (method, path, len(body), headers)).encode() + body
