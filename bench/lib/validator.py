"""Programs of the benchmarks that have the validator in them, without nginx."""

import glob
import os
import subprocess

import bench

HERE = os.path.join(bench.ROOT, 'bench/validate')
BUILD = os.path.join(bench.ROOT, 'build/bench/validate')

# of ngx_ml_core, what the validator needs
CORE = ('error', 'text', 'tensor', 'siphash', 'oip')


def build(name, *more):
    """bench/validate/NAME.c with the validator, compiled as the modules are,
    and what "more" names."""
    root = bench.ROOT
    os.makedirs(BUILD, exist_ok=True)
    subprocess.run(
        ['gcc', '-g', '-O2', '-fPIC', '-fstack-protector-strong',
         '-D_FORTIFY_SOURCE=2', '-I', root + '/ngx_ml_core', '-I',
         root + '/ngx_ml_validate', '-I', HERE, '-o', BUILD + '/' + name,
         '%s/%s.c' % (HERE, name),
         *glob.glob(root + '/ngx_ml_validate/ml_*.c'),
         *('%s/ngx_ml_core/ml_%s.c' % (root, part) for part in CORE),
         *more, '-lm', '-lpcre2-8', '-lz', '-lhs', '-lutf8proc'], check=True)


def body(schema, path, rounds, times):
    """ns that the body in the file takes, in each round of so many times."""
    out = subprocess.run([BUILD + '/body', schema, path, str(rounds),
                          str(times)], check=True, capture_output=True,
                         text=True).stdout

    return [float(line) for line in out.splitlines()]
