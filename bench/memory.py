"""Resident memory of a worker before, during and after a body of 1,000,000
floats.  Bar: at most the tensor and 4 MB more."""

import os
import sys

import bench
import onnx_mlp

COUNT = 1000000
MB = 1 << 20
ROUNDS = 3

HTTP = '''
    ml_zone ml:32m;
    ml_model mean { file mean.onnx; device cpu; }
    ml_validate_limits elements=1000000;
'''

SERVER = '''
        location = /small {
            ml_validate schema=small.json;
            echo_read_request_body;
            echo ok;
        }
        location = /all {
            ml_validate schema=features.json;
            ml_infer mean;
        }
'''


def main():
    body = bench.floats(COUNT)
    rows, worst = [], 0

    for i in range(ROUNDS):
        nginx = bench.Nginx('memory', HTTP, SERVER)
        bench.write(os.path.join(nginx.prefix, 'small.json'),
                    bench.schema(4))
        bench.write(os.path.join(nginx.prefix, 'features.json'),
                    bench.schema(COUNT))
        onnx_mlp.write_mean(os.path.join(nginx.prefix, 'mean.onnx'), COUNT)

        with nginx:
            # what any first request brings in is not the body's
            nginx.post('/small', bench.floats(4))
            before = nginx.memory('VmRSS')
            nginx.reset_peak()
            status = nginx.post('/all', body)
            peak = nginx.memory('VmHWM')
            after = nginx.memory('VmRSS')

        if status != '200':
            sys.exit('the body was answered with %s' % status)

        worst = max(worst, peak - before)
        rows.append([str(i + 1)] + ['%.1f' % (n / MB) for n in
                                    (before, peak, after, peak - before,
                                     after - before)])

    bench.report('memory', 'Memory for a body of 1,000,000 floats', '''\
A fresh worker each round; MB.  The body is %.1f MB of JSON, the tensor
%.1f MB.  Bar: no more than the tensor and 4 MB, at the peak: %s.

%s''' % (len(body) / MB, COUNT * 4 / MB,
         'held' if worst <= COUNT * 4 + 4 * MB else 'not held',
         bench.table(['round', 'before', 'peak', 'after', 'peak more',
                      'after more'], rows)))


main()
