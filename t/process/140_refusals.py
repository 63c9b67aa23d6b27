"""Refusals before the end of a body: the answer arrives, whatever the
protocol and however the body comes."""

import os
import socket
import subprocess
import time

import nginx
import tally

ECHO = '/usr/lib/nginx/modules/ngx_http_echo_module.so'

SCHEMA = '{"type": "object", "properties": {"a": {"type": "integer"}}, ' \
         '"additionalProperties": false}'

KEYS = '{"keys": [{"name": "acme", "tier": "pro", "sha256": "%s"}]}' \
       % ('0' * 64)

HTTP = '''
    ml_zone ml:2m;
    ml_keys keys.json;
    ml_tier pro cost=1/h;
    upstream none { server 127.0.0.1:1; }
'''

LOCATION = '''
    client_body_buffer_size 1k;
    location = /t {
        ml_validate  schema=schema.json;
        ml_ratelimit cost=1;
        proxy_pass   http://none;
    }
    location = /slow {
        client_body_timeout 500ms;
        ml_validate  schema=schema.json;
        proxy_pass   http://none;
    }
'''


def curl(server, pieces, *headers, path='/t', pause=0.2):
    """Status and body of a streamed HTTP/2 POST; '' when it was lost."""
    command = ['curl', '-s', '--http2-prior-knowledge', '-X', 'POST',
               '-T', '-', '-w', '\n%{http_code}', '-m', '20',
               'http://127.0.0.1:%d%s' % (server.port, path)]

    for header in headers:
        command += ['-H', header]

    process = subprocess.Popen(command, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)

    for i, piece in enumerate(pieces):
        if i:
            time.sleep(pause)

        try:
            process.stdin.write(piece)
            process.stdin.flush()
        except OSError:
            break

    out = process.communicate()[0].decode()
    body, _, status = out.rpartition('\n')

    return status, body


def start(**parts):
    server = nginx.Nginx(http=HTTP, location=LOCATION + parts.pop('more', ''),
                         files={'schema.json': SCHEMA, 'keys.json': KEYS},
                         **parts)

    return server.start()


def finish(server, what):
    tally.check(server.stop(), '%s: nginx quits' % what)
    trouble = server.close()
    tally.check(not trouble, '%s: a clean log' % what, '\n'.join(trouble))


def gate_over_http2():
    server = start(listen='http2')
    large = b'x' * 300000
    cases = (
        ('one piece, no length', [b'{"a":1}' * 30], []),
        ('two pieces, no length', [b'{"a":', b'1}'], []),
        ('300 KB, no length', [large], []),
        ('300 KB with its length', [large], ['Content-Length: 300000']),
    )

    for name, pieces, headers in cases:
        got = [curl(server, pieces, 'X-API-Key: no', *headers)
               for _ in range(4)]
        tally.check(got == [('401', '{"detail":"Invalid API key"}')] * 4,
                    '401, %s' % name, got)

        got = [curl(server, pieces, 'Content-Type: text/plain', *headers)[0]
               for _ in range(4)]
        tally.check(got == ['415'] * 4, '415, %s' % name, got)

    tally.check('temporary file' not in server.log(),
                'a refused body goes to no file', server.log())

    # the body stops short of its length: the refusal, not a timeout

    status, body = curl(server, [b'{"a":1', b''], 'Content-Length: 50',
                        'Content-Type: text/plain', path='/slow', pause=1.5)
    tally.check(status == '415', 'a client that stalls is told why',
                (status, body))

    finish(server, 'HTTP/2')


def page_after_half_a_body():
    """The rest of a refused body has no say in what the error page does."""
    if not os.path.exists(ECHO):
        tally.skip('an asynchronous error page: %s is not installed' % ECHO)
        return

    server = start(modules=[ECHO] + nginx.MODULES, more='''
        location = /half {
            client_body_timeout 500ms;
            error_page   422 = @later;
            ml_validate  schema=schema.json;
            proxy_pass   http://none;
        }
        location @later {
            echo_sleep 1;
            echo done;
        }
    ''')

    with server.connect() as s:
        s.sendall(b'POST /half HTTP/1.1\r\nHost: x\r\n'
                  b'Content-Type: application/json\r\n'
                  b'Content-Length: 500\r\n\r\n{"zz":1,')
        nginx.wait(lambda: 'rejecting request' in server.log())
        s.sendall(b'x' * 200)
        s.settimeout(10)
        answer = b''

        try:
            while True:
                piece = s.recv(4096)
                if not piece:
                    break
                answer += piece
        except socket.timeout:
            pass

    tally.check(answer.count(b'HTTP/1.1') == 1 and b'done' in answer,
                "the user's own page, however slow", answer)

    finish(server, 'page')


def main():
    gate_over_http2()
    page_after_half_a_body()
    tally.end()


main()
