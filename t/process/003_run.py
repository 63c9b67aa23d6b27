"""./build.sh run: the worked example answers, Ctrl-C leaves nothing behind,
and a taken port gives one line."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import tally

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')
HEADER = ['-H', 'Content-Type: application/json']
TEN = '{"features": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], ' \
      '"request_id": "req_001"}'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def connects(port):
    with socket.socket() as s:
        return s.connect_ex(('127.0.0.1', port)) == 0


def start(port):
    env = dict(os.environ, PORT=str(port))
    return subprocess.Popen(['./build.sh', 'run'], cwd=ROOT, env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, start_new_session=True)


def curl(port, path, *options):
    """As the article's commands: status and body."""
    out = subprocess.run(['curl', '-s', '-w', '\n%{http_code}', *options,
                          'http://localhost:%d%s' % (port, path)],
                         capture_output=True, text=True, timeout=10).stdout
    body, _, status = out.rpartition('\n')

    return int(status or 0), body


def members(body):
    try:
        return json.loads(body)
    except ValueError:
        return {}


def answers(port):
    status, body = curl(port, '/predict', '-X', 'POST', *HEADER, '-d', TEN)
    got = members(body)
    tally.check(status == 200 and list(got) == ['prediction', 'confidence',
                                                'request_id']
                and got['prediction'] == 5.5
                and isinstance(got['confidence'], float)
                and got['request_id'] == 'req_001',
                'the mean of ten features', '%s %s' % (status, body))

    again = curl(port, '/predict', '-X', 'POST', *HEADER, '-d', TEN)
    tally.check(again == (status, body), 'the same answer again', again)

    status, body = curl(port, '/predict', '-X', 'POST', *HEADER,
                        '-d', '{"features": [1.0, 2.0]}')
    detail = members(body).get('detail') or [{}]
    tally.check(status == 422 and detail[0].get('type') == 'too_short'
                and detail[0].get('loc') == ['body', 'features'],
                'two features', '%s %s' % (status, body))

    status, body = curl(port, '/predict', '-X', 'POST', *HEADER,
                        '-d', TEN.replace('10.0', 'NaN'))
    tally.check(status == 422, 'a feature that is NaN',
                '%s %s' % (status, body))

    status, body = curl(port, '/health')
    tally.check((status, body) == (200, '{"status":"ok"}'), 'health',
                '%s %s' % (status, body))

    statuses = [curl(port, '/predict', '-X', 'POST', *HEADER, '-d', TEN)[0]
                for _ in range(40)]
    # some budget comes back while a slow machine asks
    tally.check(statuses[0] == 200 and set(statuses) == {200, 429},
                '429 when the budget is gone', statuses)

    status, body = curl(port, '/health')
    tally.check(status == 200, 'health costs nothing', status)


def session_processes(session):
    """The processes of a session, zombies left out."""
    out = subprocess.run(['ps', '-s', str(session), '-o', 'pid=,stat=,args='],
                         capture_output=True, text=True).stdout

    return [line for line in out.splitlines()
            if not re.match(r'\s*\d+\s+Z', line)]


def ends(port, run, how):
    how()

    try:
        out, _ = run.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        out = 'still running'

    tally.check(run.returncode == 0, 'ends cleanly',
                '%s: %s' % (run.returncode, out))
    tally.check(not connects(port), 'the port is free again')
    tally.check(session_processes(run.pid) == [], 'nothing is left running',
                session_processes(run.pid))

    return out


def up(port, run):
    for _ in range(1200):
        if run.poll() is not None:
            tally.check(False, 'nginx starts', run.stdout.read())
            return False

        if connects(port):
            tally.check(True, 'nginx starts')
            return True

        time.sleep(0.05)

    os.killpg(run.pid, signal.SIGKILL)
    tally.check(False, 'nginx starts within a minute')

    return False


def main():
    port = free_port()
    run = start(port)

    if up(port, run):
        answers(port)

        second = start(port)
        out, _ = second.communicate(timeout=60)
        tally.check(second.returncode == 1 and out.count('\n') == 1
                    and 'port %d is taken' % port in out,
                    'a taken port gives one line', out)

        # Ctrl-C in a terminal goes to the whole group
        out = ends(port, run, lambda: os.killpg(run.pid, signal.SIGINT))
        tally.check(len(re.findall(r'^curl ', out, re.M)) == 3,
                    'three commands to try', out)

    port = free_port()
    run = start(port)

    if up(port, run):
        ends(port, run, lambda: os.kill(run.pid, signal.SIGTERM))

    tally.end()


main()
