"""Requests to a live FastAPI application, and to nginx with the OpenAPI
document that the application serves: the same status, and an error that is
one of FastAPI's, without "input".

Bodies are valid ones with one random change, from a fixed seed.  What may
differ is in docs/errors.md; each difference there is a rule below, and each
rule must be met at least once.
"""

import copy
import enum
import json
import os
import random
import sys
from typing import Dict, List, Literal, Optional, Union

import fastapi
import fastapi.testclient
from pydantic import BaseModel, ConfigDict, Field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

sys.path.insert(0, os.path.join(ROOT, 't', 'process'))

import nginx                                            # noqa: E402
import tally                                            # noqa: E402

CASES = 3000


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class Closed(Strict):
    model_config = ConfigDict(strict=True, extra='forbid')


class Level(enum.Enum):
    low = 'low'
    high = 'high'


class Point(Closed):
    x: float = Field(ge=-1, le=1)
    y: float = Field(gt=-1, lt=1)


class Text(Strict):
    kind: Literal['text']
    text: str = Field(max_length=8)


class Image(Strict):
    kind: Literal['image']
    size: int = Field(multiple_of=2, ge=2)


class Predict(Closed):
    features: List[float] = Field(min_length=1, max_length=4)
    name: Optional[str] = Field(default=None, min_length=2, max_length=5,
                                pattern='^[a-z]+$')
    count: int = Field(default=1, ge=1, lt=10)
    mode: Literal['fast', 'exact'] = 'fast'
    flag: bool = False
    points: List[Point] = []
    tags: Dict[str, int] = {}
    nested: Optional['Predict'] = None


class Chat(Strict):
    parts: List[Union[Text, Image]] = Field(min_length=1)
    value: Union[int, str] = 1


APP = fastapi.FastAPI()


@APP.post('/predict')
def predict(body: Predict):
    return {}


@APP.put('/chat/{name}')
def chat(name: str, body: Chat):
    return {}


@APP.post('/optional')
def optional(body: Optional[Point] = None):
    return {}


VALID = {
    ('POST', '/predict'): {
        'features': [1.5, 2, -3e2], 'name': 'abc', 'count': 3,
        'mode': 'exact', 'flag': True,
        'points': [{'x': 0.5, 'y': 0}, {'x': 1, 'y': -0.5}],
        'tags': {'a': 1, 'b': 2},
        'nested': {'features': [1], 'name': None},
    },
    ('PUT', '/chat/me'): {
        'parts': [{'kind': 'text', 'text': 'hi'},
                  {'kind': 'image', 'size': 4}],
        'value': 'x',
    },
    ('POST', '/optional'): {'x': 0, 'y': 0},
}

OTHERS = (None, True, False, 0, 1, -1, 2, 3, 10, 11, 1.5, -0.0, 1e300, 2 ** 70,
          '', 'a', 'ab', 'abc', 'toolongtext', 'ABC', 'fast', 'text', 'image',
          '1', [], [1], [1, 2, 3, 4, 5], ['a'], [[1]], {}, {'x': 1},
          {'kind': 'text'}, {'kind': 'image', 'size': 3})


def places(value, path=()):
    yield path

    children = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()

    for key, child in children:
        yield from places(child, path + (key,))


def change(pick, body):
    """The body with one random change."""
    path = pick.choice(list(places(body)))
    other = copy.deepcopy(pick.choice(OTHERS))

    if path == ():
        return other if pick.random() < 0.3 else dict(body, more=other)

    body = copy.deepcopy(body)
    parent = body

    for key in path[:-1]:
        parent = parent[key]

    action = pick.random()

    if action < 0.2:
        del parent[path[-1]]
    elif action < 0.3 and isinstance(parent, list):
        parent.extend([other] * pick.randint(1, 4))
    elif action < 0.3:
        parent[pick.choice(('more', 'x', 'name', 'é'))] = other
    else:
        parent[path[-1]] = other

    return body


def plain(error):
    return {key: value for key, value in error.items() if key != 'input'}


def unordered(error):
    """A list that was refused before its end."""
    error = copy.deepcopy(error)

    if error['type'] == 'too_long' and 'ctx' in error:
        error['msg'] = error['msg'][:error['msg'].rindex(', not ')]
        error['ctx'].pop('actual_length')

    return error


def is_whole(error):
    """An integer that JSON Schema sees in a float."""
    value = error['input']

    return error['type'] == 'int_type' and isinstance(value, float) \
        and value == int(value)


RULES = {}


def rule(f):
    RULES[f.__name__.replace('_', ' ')] = f
    return f


@rule
def more_than_allowed(ours, theirs):
    return ours is not None and ours['type'] == 'too_long' and any(
        unordered(ours) == unordered(plain(error)) for error in theirs)


@rule
def too_long_and_wrong(ours, theirs):
    return ours is not None and any(
        error['type'] == 'too_long'
        and ours['loc'][:len(error['loc'])] == error['loc']
        for error in theirs)


@rule
def member_of_a_union(ours, theirs):
    return ours is not None and any(
        ours['type'] == error['type'] and ours['msg'] == error['msg']
        and len(error['loc']) > len(ours['loc'])
        and [step for step in error['loc'] if step in ours['loc']]
        == ours['loc'] for error in theirs)


@rule
def whole_float(ours, theirs):
    return any(is_whole(error)
               and (ours is None
                    or [step for step in error['loc'] if step in ours['loc']]
                    == ours['loc'])
               for error in theirs)


def main():
    server = nginx.Nginx()
    server.write('openapi.json', json.dumps(APP.openapi()))
    server.configure(location='''
        location /upstream/ { return 200 "{}"; }
        location / {
            ml_validate  openapi=openapi.json;
            proxy_pass   http://127.0.0.1:%d/upstream/;
        }
    ''' % server.port)
    server.start()

    client = fastapi.testclient.TestClient(APP)
    pick = random.Random(4)
    met = dict.fromkeys(RULES, 0)
    refused = 0

    for case in range(CASES):
        method, path = pick.choice(list(VALID))
        body = VALID[method, path] if case < 3 else \
            change(pick, VALID[method, path])
        text = json.dumps(body, ensure_ascii=pick.random() < 0.5)
        headers = {'Content-Type': 'application/json'}

        theirs = client.request(method, path, content=text.encode(),
                                headers=headers)
        ours = server.request(method, path, text.encode(), headers)

        errors = theirs.json()['detail'] if theirs.status_code == 422 else []
        mine = json.loads(ours.body)['detail'] if ours.status == 422 else []
        title = '%s %s %s' % (method, path, text)

        if ours.status == theirs.status_code:
            tally.check(len(mine) == (1 if errors else 0), title)

        if not errors and not mine:
            continue

        refused += 1
        mine = mine[0] if mine else None

        if mine in [plain(error) for error in errors]:
            continue

        names = [name for name, f in RULES.items() if f(mine, errors)]

        for name in names[:1]:
            met[name] += 1

        tally.check(names != [], title,
                    '%s\n    not among %s' % (mine, errors))

    with open(os.path.join(ROOT, 'docs', 'errors.md')) as f:
        table = f.read()

    for name, count in met.items():
        print('%s: %d of %d' % (name, count, refused))
        tally.check(count > 0, 'the rule "%s" is met' % name)
        tally.check('| %s |' % name in table, '"%s" is in docs/errors.md'
                    % name)

    server.stop()
    tally.end()


main()
