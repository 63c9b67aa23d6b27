"""What numbers of JSON become in a tensor, against CPython and numpy: which
of them are taken for a type, and each bit of those that are.

CPython's json says what is a number, and what double it is; numpy what that
is in another type.  Different on purpose:

- a number that becomes infinite in its type is refused, numpy only warns;
- a whole type takes whole numbers however they are written, 1.0 and 1e2 too,
  and exactly: 9007199254740993.0 is not 9007199254740992;
- what is not whole, or beyond the type, is refused, numpy cuts it off;
- bfloat16 is rounded once: ml_dtypes goes by way of float32;
- "-0" keeps its sign as a float, CPython makes an int of it.

NUMBERS=N makes N times as many, with another seed.
"""

import fractions
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

import numpy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

sys.path.insert(0, os.path.join(ROOT, 't', 'process'))

import tally                                            # noqa: E402

TIMES = int(os.environ.get('NUMBERS', '1'))
SINGLE = 2500
ARRAYS = 150

WHOLE = ('int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32',
         'uint64')
FLOATS = {'float16': 5, 'bfloat16': 8, 'float32': 8, 'float64': 11}

NO_NUMBERS = ('01', '-', '+1', '.5', '1.', '1.e5', '1e', '1e+', '0x1', '1_0',
              'NaN', 'Infinity', '-Infinity', '--1', '1-', '00', '-01', '1 2',
              '1e5.5', '1..2', '1.2.3', 'true', 'null', '"1"', '[1]', '{}')


def bfloat16(value):
    """The bits nearest to a double, ties to even; from its own bits."""
    bits = struct.unpack('<Q', struct.pack('<d', value))[0]
    sign, bits = bits >> 63 << 15, bits & (1 << 63) - 1
    exact = fractions.Fraction(abs(value))

    # by halving the range of all that are finite, and the next power
    low, high = 0, 0x7f80

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if of_bfloat16(middle) <= exact \
            else (low, middle)

    below, above = exact - of_bfloat16(low), of_bfloat16(high) - exact
    up = above < below or (above == below and low & 1)

    return sign | (high if up else low)


def of_bfloat16(bits):
    exponent, mantissa = bits >> 7, bits & 0x7f

    return (fractions.Fraction(mantissa + (128 if exponent else 0))
            * fractions.Fraction(2) ** (max(exponent, 1) - 134))


def floating(text, dtype):
    """Its bytes, or None when it is refused."""
    value = float(text)

    if dtype == 'bfloat16':

        if value in (float('inf'), float('-inf')):
            return None

        bits = bfloat16(value)

        return None if bits & 0x7fff == 0x7f80 else struct.pack('<H', bits)

    with numpy.errstate(over='ignore', under='ignore'):
        narrow = numpy.float64(value).astype(dtype)

    return narrow.tobytes() if numpy.isfinite(narrow) else None


def whole(text, dtype):
    value = fractions.Fraction(text)
    limits = numpy.iinfo(dtype)

    if value.denominator != 1 or not limits.min <= value <= limits.max:
        return None

    return numpy.array([int(value)], dtype).tobytes()


def element(text, dtype):
    try:
        value = json.loads(text, parse_constant=lambda name: None)
    except ValueError:
        return None

    if dtype == 'bool':
        return bytes([value]) if isinstance(value, bool) else None

    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None

    return floating(text, dtype) if dtype in FLOATS else whole(text, dtype)


def digits(pick, n):
    return ''.join(pick.choice('0123456789') for _ in range(n))


def near(pick, dtype):
    """Next to what lies between two of a type's values, exactly."""
    exponent = FLOATS[dtype]
    mantissa = {'float16': 10, 'bfloat16': 7, 'float32': 23,
                'float64': 52}[dtype]
    bias = 2 ** (exponent - 1) - 1
    power = pick.randrange(-bias - mantissa - 1, bias + 2)
    power = pick.choice((power, pick.randrange(-20, 20), bias, -bias))
    value = (fractions.Fraction(2 * pick.randrange(2 ** mantissa) + 1,
                                2 ** (mantissa + 1)) + 1) \
        * fractions.Fraction(2) ** power
    places = max(0, value.denominator.bit_length() - 1)
    scaled = value.numerator * 5 ** places

    if len(str(scaled)) > 900:
        return digits(pick, 3)

    scaled = scaled * 10 + pick.choice((-1, 0, 0, 1))

    return '%s%de%d' % (pick.choice(('', '-')), scaled, -places - 1)


