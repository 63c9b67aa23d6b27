"""What the benchmarks share: an nginx of their own, wrk, and tables of
medians with their spread."""

import json
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../..'))
NGINX = os.environ['TEST_NGINX_BINARY']
MODULES = os.environ['TEST_NGINX_LOAD_MODULES'].split()
ECHO = '/usr/lib/nginx/modules/ngx_http_echo_module.so'
TICKS = os.sysconf('SC_CLK_TCK')

# one worker on one core, its load on the others
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
CLIENT_CORES = CORES[1:] or CORES

CONF = '''
{load}
worker_processes 1;
worker_cpu_affinity {mask};
pid nginx.pid;
error_log error.log;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_max_body_size 64m;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {http}
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
'''


class Nginx:
    """One worker with the given configuration; use with "with"."""

    def __init__(self, name, http, server, modules=()):
        self.prefix = os.path.join(ROOT, 'build/bench', name)
        os.makedirs(self.prefix, exist_ok=True)

        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]

        self.conf = CONF.format(
            load='\n'.join('load_module %s;' % m
                           for m in [*modules, ECHO, *MODULES]),
            mask=bin(1 << SERVER_CORE)[2:],
            user='user root;' if os.getuid() == 0 else '',
            http=http, server=server, port=self.port)

    def __enter__(self):
        path = os.path.join(self.prefix, 'nginx.conf')

        with open(path, 'w') as f:
            f.write(self.conf)

        self.master = subprocess.Popen([NGINX, '-e', 'stderr', '-p',
                                        self.prefix, '-c', path, '-g',
                                        'daemon off;'])

        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(('127.0.0.1', self.port)) == 0:
                    break

            if self.master.poll() is not None:
                sys.exit('nginx does not start')

            time.sleep(0.05)

        children = '/proc/%d/task/%d/children' % (self.master.pid,
                                                  self.master.pid)

        with open(children) as f:
            self.worker = int(f.read().split()[0])

        return self

    def __exit__(self, *_):
        self.master.send_signal(signal.SIGTERM)
        self.master.wait()

    def url(self, path):
        return 'http://127.0.0.1:%d%s' % (self.port, path)

    def cpu(self):
        """Seconds of CPU that the worker has used, all threads."""
        with open('/proc/%d/stat' % self.worker) as f:
            fields = f.read().rpartition(')')[2].split()

        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, name):
        """A field of /proc/PID/status in bytes: VmRSS, VmHWM."""
        with open('/proc/%d/status' % self.worker) as f:
            return int(re.search(name + r':\s+(\d+) kB', f.read())[1]) * 1024

    def reset_peak(self):
        with open('/proc/%d/clear_refs' % self.worker, 'w') as f:
            f.write('5')

    def post(self, path, body):
        return subprocess.run(
            ['curl', '-s', '-o', os.path.join(self.prefix, 'answer'), '-w',
             '%{http_code}', '-H', 'Content-Type: application/json', '-H',
             'Expect:', '--data-binary', '@-', self.url(path)],
            input=body.encode(), capture_output=True).stdout.decode()

    def script(self, body):
        """What makes wrk send a body."""
        return write(os.path.join(self.prefix, 'post.lua'),
                     'wrk.method = "POST"\n'
                     'wrk.headers["Content-Type"] = "application/json"\n'
                     'wrk.body = [[%s]]\n' % body)

    def load(self, path, body, seconds, connections=32):
        """Requests a second, and worker CPU microseconds per request."""
        before = self.cpu()
        out = subprocess.run(
            ['taskset', '-c', ','.join(map(str, CLIENT_CORES)), 'wrk', '-t',
             str(len(CLIENT_CORES)), '-c', str(connections), '-d',
             '%ds' % seconds, '-s', self.script(body), self.url(path)],
            capture_output=True, text=True, check=True).stdout
        used = self.cpu() - before

        if 'Non-2xx' in out or 'Socket errors' in out:
            sys.exit('%s: not all requests were answered:\n%s' % (path, out))

        requests = int(re.search(r'(\d+) requests in', out)[1])
        rate = float(re.search(r'Requests/sec:\s+([\d.]+)', out)[1])

        return rate, used / requests * 1e6


def floats(n, seed=1):
    """JSON of {"features": [...]} with n numbers of four decimals."""
    import random
    pseudo = random.Random(seed)
    values = ','.join('%.4f' % pseudo.uniform(-1, 1) for _ in range(n))

    return '{"features":[%s]}' % values


def schema(n):
    return json.dumps({
        'type': 'object', 'required': ['features'],
        'additionalProperties': False,
        'properties': {'features': {'x-tensor': {
            'input': 'features', 'dtype': 'float32', 'shape': [n],
            'minimum': -100, 'maximum': 100}}}})


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)

    with open(path, 'w') as f:
        f.write(text)

    return path


def spread(values, form='%.0f'):
    """The median, and the least and greatest of the rounds."""
    return ('%s (%s to %s)' % (form, form, form)) % (
        statistics.median(values), min(values), max(values))


def machine():
    with open('/proc/cpuinfo') as f:
        model = re.search(r'model name\s*:\s*(.*)', f.read())

    nginx = subprocess.run([NGINX, '-v'], capture_output=True,
                           text=True).stderr.strip().split('/')[-1]
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'],
                            cwd=ROOT, capture_output=True,
                            text=True).stdout.strip()

    return '%s, %d cores; Linux %s; nginx %s; commit %s' % (
        model[1].strip() if model else platform.machine(), len(CORES),
        '.'.join(platform.release().split('.')[:2]), nginx, commit)


def table(header, rows):
    lines = ['| ' + ' | '.join(header) + ' |',
             '|' + '---|' * len(header)]
    lines += ['| ' + ' | '.join(row) + ' |' for row in rows]

    return '\n'.join(lines)


def report(name, title, text):
    """Prints the result and keeps it in bench/results."""
    whole = '# %s\n\n%s\n\nMachine: %s.\n' % (title, text, machine())
    write(os.path.join(ROOT, 'bench/results', name + '.md'), whole)
    print(whole)
