"""modules/ml_check: verdicts as lines of JSON, and its exit status."""

import json
import os
import subprocess
import tempfile

import tally

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CHECK = os.path.join(os.path.dirname(
    os.environ['TEST_NGINX_LOAD_MODULES'].split()[0]), 'ml_check')


def run(*args, stdin=b''):
    done = subprocess.run([CHECK, *args], input=stdin, capture_output=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, lines, done.stderr.decode()


def equal(name, got, want):
    tally.check(got == want, name, '%r, not %r' % (got, want))


def usage(directory, schema):
    for args in ([], ['--syntax'], ['--schema', schema],
                 ['--schema', schema, '--syntax', schema],
                 ['--schema', schema, '--model', schema, schema],
                 ['--nothing', schema], ['--schema'],
                 ['--syntax', '--chunk', '0', schema],
                 ['--syntax', '--errors', '0', schema],
                 ['--syntax', '--errors', '101', schema],
                 ['--syntax', '--chunk', '1x', schema],
                 ['--syntax', '--limit', 'depth=1025', schema],
                 ['--syntax', '--limit', 'deep=1', schema],
                 ['--syntax', '--limit', 'depth', schema],
                 ['--syntax', '--protocol', 'npy', schema],
                 ['--syntax', '--registry', 'http://x=.', schema],
                 ['--schema', schema, '--protocol', 'xml', schema],
                 ['--schema', schema, '--registry', 'http://x', schema]):
        status, lines, said = run(*args)
        tally.check(status == 2 and lines == [] and 'Usage:' in said,
                    'usage: %s' % ' '.join(args), said)

    status, lines, said = run('--schema', '/nonexistent', schema)
    equal('a schema that is not there', (status, said),
          (2, 'ml_check: /nonexistent: No such file or directory\n'))

    bad = os.path.join(directory, 'bad.json')

    with open(bad, 'w') as f:
        f.write('{"type":"float"}')

    status, lines, said = run('--schema', bad, schema)
    equal('a bad schema', (status, said),
          (2, 'ml_check: %s: unknown type at "#/type"\n' % bad))

    status, lines, said = run('--schema', schema, '--protocol', 'raw', schema)
    tally.check(status == 2 and 'no "x-tensor"' in said, 'no tensor', said)


def verdicts(directory, schema):
    good = os.path.join(directory, 'good.json')
    wrong = os.path.join(directory, 'a "wrong" one.json')

    with open(good, 'w') as f:
        f.write('{"a": 7}')

    with open(wrong, 'w') as f:
        f.write('{"a": "x"}')

    detail = [{'type': 'int_type', 'loc': ['body', 'a'],
               'msg': 'Input should be a valid integer'}]
    right = {'file': good, 'valid': True}
    wrong_line = {'file': wrong, 'valid': False, 'detail': detail}
    registry = 'http://example.com/schemas=' + directory

    for chunk in ([], ['--chunk', '1'], ['--chunk', '1000']):
        args = ['--schema', schema, '--registry', registry, *chunk]
        equal('valid', run(*args, good), (0, [right], ''))
        equal('invalid', run(*args, good, wrong),
              (1, [right, wrong_line], ''))
        equal('unreadable', run(*args, wrong, '/nonexistent', good)[:2],
              (2, [wrong_line, {'file': '/nonexistent',
                                'error': 'No such file or directory'},
                   right]))
        equal('a directory', run(*args, directory)[:2],
              (2, [{'file': directory, 'error': 'Is a directory'}]))

    equal('standard input', run('--schema', schema, '--registry', registry,
                                '-', stdin=b'{"a":"x"}'),
          (1, [dict(wrong_line, file='-')], ''))

    for told, errors in (('1', 1), ('2', 2), ('100', 2)):
        status, lines, _ = run(
            '--schema', schema, '--registry', registry, '--errors', told, '-',
            stdin=b'{"a": "x", "a2": 1, "b": [}')
        equal('%s errors' % told, (status, len(lines[0]['detail'])),
              (1, errors))

    equal('without the registry', run('--schema', schema, good)[0], 2)

    equal('a limit', run('--schema', schema, '--registry', registry,
                         '--limit', 'depth=1', '-', stdin=b'{"b":[1]}')[0], 1)
    equal('within it', run('--schema', schema, '--registry', registry,
                           '--limit', 'depth=2', '-', stdin=b'{"b":[1]}')[0],
          0)


def syntax():
    for text, status in ((b'[1, {"a": null}]', 0), (b'[1,]', 1), (b'', 1),
                         (b'{"a":1,"a":2}', 1), (b'"\xff"', 1),
                         (b'[' * 1000 + b']' * 1000, 0),
                         (b'[' * 1025 + b']' * 1025, 1)):
        equal('syntax', run('--syntax', '-', stdin=text)[0], status)


def model():
    predict = os.path.join(ROOT, 'examples/predict/predict.onnx')
    rows = json.dumps({'features': [[1] * 10] * 3}).encode()

    equal('a model', run('--model', predict, '-', stdin=rows)[0], 0)
    equal('too short', run('--model', predict, '-',
                           stdin=b'{"features":[[1]]}')[0], 1)
    equal('raw', run('--model', predict, '--protocol', 'raw', '-',
                     stdin=bytes(40))[0], 0)
    equal('raw, cut', run('--model', predict, '--protocol', 'raw', '-',
                          stdin=bytes(39))[0], 1)
    equal('no model', run('--model', '/nonexistent', '-')[0], 2)


def formats(directory):
    schema = os.path.join(directory, 'formats.json')

    with open(schema, 'w') as f:
        f.write('{"format": "date"}')

    equal('formats off', run('--schema', schema, '-', stdin=b'"x"')[0], 0)
    equal('formats on', run('--schema', schema, '--formats', '-',
                            stdin=b'"x"')[0], 1)


def main():
    with tempfile.TemporaryDirectory() as directory:
        schema = os.path.join(directory, 'schema.json')
        other = os.path.join(directory, 'other.json')

        with open(schema, 'w') as f:
            f.write('{"$id": "http://example.com/schemas/schema.json",'
                    ' "type": "object", "properties": {"a":'
                    ' {"$ref": "other.json"}}}')

        with open(other, 'w') as f:
            f.write('{"type": "integer"}')

        with open(os.path.join(directory, 'plain.json'), 'w') as f:
            f.write('{}')

        usage(directory, os.path.join(directory, 'plain.json'))
        verdicts(directory, schema)
        syntax()
        model()
        formats(directory)

    tally.end()


main()
