"""Arrays of a million numbers into a tensor: the validator, with each of its
kernels, against simdjson on demand doing the same, in one process.  And a chat
of ten messages, read and checked, against V8 only reading it."""

import json
import os
import random
import shutil
import subprocess
import sys

import bench
import validator

HERE = validator.HERE
BUILD = validator.BUILD

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
    source = simdjson()

    for name, path in (('numbers_simdjson', HERE + '/simdjson.cpp'),
                       ('simdjson', source + '/simdjson.cpp')):
        run('g++', '-O3', '-march=native', '-std=c++17', '-I', source, '-I',
            HERE, '-c', path, '-o', '%s/%s.o' % (BUILD, name))

    validator.build('numbers', BUILD + '/numbers_simdjson.o',
                 BUILD + '/simdjson.o', '-lstdc++')
    validator.build('body')

    return source


NODE = """
const text = require("fs").readFileSync(process.argv[1], "utf8");
for (let round = 0; round < 2; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < 20000; i++) JSON.parse(text);
    console.log(Number(process.hrtime.bigint() - start) / 20000);
}
"""


def chat():
    """A line about a chat of ten messages."""
    pick = random.Random(3)
    words = ('the model answers a question about tensors and shapes with care '
             'while the queue waits for its turn on the device').split()
    body = json.dumps({'max_tokens': 512, 'messages': [
        {'role': 'user' if i % 2 else 'assistant' if i else 'system',
         'content': ' '.join(pick.choice(words) for _ in range(49))}
        for i in range(10)]})
    path = bench.write(BUILD + '/chat.json', body)
    schema = bench.ROOT + '/examples/schemas/chat_completion_request.json'

    if shutil.which('node') is None:
        return 'There is no node here: the chat was not measured.'

    ours, theirs = [], []

    for _ in range(9):
        # the first of two warms the compiler up
        theirs.append(float(output('node', '-e', NODE, path).split()[-1]))
        ours.append(validator.body(schema, path, 2, 20000)[-1])

    return ('''\
A chat of ten messages, %d bytes: read and checked against
examples/schemas/chat_completion_request.json in %s ns; JSON.parse() of V8
(node %s) alone takes %s ns; ratio %s.''' % (
        len(body), bench.spread(ours), output('node', '--version').strip(),
        bench.spread(theirs),
        bench.spread([a / b for a, b in zip(theirs, ours)], '%.2f')))


def output(*args):
    return subprocess.run(args, check=True, capture_output=True,
                          text=True).stdout


def version(source):
    with open(source + '/simdjson.h') as f:
        for line in f:
            if line.startswith('#define SIMDJSON_VERSION '):
                return line.split('"')[1]

    return '?'


def main():
    os.makedirs(BUILD, exist_ok=True)
    source = build()
    rounds = {}
    size = {}

    kernels, *lines = output(BUILD + '/numbers').splitlines()
    kernels = kernels.split(',')

    for line in lines:
        name, *numbers, length = line.split()
        rounds.setdefault(name, []).append([float(n) for n in numbers])
        size[name] = length

    rows = []

    for name, times in rounds.items():
        row = [TITLES[name], size[name],
               bench.spread([t[0] for t in times], '%.1f')]

        for k in range(1, len(kernels) + 1):
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

%s
''' % (len(rounds['u8']), bench.table(
        ['array', 'bytes each', 'simdjson']
        + [title for kernel in kernels for title in (kernel, 'ratio')],
        rows), version(source), chat()))


main()
