"""Cost against size: bodies of 1 KB to 64 MB, of numbers and of texts, fitted
as a + b n.  Bars: from 16 KB on the cost of a byte is within 15 % of b; a is at
most 1 us."""

import json
import os
import random

import bench
import validator

SIZES = [1 << k for k in range(10, 27, 2)]
ROUNDS = 15
ROUND_BYTES = 1 << 25

# of the bar
FROM = 1 << 14
WITHIN = 0.15
START_NS = 1000

TEXTS = {
    'type': 'object', 'required': ['messages'],
    'properties': {'messages': {'type': 'array', 'items': {
        'type': 'object', 'required': ['role', 'content'],
        'additionalProperties': False,
        'properties': {'role': {'enum': ['user', 'assistant']},
                       'content': {'type': 'string', 'maxLength': 10000}}}}}
}


def numbers(size):
    """A body of about that size, and its schema."""
    count = (size - 16) * 100 // 749

    return bench.floats(count), bench.schema(count)


def texts(size):
    pick = random.Random(2)
    words = 'the queue waits for its turn on a device with tensors'.split()
    messages = []
    left = size - 16

    while left > 0:
        message = {'role': pick.choice(('user', 'assistant')),
                   'content': ' '.join(pick.choice(words) for _ in range(60))}
        messages.append(message)
        left -= len(json.dumps(message)) + 2

    return json.dumps({'messages': messages}), json.dumps(TEXTS)


def fit(points):
    """a and b of a + b n with the least squares of what it is off, in parts
    of each time."""
    weights = [(n, 1 / t ** 2, t) for n, t in points]
    w = sum(w for _, w, _ in weights)
    n = sum(w * n for n, w, _ in weights) / w
    t = sum(w * t for _, w, t in weights) / w
    b = (sum(w * (x - n) * (y - t) for x, w, y in weights)
         / sum(w * (x - n) ** 2 for x, w, _ in weights))

    return t - b * n, b


def prepare(name, make):
    """Files of a body of each size, and of its schema."""
    files = []

    for size in SIZES:
        body, schema = make(size)
        path = os.path.join(validator.BUILD, 'size-%s-%d' % (name, size))
        files.append((len(body), bench.write(path + '-schema.json', schema),
                      bench.write(path + '.json', body)))

    return files


def measure(name, files):
    """Interleaved: what the machine does to one round it does to all."""
    times = [[] for _ in files]

    for _ in range(ROUNDS):
        for (n, schema, body), mine in zip(files, times):
            mine.append(validator.body(schema, body, 2,
                                       max(1, ROUND_BYTES // n))[-1])

    points = [(n, min(mine)) for (n, _, _), mine in zip(files, times)]
    a, b = fit(points)
    rows, worst = [], 0

    for (n, least), mine in zip(points, times):
        off = (least - a) / n / b - 1
        worst = max(worst, abs(off)) if n >= FROM * 0.9 else worst
        rows.append([name, '%d' % n, bench.spread(
            [t / 1000 for t in mine], '%.1f'), '%.3f' % (least / n),
            '%+.1f %%' % (off * 100)])

    return rows, '%s: a is %.0f ns, b %.3f ns; from 16 KB on within %.1f %%: ' \
        '%s' % (name, a, b, worst * 100,
                'held' if a <= START_NS and worst <= WITHIN else 'missed')


def main():
    validator.build('body')
    rows, lines = [], []

    for name, make in (('numbers', numbers), ('texts', texts)):
        more, line = measure(name, prepare(name, make))
        rows += more
        lines.append(line)

    bench.report('size', 'Cost against size', '''\
A body in pieces of 16 KB, checked against its schema; the tensor of numbers is
allocated, filled and freed.  Times in us: medians of %d interleaved rounds of
32 MB and more, with the least and the greatest.  The fit is of the least ones.
Bars: a at most 1 us, the cost of a byte within 15 %% of b from 16 KB on.

%s

%s
''' % (ROUNDS, bench.table(
        ['body', 'bytes', 'us', 'ns a byte', 'off b'], rows),
        '\n'.join('- ' + line for line in lines)))


main()
