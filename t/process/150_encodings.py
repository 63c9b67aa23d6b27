"""Compressed request bodies, over HTTP/1.1 and HTTP/2: what the upstream and
ml_infer get, and what is refused."""

import gzip
import http.server
import json
import os
import subprocess
import tempfile
import threading
import zlib

import nginx
import tally

check = tally.check

SCHEMA = {
    'type': 'object', 'required': ['text'], 'additionalProperties': False,
    'properties': {'text': {'type': 'string'}, 'n': {'type': 'integer'}}}


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    seen = []

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        Upstream.seen.append((dict(self.headers), body))
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')


def post(server, path, body, coding, protocol, *more):
    """Status and body, by curl."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(body)
        f.flush()
        command = ['curl', '-s', protocol, '-X', 'POST', '-H', 'Expect:',
                   '-H', 'Content-Type: application/json',
                   '--data-binary', '@' + f.name, '-w', '\n%{http_code}',
                   *more, 'http://127.0.0.1:%d%s' % (server.port, path)]

        if coding is not None:
            command[3:3] = ['-H', 'Content-Encoding: ' + coding]

        out = subprocess.run(command, capture_output=True).stdout

    body, _, status = out.rpartition(b'\n')

    return int(status), body


def refused(server, path, body, coding, protocol, status, what):
    count = len(Upstream.seen)
    got = post(server, path, body, coding, protocol)
    check(got[0] == status and len(Upstream.seen) == count, '%s, %s, %s'
          % (what, coding, protocol), repr(got))


def passed(server, path, body, coding, protocol, wanted, *more):
    got = post(server, path, body, coding, protocol, *more)
    name = '%s, %s, %d bytes, %s' % (path, coding, len(wanted), protocol)

    check(got == (200, b'ok'), name, repr(got))

    if got[0] != 200:
        return

    headers, body = Upstream.seen[-1]
    check(body == wanted, 'the body of ' + name)
    check(headers.get('Content-Length') == str(len(wanted)),
          'the length of ' + name, repr(headers))
    check(headers.get('Content-Encoding') in (None, 'identity'),
          'the coding of ' + name, repr(headers))


def main():
    upstream = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Upstream)
    upstream.daemon_threads = True
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    proxy = 'proxy_pass http://127.0.0.1:%d;' % upstream.server_address[1]

    for listen, protocol in (('', '--http1.1'),
                             ('http2', '--http2-prior-knowledge')):
        server = nginx.Nginx()
        server.write('schema.json', json.dumps(SCHEMA))
        server.configure(listen=listen, http='''
            ml_model predict { file %s; device cpu; }
            client_body_buffer_size 8k;
            ''' % os.path.join(nginx.ROOT, 'examples/predict/predict.onnx'),
            location='''
            location = /on {
                ml_validate            schema=schema.json;
                ml_validate_encodings  gzip deflate;
                ml_validate_limits     decoded=100k;
                %s
            }
            location = /gzip {
                ml_validate            schema=schema.json;
                ml_validate_encodings  gzip;
                %s
            }
            location = /dry {
                ml_validate            schema=schema.json;
                ml_validate_encodings  gzip;
                ml_validate_limits     decoded=100k;
                ml_validate_dry_run    on;
                %s
            }
            location = /off {
                ml_validate            schema=schema.json;
                %s
            }
            location = /predict {
                ml_validate            model=predict;
                ml_validate_encodings  gzip;
                ml_infer               predict;
            }
            ''' % (proxy, proxy, proxy, proxy))
        server.start()

        small = b'{"text": "hello", "n": 1}'
        large = json.dumps({'text': 'ab\u00e9' * 8000}).encode()
        most = b'{"text": "%s"}' % (b'x' * (100 * 1024 - 12))
        over = b'{"text": "%s"}' % (b'x' * (100 * 1024 - 11))

        for body in (small, large, most):
            passed(server, '/on', gzip.compress(body), 'gzip', protocol, body)
            passed(server, '/on', gzip.compress(body), 'X-GZip', protocol,
                   body)
            passed(server, '/on', zlib.compress(body), 'deflate', protocol,
                   body)
            passed(server, '/on', body, 'identity', protocol, body)
            passed(server, '/on', body, None, protocol, body)
            passed(server, '/on', gzip.compress(body), 'gzip', protocol, body,
                   '-H', 'Transfer-Encoding: chunked')

        for pack, coding in ((gzip.compress, 'gzip'),
                             (zlib.compress, 'deflate')):
            refused(server, '/on', pack(over), coding, protocol, 413,
                    'over the cap')
            refused(server, '/on', pack(b'{"text": 1}'), coding, protocol,
                    422, 'a broken contract')
            refused(server, '/on', pack(b''), coding, protocol, 422,
                    'nothing')
            refused(server, '/on', pack(small)[:-1], coding, protocol, 400,
                    'cut')
            refused(server, '/on', pack(small) + b'x', coding, protocol, 400,
                    'more behind it')
            refused(server, '/on', pack(small) * 2, coding, protocol, 400,
                    'two members')
            refused(server, '/on', small, coding, protocol, 400,
                    'not compressed')
            refused(server, '/on', pack(pack(small)), coding, protocol, 422,
                    'twice')

        bad = bytearray(gzip.compress(small))
        bad[-8] ^= 1
        refused(server, '/on', bytes(bad), 'gzip', protocol, 400, 'a bad sum')
        refused(server, '/on', gzip.compress(bytes(64 << 20)), 'gzip',
                protocol, 422, 'a bomb of what is no JSON')
        refused(server, '/on', gzip.compress(b' ' * (64 << 20)), 'gzip',
                protocol, 413, 'a bomb')

        packed = gzip.compress(small)
        refused(server, '/off', packed, 'gzip', protocol, 415, 'off')
        refused(server, '/gzip', zlib.compress(small), 'deflate', protocol,
                415, 'not that one')
        refused(server, '/on', packed, 'br', protocol, 415, 'unknown')
        refused(server, '/on', packed, 'gzip, gzip', protocol, 415, 'two')
        refused(server, '/on', packed, 'br, gzip', protocol, 415, 'two')

        # in dry run what breaks the contract goes on, decoded, and whole
        body = b'{"text": %d, "more": "%s"}' % (1, b'y' * 50000)
        passed(server, '/dry', gzip.compress(body), 'gzip', protocol, body)
        refused(server, '/dry', gzip.compress(small)[:-1], 'gzip', protocol,
                400, 'cut, dry run')
        refused(server, '/dry', gzip.compress(over), 'gzip', protocol, 413,
                'over the cap, dry run')

        features = json.dumps({'features': [[1] * 10] * 2}).encode()
        status, body = post(server, '/predict', gzip.compress(features),
                            'gzip', protocol)
        check(status == 200, 'inference, %s' % protocol,
              '%d %r' % (status, body))
        plain = post(server, '/predict', features, None, protocol)
        check(plain == (status, body), 'the same as without, %s' % protocol,
              '%r, not %r' % ((status, body), plain))

        check(server.stop(), 'nginx quits')
        trouble = server.close()
        check(not trouble, 'a clean log', '\n'.join(trouble))

    upstream.shutdown()
    tally.end()


main()
