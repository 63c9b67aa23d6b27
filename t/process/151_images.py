"""Images as bodies: the upstream gets what passes as it is; what would cost a
decoder too much, or is something else than it says, is refused."""

import http.server
import struct
import threading
import zlib

import nginx
import tally

check = tally.check


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    seen = []

    def log_message(self, *args):
        pass

    def do_POST(self):
        Upstream.seen.append(self.rfile.read(int(
            self.headers['Content-Length'])))
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')


def chunk(name, data):
    return (struct.pack('>I', len(data)) + name + data
            + struct.pack('>I', zlib.crc32(name + data)))


def png(width, height, pixels=True):
    data = zlib.compress(b''.join(b'\0' + bytes(3 * width)
                                  for _ in range(height))) if pixels else b''

    return (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0,
                                         0, 0))
            + chunk(b'IDAT', data) + chunk(b'IEND', b''))


def jpeg(width, height):
    return (b'\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08'
            + struct.pack('>HH', height, width)
            + b'\3\1\x22\0\2\x11\1\3\x11\1' + bytes(40) + b'\xff\xd9')


def gif(frames):
    return (b'GIF89a\x64\0\x64\0\0\0\0'
            + b'\x2c\0\0\0\0\x64\0\x64\0\0\2\1x\0' * frames + b'\x3b')


def main():
    upstream = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Upstream)
    upstream.daemon_threads = True
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    proxy = 'proxy_pass http://127.0.0.1:%d;' % upstream.server_address[1]

    server = nginx.Nginx()
    server.configure(location='''
        client_max_body_size 100m;
        location = /any {
            ml_validate protocol=image;
            ml_validate_encodings gzip;
            %s
        }
        location = /few {
            ml_validate protocol=image types=png,gif pixels=100000 frames=5;
            %s
        }
        location = /form {
            ml_validate protocol=image types=png multipart=on;
            %s
        }
    ''' % (proxy, proxy, proxy))
    server.start()

    def ask(path, body, media_type):
        return server.post(path, body, {'Content-Type': media_type})

    def passes(path, body, media_type, name):
        answer = ask(path, body, media_type)
        check(answer.status == 200 and Upstream.seen[-1] == body, name,
              '%d %r' % (answer.status, answer.body))

    def refuses(path, body, media_type, status, text, name):
        count = len(Upstream.seen)
        answer = ask(path, body, media_type)
        check(answer.status == status and text in answer.body
              and len(Upstream.seen) == count, name,
              '%d %r' % (answer.status, answer.body))

    small = png(100, 100)
    passes('/any', small, 'image/png', 'a PNG')
    passes('/any', small, 'IMAGE/PNG', 'a type in capitals')
    passes('/any', jpeg(640, 480), 'image/jpeg', 'a JPEG')
    passes('/any', gif(3), 'image/gif', 'a GIF')
    passes('/few', gif(5), 'image/gif', 'as many frames as may be')
    passes('/few', png(1000, 100), 'image/png', 'as many pixels')

    pixels = b'image has too many pixels'
    refuses('/few', png(1000, 101), 'image/png', 422, pixels, 'one row more')
    refuses('/few', gif(6), 'image/gif', 422, b'image has too many frames',
            'one frame more')
    refuses('/any', gif(10000), 'image/gif', 422,
            b'image has too many frames', '10,000 frames')

    bomb = png(100000, 100000, False)
    check(len(bomb) < 70, 'a bomb is small', len(bomb))
    refuses('/any', bomb, 'image/png', 422, pixels, '30 GB in 57 bytes')
    refuses('/any', jpeg(65500, 65500), 'image/jpeg', 422, pixels,
            'the largest JPEG')
    refuses('/any', png(0, 5, False), 'image/png', 422,
            b'image has no pixels', 'no width')

    refuses('/any', small, 'image/jpeg', 422, b'not a JPEG image',
            'a PNG that says it is a JPEG')
    refuses('/any', b'<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/png',
            422, b'not a PNG image', 'an SVG that says it is a PNG')
    refuses('/any', small[:40], 'image/png', 422, b'image ends too early',
            'a PNG that ends')
    refuses('/any', b'', 'image/png', 422, b'missing', 'nothing')

    for media_type in ('image/svg+xml', 'image/tiff', 'image/bmp',
                       'application/octet-stream', 'image/png; q=1',
                       'image/*', ''):
        refuses('/any', small, media_type, 415, b'', media_type)

    refuses('/few', jpeg(10, 10), 'image/jpeg', 415, b'', 'not one of types')

    form = 'multipart/form-data; boundary=%s'

    def part(boundary, media_type, data):
        return (b'--%s\r\nContent-Disposition: form-data; name="file"; '
                b'filename="x.png"\r\nContent-Type: %s\r\n\r\n%s\r\n'
                % (boundary, media_type, data))

    one = part(b'bb', b'image/png', small)
    passes('/form', small, 'image/png', 'no form where there may be one')
    passes('/form', one + b'--bb--\r\n', form % 'bb', 'a form')
    refuses('/form', one + one + b'--bb--\r\n', form % 'bb', 422,
            b'something behind its file', 'two files')
    refuses('/form', part(b'bb', b'image/png', bomb) + b'--bb--\r\n',
            form % 'bb', 422, pixels, 'a bomb in a form')
    refuses('/form', part(b'bb', b'image/gif', gif(1)) + b'--bb--\r\n',
            form % 'bb', 422, b'of another type', 'not one of types, a form')
    refuses('/form', one, form % 'bb', 422, b'last boundary', 'half a form')
    refuses('/form', one, form % ('b' * 71), 415, b'', 'a long boundary')
    refuses('/form', one, 'multipart/form-data', 415, b'', 'no boundary')
    refuses('/any', one, form % 'bb', 415, b'', 'no forms')

    answer = server.post('/any', zlib.compress(small),
                         {'Content-Type': 'image/png',
                          'Content-Encoding': 'deflate'})
    check(answer.status == 415, 'an encoding that is not allowed')

    check(server.stop(), 'nginx quits')
    trouble = server.close()
    check(not trouble, 'a clean log', '\n'.join(trouble))
    upstream.shutdown()
    tally.end()


main()
