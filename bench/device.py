"""What the way through the device process costs: one job at a time, and as
many as 64 clients send, against the same location without a job."""

import os
import re
import subprocess

import bench

ROUNDS = int(os.environ.get('BENCH_ROUNDS', '7'))
SECONDS = int(os.environ.get('BENCH_SECONDS', '3'))
CLIENTS = 64

HTTP = '''
    ml_zone ml:8m;
    ml_model far  { file identity.onnx; device fault:quick.txt process; }
    ml_model near { file identity.onnx; device fault:quick.txt; }
'''

SERVER = '''
        location = /none {
            ml_validate schema=x.json;
            echo_read_request_body;
            echo '{"y":[0.25,0.5,0.75,1.0]}';
        }
        location = /near {
            ml_validate schema=x.json;
            ml_infer near;
        }
        location = /far {
            ml_validate schema=x.json;
            ml_infer far;
        }
'''

BODY = '{"x":[0.25,0.5,0.75,1.0]}'
PATHS = ('/none', '/near', '/far')

US = {'us': 1, 'ms': 1e3, 's': 1e6}


def latency(nginx, path, seconds):
    """The median of one client's requests, in microseconds."""
    out = subprocess.run(
        ['taskset', '-c', ','.join(map(str, bench.CLIENT_CORES)), 'wrk', '-t',
         '1', '-c', '1', '-d', '%ds' % seconds, '--latency', '-s',
         nginx.script(BODY), nginx.url(path)],
        capture_output=True, text=True, check=True).stdout
    value, unit = re.search(r'50%\s+([\d.]+)(us|ms|s)', out).groups()

    return float(value) * US[unit]


def main():
    nginx = bench.Nginx('device', HTTP, SERVER)

    for name, text in (('x.json', '{"type":"object","required":["x"],'
                        '"properties":{"x":{"x-tensor":{"input":"x",'
                        '"dtype":"float32","shape":[4]}}}}'),
                       ('quick.txt', 'run delay 1us\n')):
        bench.write(os.path.join(nginx.prefix, name), text)

    subprocess.run(['cp', os.path.join(bench.ROOT, 't/models/identity.onnx'),
                    nginx.prefix], check=True)

    single = {path: [] for path in PATHS}
    rates = {path: [] for path in PATHS}

    with nginx:
        for path in PATHS:
            nginx.load(path, BODY, 1, CLIENTS)

        for i in range(ROUNDS):
            for path in PATHS:
                single[path].append(latency(nginx, path, SECONDS))
                rates[path].append(nginx.load(path, BODY, SECONDS,
                                              CLIENTS)[0])
                print('round %d %-6s %6.0f us %8.0f requests/s'
                      % (i + 1, path, single[path][-1], rates[path][-1]),
                      flush=True)

    rows = []

    for path, what in zip(PATHS, ('no job', 'a job in the worker',
                                  'a job through the device process')):
        rows.append([
            what, bench.spread(single[path]),
            bench.spread([a - b for a, b in zip(single[path],
                                                single['/none'])]),
            bench.spread(rates[path]),
            bench.spread([a / b for a, b in zip(rates[path],
                                                rates['/none'])], '%.2f')])

    print(bench.table(['location', 'one client, p50 us', 'more, us',
                       '%d clients, requests/s' % CLIENTS, 'ratio'], rows))


main()