def number(pick, dtype):
    """A number as people, programs and attackers write it."""
    kind = pick.randrange(14)

    if kind == 0:
        return str(pick.randrange(-300, 300))
    if kind == 1:
        return '%.*g' % (pick.randrange(1, 18), pick.gauss(0, 1))
    if kind == 2:
        return repr(numpy.float32(pick.gauss(0, 100)).item())
    if kind == 3:
        return repr(struct.unpack('<d', pick.randbytes(8))[0]) \
            .replace('nan', '0').replace('inf', '1e999')
    if kind == 4:
        return '%.17e' % pick.uniform(-1e5, 1e5)
    if kind == 5:
        edge = 2 ** pick.choice((7, 8, 15, 16, 31, 32, 53, 63, 64))
        return '%s%d%s' % (pick.choice(('', '-')),
                           edge + pick.randrange(-2, 3),
                           pick.choice(('', '.0', '.5', 'e0', '0e-1')))
    if kind == 6:
        return '%d.%s' % (pick.randrange(100), digits(pick,
                                                      pick.randrange(1, 40)))
    if kind == 7:
        return '0.' + '0' * pick.randrange(40) + digits(
            pick, pick.randrange(1, 25))
    if kind == 8:
        return '%s%se%s%d' % (pick.choice(('', '-')), pick.randrange(1, 10),
                              pick.choice(('', '+', '-')),
                              pick.choice((0, 1, 2, 5, 18, 19, 20, 38, 39,
                                           45, 46, 308, 309, 324, 400)))
    if kind == 9:
        return pick.choice(('-0', '0', '-0.0', '0.0', '0e5', '-0e-5', '1E2',
                            '100e-2', '1.50e1', '5e-324', '2e-324',
                            '65504', '65519.99', '65520', '3.4028235e38',
                            '3.4028236e38', '1.7976931348623159e308'))
    if kind == 10:
        return pick.choice(NO_NUMBERS + ('true', 'false') * 20
                           if dtype == 'bool' else NO_NUMBERS)
    if kind == 11:
        return pick.choice('123456789') + digits(pick, pick.randrange(15, 30))
    if kind == 12 and dtype in FLOATS:
        return near(pick, dtype)

    return '%.*f' % (pick.randrange(7), pick.uniform(-1000, 1000))


def array(pick, dtype, n):
    """Numbers that the type takes, and now and then one that it does not."""
    numbers = []

    while len(numbers) < n:
        text = number(pick, dtype) if dtype != 'bool' \
            else pick.choice(('true', 'false'))

        if element(text, dtype) is not None or pick.random() < 1e-4:
            numbers.append(text)

    return numbers, pick.choice((',', ', ', ' ,', ',\t'))


def main():
    pick = random.Random(TIMES)
    pieces = (1, 7, 64, 4096)

    with tempfile.TemporaryDirectory(prefix='numbers-oracle-') as directory:
        read = os.path.join(directory, 'read_numbers')

        subprocess.run(
            [os.environ.get('CC', 'cc'), '-std=gnu11', '-O2', '-o', read,
             *('-I' + os.path.join(ROOT, path) for path in
               ('ngx_ml_core', 'ngx_ml_validate', 't/unit')),
             os.path.join(ROOT, 't/oracle/read_numbers.c'), '-lm',
             '-lpcre2-8'], check=True)

        for dtype in WHOLE + tuple(FLOATS) + ('bool',):
            lists = [([number(pick, dtype)], ',')
                     for _ in range(SINGLE * TIMES)]
            lists += [array(pick, dtype, pick.randrange(2, 200))
                      for _ in range(ARRAYS * TIMES)]
            texts = ['[%s]' % comma.join(numbers) for numbers, comma in lists]
            wanted = []

            for numbers, _ in lists:
                elements = [element(text, dtype) for text in numbers]
                wanted.append('refused' if None in elements
                              else b''.join(elements).hex())

            taken = sum(want != 'refused' for want in wanted)
            tally.check(taken > len(wanted) / 30, '%s: %d of %d are taken' % (
                dtype, taken, len(wanted)))

            for piece in pieces:
                done = subprocess.run([read, dtype, str(piece)], text=True,
                                      input='\n'.join(texts) + '\n',
                                      capture_output=True)
                tally.check(done.returncode == 0, dtype, done.stderr)
                found = done.stdout.splitlines()
                tally.check(len(found) == len(texts), '%s: a line for each'
                            % dtype)

                for text, got, want in zip(texts, found, wanted):
                    tally.check(got == want, '%s in pieces of %d: %s' % (
                        dtype, piece, text[:200]), '%s, not %s' % (
                            got[:200], want[:200]))

    tally.end()


main()
