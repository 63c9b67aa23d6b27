"""Error bodies against pydantic v2 in strict mode, which FastAPI answers with.

FastAPI validates with from_attributes, so an object that is none is
"model_attributes_type".  Each case is a body to a location; its "detail" must
be what pydantic finds in the same body, without "input" and "url", and with
FastAPI's "body" before the location.  Where the validator stops before a list
has ended it cannot know how long the list would have been: "too_long" then
says what pydantic says of an iterator, "not more" and null.
"""

import http.client
import json
import os
import sys
from typing import List, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

sys.path.insert(0, os.path.join(ROOT, 't', 'process'))

import nginx                                            # noqa: E402
import tally                                            # noqa: E402


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra='forbid')


class Inner(Strict):
    on: bool


class Model(Strict):
    features: List[float] = Field(min_length=2, max_length=3)
    name: Optional[str] = Field(default=None, min_length=2, max_length=4)
    count: int = Field(default=1, ge=1, le=9)
    share: float = Field(default=0.5, gt=0, lt=1)
    mode: Literal['fast', 'exact'] = 'fast'
    inner: Optional[Inner] = None
    words: List[str] = Field(default=[], max_length=2)


SCHEMA = {
    'type': 'object',
    'required': ['features'],
    'additionalProperties': False,
    'properties': {
        'features': {'type': 'array', 'items': {'type': 'number'},
                     'minItems': 2, 'maxItems': 3},
        'name': {'type': ['string', 'null'], 'minLength': 2, 'maxLength': 4},
        'count': {'type': 'integer', 'minimum': 1, 'maximum': 9},
        'share': {'type': 'number', 'exclusiveMinimum': 0,
                  'exclusiveMaximum': 1},
        'mode': {'enum': ['fast', 'exact']},
        'inner': {'type': ['object', 'null'], 'required': ['on'],
                  'additionalProperties': False,
                  'properties': {'on': {'type': 'boolean'}}},
        'words': {'type': 'array', 'items': {'type': 'string'},
                  'maxItems': 2},
    },
}

BODIES = (
    '{}',
    '[]',
    '3',
    '{"features": [1.5]}',
    '{"features": []}',
    '{"features": [1, 2, 3, 4]}',
    '{"features": "x"}',
    '{"features": null}',
    '{"features": {"0": 1}}',
    '{"features": [1, "x"]}',
    '{"features": [1, true]}',
    '{"features": [1, null]}',
    '{"features": [1, 2], "more": 1}',
    '{"features": [1, 2], "name": "a"}',
    '{"features": [1, 2], "name": "abcde"}',
    '{"features": [1, 2], "name": 5}',
    '{"features": [1, 2], "name": "\\u00e9"}',
    '{"features": [1, 2], "count": 0}',
    '{"features": [1, 2], "count": 10}',
    '{"features": [1, 2], "count": "1"}',
    '{"features": [1, 2], "count": true}',
    '{"features": [1, 2], "share": 0}',
    '{"features": [1, 2], "share": 1.0}',
    '{"features": [1, 2], "share": "0.5"}',
    '{"features": [1, 2], "mode": "slow"}',
    '{"features": [1, 2], "mode": 1}',
    '{"features": [1, 2], "inner": {}}',
    '{"features": [1, 2], "inner": {"on": 1}}',
    '{"features": [1, 2], "inner": {"on": true, "off": false}}',
    '{"features": [1, 2], "words": ["a", 1]}',
    '{"features": [1, 2], "words": "a"}',
)


# several errors in one; what is too long comes without errors of its elements

SEVERAL = (
    '{"name": "a", "count": 0, "share": 1.0, "mode": "slow"}',
    '{"features": [1, "x", null], "inner": {"off": 1}}',
    '{"features": ["a", true, {}], "words": [1, "a"], "more": [1, {"x": 2}]}',
    '{"features": {"a": [1]}, "name": ["abc"], "inner": [], "x": "y"}',
    '{"count": 1.5, "inner": {"on": "yes", "a": 1, "b": 2}, "words": "x"}',
    '{"words": ["a", "b", "c", "d"], "count": true, "features": [1]}',
    '{"mode": null, "share": {"a": {"b": []}}, "name": "\\u00e9xyz\\u00e9"}',
)


def expected(body):
    try:
        Model.model_validate(json.loads(body), from_attributes=True)
    except ValidationError as e:
        errors = e.errors(include_url=False, include_input=False)
    else:
        raise SystemExit('%s is valid for pydantic' % body)

    for error in errors:
        error['loc'] = ['body', *error['loc']]

        if error['type'] == 'too_long':
            error['ctx']['actual_length'] = None
            error['msg'] = (error['msg'].rpartition(', not ')[0]
                            + ', not more')

    return errors


def ordered(errors):
    """pydantic's are in the order of the model, ours in that of the body."""
    return sorted(errors, key=lambda error: json.dumps(error['loc']))


def main():
    server = nginx.Nginx(
        location='''
            location = /t {
                ml_validate schema=schema.json;
                proxy_pass  http://127.0.0.1:1;
            }
            location = /all {
                ml_validate        schema=schema.json;
                ml_validate_errors 100;
                proxy_pass         http://127.0.0.1:1;
            }
        ''', files={'schema.json': json.dumps(SCHEMA)}).start()

    connection = http.client.HTTPConnection('127.0.0.1', server.port)

    for body in BODIES:
        answer = nginx.ask(connection, 'POST', '/t', body)
        want = {'detail': expected(body)[:1]}

        tally.check(answer.status == 422 and answer.json() == want, body,
                    '%s\nnot %s' % (answer, json.dumps(want)))

    for body in BODIES + SEVERAL:
        answer = nginx.ask(connection, 'POST', '/all', body)
        want = ordered(expected(body))

        tally.check(answer.status == 422
                    and ordered(answer.json()['detail']) == want,
                    'all of ' + body,
                    '%s\nnot %s' % (answer, json.dumps(want)))

    # JSON itself: CPython's words, and the character where it stopped; what
    # breaks the contract before that is told instead

    for body in ('', '{', '{"features": [1,]}', '{"features": [1 2]}',
                 '{"features" 1}', '{"features": [1, 2]} x', "{'a': 1}",
                 '{"features": [01]}'):
        try:
            json.loads(body)
        except json.JSONDecodeError as e:
            want = {'detail': [{'type': 'json_invalid',
                                'loc': ['body', e.pos],
                                'msg': 'JSON decode error',
                                'ctx': {'error': e.msg}}]}

        if body == '':
            want = {'detail': [{'type': 'missing', 'loc': ['body'],
                                'msg': 'Field required'}]}

        answer = nginx.ask(connection, 'POST', '/t', body)
        tally.check(answer.status == 422 and answer.json() == want,
                    'JSON: %s' % body,
                    '%s\nnot %s' % (answer, json.dumps(want)))

    connection.close()
    tally.check(server.stop(), 'nginx quits')
    trouble = server.close()
    tally.check(not trouble, 'a clean log', '\n'.join(trouble))
    tally.end()


main()
