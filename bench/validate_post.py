"""POST of 768 floats: through validate alone, through all three guards with
a 768-256-64-3 perceptron, and on the same nginx only reading the body.

Interleaved rounds; a ratio is taken within a round, so that what the machine
does to one round it does to all of its columns."""

import os

import bench
import onnx_mlp

ROUNDS = int(os.environ.get('BENCH_ROUNDS', '5'))
SECONDS = int(os.environ.get('BENCH_SECONDS', '4'))
WIDTH = 768

HTTP = '''
    ml_zone ml:32m;
    ml_tier anonymous cost=100000000/m;
    ml_model mlp { file mlp.onnx; device cpu; }
'''

SERVER = '''
        location = /read {
            echo_read_request_body;
            echo ok;
        }
        location = /validate {
            ml_validate schema=features.json;
            echo_read_request_body;
            echo ok;
        }
        location = /all {
            ml_validate schema=features.json;
            ml_ratelimit cost=1;
            ml_infer mlp;
        }
'''

PATHS = (('/read', 'reads the body (echo)'),
         ('/validate', 'validate alone'),
         ('/all', 'validate, ratelimit and infer'))


def main():
    nginx = bench.Nginx('validate_post', HTTP, SERVER)
    body = bench.floats(WIDTH)

    bench.write(os.path.join(nginx.prefix, 'features.json'),
                bench.schema(WIDTH))
    onnx_mlp.write_mlp(os.path.join(nginx.prefix, 'mlp.onnx'),
                       WIDTH, 64, 32, 10)

    rates = {path: [] for path, _ in PATHS}
    costs = {path: [] for path, _ in PATHS}

    with nginx:
        for path, _ in PATHS:
            nginx.load(path, body, 1)

        for i in range(ROUNDS):
            for path, _ in PATHS:
                rate, cost = nginx.load(path, body, SECONDS)
                rates[path].append(rate)
                costs[path].append(cost)
                print('round %d %-10s %8.0f requests/s %7.1f us'
                      % (i + 1, path, rate, cost), flush=True)

    rows = []

    for path, what in PATHS:
        rows.append([
            what, bench.spread(rates[path]),
            bench.spread([a / b for a, b in zip(rates[path],
                                                rates['/read'])], '%.2f'),
            bench.spread(costs[path], '%.1f'),
            bench.spread([a / b for a, b in zip(costs[path],
                                                costs['/read'])], '%.2f'),
            bench.spread([a * b / 1e4 for a, b in zip(rates[path],
                                                      costs[path])], '%.0f %%')
        ])

    bench.report('validate_post', 'POST of 768 floats', '''\
One worker on one core, wrk with 32 connections on the others, a body of %d
bytes; %d interleaved rounds of %d seconds.  Medians, with the least and the
greatest round; ratios are taken within a round.  A worker that is not busy
all the time waits for its load: then only the CPU per request compares.

%s''' % (len(body), ROUNDS, SECONDS, bench.table(
        ['nginx', 'requests/s', 'ratio', 'worker CPU, us/request', 'ratio',
         'worker busy'],
        rows)))


main()
