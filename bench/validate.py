"""Arrays of a million numbers into a tensor: the validator, with each of its
kernels, against simdjson on demand doing the same, in one process."""

import glob
import os
import statistics
import subprocess
import sys

import bench

HERE = os.path.join(bench.ROOT, 'bench/validate')
BUILD = os.path.join(bench.ROOT, 'build/bench/validate')

# its source distribution holds simdjson, of a later version than Debian's
SIMDJSON = 'pysimdjson==7.0.2'

TITLES = {
    'emb_f32': 'float32, shortest form',
    'emb_f64': 'float64, 17 digits',
    'u8': 'uint8',
    'tok': 'int64, token ids to 150,000',
}


def run(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)


def simdjson():
    """The directory of simdjson.h and simdjson.cpp."""
    found = glob.glob(BUILD + '/pysimdjson-*/simdjson')

    if not found:
        run(sys.executable, '-m', 'venv', BUILD + '/venv')
        run(BUILD + '/venv/bin/pip', 'download', '-q', '--no-deps',
            '--no-binary', ':all:', '-d', BUILD, SIMDJSON)
        run('tar', '-C', BUILD, '-xzf',
            glob.glob(BUILD + '/pysimdjson-*.tar.gz')[0])
        found = glob.glob(BUILD + '/pysimdjson-*/simdjson')

    return found[0]


def build():
    root = bench.ROOT
    source = simdjson()
    program = BUILD + '/numbers'

    for name, path in (('numbers_simdjson', HERE + '/simdjson.cpp'),
                       ('simdjson', source + '/simdjson.cpp')):
        run('g++', '-O3', '-march=native', '-std=c++17', '-I', source, '-I',
            HERE, '-c', path, '-o', '%s/%s.o' % (BUILD, name))

    # as the modules are compiled
    run('gcc', '-g', '-O2', '-fPIC', '-fstack-protector-strong',
        '-D_FORTIFY_SOURCE=2', '-I', root + '/ngx_ml_core', '-I',
        root + '/ngx_ml_validate', '-I', HERE, '-o', program,
        HERE + '/numbers.c', *glob.glob(root + '/ngx_ml_validate/ml_*.c'),
        *('%s/ngx_ml_core/ml_%s.c' % (root, name)
          for name in ('error', 'text', 'tensor', 'siphash')),
        BUILD + '/numbers_simdjson.o', BUILD + '/simdjson.o', '-lstdc++',
        '-lm', '-lpcre2-8', '-lz')

    return program, source


def version(source):
    with open(source + '/simdjson.h') as f:
        for line in f:
            if line.startswith('#define SIMDJSON_VERSION '):
                return line.split('"')[1]

    return '?'


def main():
    os.makedirs(BUILD, exist_ok=True)
    program, source = build()
    rounds = {}
    size = {}

    out = subprocess.run([program], check=True, capture_output=True,
                         text=True).stdout

    for line in out.splitlines():
        name, *numbers, length = line.split()
        rounds.setdefault(name, []).append([float(n) for n in numbers])
        size[name] = length

    rows = []

    for name, times in rounds.items():
        row = [TITLES[name], size[name],
               bench.spread([t[0] for t in times], '%.1f')]

        for k in (1, 2, 3):
            row.append(bench.spread([t[k] for t in times], '%.1f'))
            row.append(bench.spread([t[0] / t[k] for t in times], '%.2f'))

        rows.append(row)

    bench.report('validate', 'Numbers into tensors', '''\
Arrays of a million numbers: the validator, with each of its kernels, and
simdjson on demand, doing the same in one process; %d rounds of one after the
other.  ns per element: medians, with the least and the greatest round; ratios
are taken within a round, above 1 where the validator is faster.  simdjson has
the whole text in memory and its tensor allocated; the validator is fed pieces
of 16 KB and allocates the tensor.

%s

simdjson %s, compiled with -O3 -march=native; the validator as the modules
are, with -O2 for any x86-64.
''' % (len(rounds['u8']), bench.table(
        ['array', 'bytes each', 'simdjson', 'avx2', 'ratio', 'scalar',
         'ratio', 'reader alone', 'ratio'], rows), version(source)))


main()
