"""What is JSON, against CPython: texts with random changes, in UTF-8 and not,
are taken by ml_check where json.loads() takes them, and nowhere else.

Stricter on purpose: keys that an object has twice, escaped surrogates without
their partner, NaN and Infinity, and numbers that no double holds.
"""

import json
import math
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'process'))

import tally                                            # noqa: E402

CHECK = os.path.join(os.path.dirname(
    os.environ['TEST_NGINX_LOAD_MODULES'].split()[0]), 'ml_check')
CASES = 20000
BATCH = 1000

SEEDS = (
    b'{"features": [1.5, -2e10, 0, -0.0, 1E-5], "a": {"b": [true, null]}}',
    b'[[], {}, "", "a\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/", "\xc3\xa9\xf0\x9f'
    b'\x98\x80"]',
    b'["\\ud800\\udc00", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xe0\xa0\x80"]',
    b'{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]}',
    b'  \t\r\n [123456789012345678901234567890, 0.1e+1, 1e308, 5e-324]  ',
    b'false', b'"x"', b'-1', b'{"k": "v", "\\u006b2": 0}',
)

PIECES = (b'"', b'\\', b'\\u', b'\\ud800', b'\\udfff', b',', b':', b'[', b']',
          b'{', b'}', b'0', b'1', b'-', b'+', b'.', b'e', b'E9', b'e999',
          b'NaN', b'Infinity', b'-Infinity', b'null', b'tru', b' ', b'\n',
          b'\0', b'\x1f', b'\x7f', b'\x80', b'\xc0\xaf', b'\xed\xa0\x80',
          b'\xf4\x90\x80\x80', b'\xef\xbb\xbf', b'\xc3', b'/', b'"a":1,')


def change(pick):
    text = bytearray(pick.choice(SEEDS))

    for _ in range(pick.choice((1, 1, 1, 2, 3))):
        at = pick.randrange(len(text) + 1)
        kind = pick.random()

        if kind < 0.35:
            text[at:at] = pick.choice(PIECES)
        elif kind < 0.6:
            del text[at:at + pick.choice((1, 1, 2, 5))]
        elif kind < 0.8 and at < len(text):
            text[at] = pick.randrange(256)
        else:
            other = pick.choice(SEEDS)
            text[at:at + pick.randrange(4)] = other[:pick.randrange(8)]

    return bytes(text)


class Refused(Exception):
    pass


def members(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise Refused

    return dict(pairs)


def constant(name):
    raise Refused


def walk(value):
    """Everything in a value, keys too."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from walk(child)

    elif isinstance(value, list):
        for child in value:
            yield from walk(child)

    else:
        yield value


def allowed(value):
    if isinstance(value, str):
        return not any('\ud800' <= c <= '\udfff' for c in value)

    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2 ** 1024 - 2 ** 970

    return not isinstance(value, float) or math.isfinite(value)


def is_json(text):
    try:
        value = json.loads(text.decode('utf-8'), object_pairs_hook=members,
                           parse_constant=constant)
    except (ValueError, Refused):
        return False

    return all(allowed(part) for part in walk(value))


def main():
    pick = random.Random(9)
    accepted = 0

    with tempfile.TemporaryDirectory() as directory:
        for start in range(0, CASES, BATCH):
            texts = [change(pick) for _ in range(BATCH)]
            names = []

            for i, text in enumerate(texts):
                names.append(os.path.join(directory, str(i)))

                with open(names[-1], 'wb') as f:
                    f.write(text)

            chunk = ['--chunk', str(pick.choice((1, 2, 3, 7)))] \
                if start % (2 * BATCH) else []
            done = subprocess.run([CHECK, '--syntax', *chunk, *names],
                                  capture_output=True, text=True)
            lines = done.stdout.splitlines()
            tally.check(len(lines) == BATCH, 'a line for each',
                        done.stderr)

            for text, line in zip(texts, lines):
                want = is_json(text)
                accepted += want
                tally.check(json.loads(line)['valid'] == want, repr(text),
                            line)

    print('%d of %d are JSON' % (accepted, CASES))
    tally.check(CASES // 20 < accepted < CASES // 2, 'some are, most are not')
    tally.end()


main()
