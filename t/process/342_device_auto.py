"""Devices other than the fault backend's, on a machine that has no GPU: what
is served without one, and what is said about it."""

import glob
import re

import faulty
import nginx
import tally

check = tally.check

HTTP = '''
    ml_zone ml:1m;
    ml_model m { file %s; device %%s; batch 4; queue 20 timeout=5s; }
''' % faulty.MODEL


def server(device):
    return nginx.Nginx(http=HTTP % device, workers=2, files={
        'x.json': faulty.SCHEMA},
        location=faulty.LOCATIONS.format(guard='')).start()


def state(s):
    return s.get('/status').json()['models']['m']


def lines(s, pattern):
    return [line for line in s.log().splitlines() if re.search(pattern, line)]


def cpu_process():
    s = server('cpu process')
    check(nginx.wait(lambda: state(s)['ready']), 'is ready', state(s))
    check(state(s)['device'] == 'cpu' and state(s)['executor'] == 'process',
          'in the device process', state(s))

    for i in range(8):
        answer = s.post('/infer', faulty.body(tag=i))
        check(answer.status == 200 and answer.json()['y'] == [0, 0, i, 0],
              'serves', answer)

    check(state(s)['process']['batches'] >= 8, 'it was the one that ran')
    check(s.stop(), 'stops')
    check(s.close() == [], 'no trouble')


def auto():
    """Without a GPU it is the CPU, and that is no error."""
    s = server('auto')

    for i in range(4):
        answer = s.post('/infer', faulty.body(tag=i))
        check(answer.status == 200 and answer.json()['y'] == [0, 0, i, 0],
              'serves at once', answer)

    check(nginx.wait(lambda: lines(s, r'\[notice\].*model "m"')),
          'says why there is no GPU')
    check(s.get('/ready').status == 200, 'is ready')
    check(state(s)['process']['batches'] == 0, 'nothing ran elsewhere',
          state(s))
    check(s.stop(), 'stops')
    check(s.close() == [], 'no trouble')


def cuda():
    """One clear line, 503, and a model that is not ready."""
    s = server('cuda')
    check(nginx.wait(lambda: lines(s, r'\[error\].*model "m"')), 'says why')
    told = lines(s, r'\[error\].*model "m"')
    check(len(told) == 1 and re.search('cuda', told[0]), 'in one line', told)
    check(nginx.wait(lambda: s.post('/infer', faulty.body()).status == 503),
          'is not served')
    check(s.get('/ready').status == 503, 'nor ready')
    check(s.get('/health').status == 200, 'nginx is well')
    check(s.stop(), 'stops')
    trouble = [t for t in s.close() if 'model "m"' not in t]
    check(trouble == [], 'no trouble', trouble)


cpu_process()

if glob.glob('/dev/nvidia[0-9]*'):
    tally.skip('there is a GPU here')
else:
    auto()
    cuda()

tally.end()
