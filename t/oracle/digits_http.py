"""The digits example over HTTP against ONNX Runtime.

The whole held-out split goes through validate, ratelimit and infer, one image
a request, then as batches to a location whose schema takes many; the labels,
the accuracy and every probability must be what ONNX Runtime finds with the
same file, within 1e-5.
"""

import http.client
import json
import os
import sys

import numpy
import onnxruntime

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
DIGITS = os.path.join(ROOT, 'examples', 'digits')

sys.path[:0] = [os.path.join(ROOT, 't', 'process'), DIGITS]

import nginx                                            # noqa: E402
import tally                                            # noqa: E402
import train                                            # noqa: E402

ACCURACY = 0.97
TOLERANCE = 1e-5
BATCH = 50

HTTP = '''
    ml_zone ml:4m;
    ml_tier anonymous cost=60000/m burst=10000;
    ml_model digits { file %s/digits.onnx; batch 64; queue 500 timeout=10s; }
''' % DIGITS

LOCATION = '''
    location = /digits {
        ml_validate   schema=%s/digits.json;
        ml_ratelimit  cost=1;
        ml_infer      digits;
    }
    location = /batch {
        ml_validate   schema=batch.json;
        ml_ratelimit  cost=1;
        ml_infer      digits;
    }
''' % DIGITS

SCHEMA = {
    'type': 'object',
    'required': ['pixels'],
    'properties': {
        'pixels': {'x-tensor': {'input': 'pixels', 'dtype': 'float32',
                                'shape': [-1, 64], 'maxItems': 64}}},
}


def one_by_one(connection, images):
    for image in images:
        answer = nginx.ask(connection, 'POST', '/digits',
                           {'pixels': image.tolist()})

        if answer.status != 200:
            tally.check(False, 'every image has an answer', answer)
            tally.end()

        yield answer.json()


def in_batches(connection, images):
    for i in range(0, len(images), BATCH):
        answer = nginx.ask(connection, 'POST', '/batch',
                           {'pixels': images[i:i + BATCH].tolist()})

        if answer.status != 200:
            tally.check(False, 'every batch has an answer', answer)
            tally.end()

        rows = answer.json()

        for label, row in zip(rows['label'], rows['probabilities']):
            yield {'label': label, 'probabilities': row}


def compare(name, found, labels, probabilities, truth):
    found = list(found)

    tally.check(len(found) == len(truth), '%s: all answers' % name,
                len(found))
    tally.check([f['label'] for f in found] == labels.tolist(),
                '%s: the labels of ONNX Runtime' % name)

    error = max(abs(numpy.array(f['probabilities']) - p).max()
                for f, p in zip(found, probabilities))

    tally.check(error <= TOLERANCE, '%s: its probabilities' % name, error)

    right = sum(f['label'] == t for f, t in zip(found, truth))
    expected = int((labels == truth).sum())

    tally.check(right == expected and right >= ACCURACY * len(truth),
                '%s: its accuracy' % name,
                '%d right, ONNX Runtime %d' % (right, expected))

    print('%s: %d of %d images right (%.2f %%), ONNX Runtime %d; '
          'largest difference of a probability %.1e'
          % (name, right, len(truth), 100 * right / len(truth), expected,
             error))


def main():
    _, images, _, truth = train.split()

    session = onnxruntime.InferenceSession(
        os.path.join(DIGITS, 'digits.onnx'),
        providers=['CPUExecutionProvider'])

    labels, probabilities = session.run(['label', 'probabilities'],
                                        {'pixels': images})

    server = nginx.Nginx(http=HTTP, location=LOCATION, workers=2,
                         files={'batch.json': json.dumps(SCHEMA)})
    server.start()

    connection = http.client.HTTPConnection('127.0.0.1', server.port)

    compare('one image a request', one_by_one(connection, images), labels,
            probabilities, truth)
    compare('batches of %d' % BATCH, in_batches(connection, images), labels,
            probabilities, truth)

    tally.check(server.stop(), 'nginx quits')
    trouble = server.close()
    tally.check(not trouble, 'a clean log', '\n'.join(trouble))
    tally.end()


main()
