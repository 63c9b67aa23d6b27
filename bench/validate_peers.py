"""POST of 768 floats, checked by others: Lua with cjson in nginx, FastAPI with
pydantic v2, and ModSecurity with its Core Rule Set, each with one worker on
one core, beside ml_validate."""

import os
import signal
import socket
import subprocess
import sys
import time

import bench

ROUNDS = int(os.environ.get('BENCH_ROUNDS', '3'))
SECONDS = int(os.environ.get('BENCH_SECONDS', '3'))
WIDTH = 768
BUILD = os.path.join(bench.ROOT, 'build/bench/peers')
DEBIAN = '/usr/lib/nginx/modules/'

VALIDATE = '''
        location = /t {
            ml_validate schema=features.json;
            echo_read_request_body;
            echo ok;
        }
'''

LUA = '''
        location = /t {
            client_body_buffer_size 64k;
            access_by_lua_block {
                ngx.req.read_body()
                local cjson = require "cjson.safe"
                local body = cjson.decode(ngx.req.get_body_data())
                local features = body and body.features
                if type(features) ~= "table" or #features ~= 768 then
                    return ngx.exit(422)
                end
                for i = 1, 768 do
                    local x = features[i]
                    if type(x) ~= "number" or x < -100 or x > 100 then
                        return ngx.exit(422)
                    end
                end
            }
            echo ok;
        }
'''

MODSECURITY = '''
        location = /t {
            modsecurity on;
            modsecurity_rules_file %s;
            echo_read_request_body;
            echo ok;
        }
'''

RULES = '''
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 1310720
SecPcreMatchLimit 100000
%s
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
'''

JSON = '''
SecRule REQUEST_HEADERS:Content-Type "^application/json" \\
    "id:200001,phase:1,t:none,t:lowercase,pass,nolog,\
ctl:requestBodyProcessor=JSON"
'''

APP = '''
from typing import Annotated, List

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field


class Request(BaseModel):
    model_config = ConfigDict(strict=True, extra='forbid')
    features: Annotated[
        List[Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]],
        Field(min_length=768, max_length=768)]


app = FastAPI()


@app.post('/t')
async def t(request: Request):
    return 'ok'
'''


class FastAPI:
    """What bench.Nginx is to nginx, for uvicorn."""

    load = bench.Nginx.load
    url = bench.Nginx.url
    cpu = bench.Nginx.cpu
    script = bench.Nginx.script
    prefix = BUILD

    def __enter__(self):
        venv = BUILD + '/venv/bin/'

        if not os.path.exists(venv + 'uvicorn'):
            subprocess.run([sys.executable, '-m', 'venv', BUILD + '/venv'],
                           check=True)
            subprocess.run([venv + 'pip', 'install', '-q', 'fastapi==0.165.0',
                            'pydantic==2.13.4', 'uvicorn[standard]==0.52.0'],
                           check=True)

        bench.write(BUILD + '/app.py', APP)

        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]

        self.process = subprocess.Popen(
            ['taskset', '-c', str(bench.SERVER_CORE), venv + 'uvicorn',
             'app:app', '--port', str(self.port), '--no-access-log',
             '--log-level', 'warning'], cwd=BUILD)
        self.worker = self.process.pid

        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(('127.0.0.1', self.port)) == 0:
                    return self

            time.sleep(0.1)

        sys.exit('uvicorn does not start')

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def nginx(name, server, *modules):
    made = bench.Nginx('peers/' + name, '', server,
                       [DEBIAN + m for m in modules])
    bench.write(os.path.join(made.prefix, 'features.json'),
                bench.schema(WIDTH))

    return made


def modsecurity(name, rules):
    path = bench.write(os.path.join(BUILD, name + '.conf'), RULES % rules)

    return nginx(name, MODSECURITY % path, 'ngx_http_modsecurity_module.so')


PEERS = (
    ('ml_validate', lambda: nginx('validate', VALIDATE), 32),
    ('Lua and cjson', lambda: nginx('lua', LUA, 'ndk_http_module.so',
                                    'ngx_http_lua_module.so'), 32),
    ('FastAPI and pydantic', FastAPI, 32),
    ('ModSecurity and CRS, JSON', lambda: modsecurity('json', JSON), 1),
    ('ModSecurity and CRS, not as JSON', lambda: modsecurity('plain', ''), 1),
)


def main():
    body = bench.floats(WIDTH)
    os.makedirs(BUILD, exist_ok=True)
    rates = {name: [] for name, _, _ in PEERS}
    costs = {name: [] for name, _, _ in PEERS}

    for i in range(ROUNDS):
        for name, start, connections in PEERS:
            with start() as peer:
                rate, cost = peer.load('/t', body, SECONDS, connections)

            rates[name].append(rate)
            costs[name].append(cost)
            print('round %d %-34s %9.1f requests/s %10.1f us'
                  % (i + 1, name, rate, cost), flush=True)

    ours = rates['ml_validate']
    rows = [[name, bench.spread(rates[name], '%.1f'),
             bench.spread([a / b for a, b in zip(ours, rates[name])],
                          '%.1f'),
             bench.spread(costs[name], '%.1f')] for name, _, _ in PEERS]

    bench.report('validate_peers', 'POST of 768 floats, checked by others',
                 '''\
One worker on one core, wrk on the others with 32 connections (one with
ModSecurity, which is slow), a body of %d bytes; %d interleaved rounds of %d
seconds.  Medians, with the least and the greatest round; the ratio says how
many requests ml_validate checks while the other checks one, within a round.
Lua checks what the schema says of the numbers; ModSecurity looks for attacks
in them, and is also shown without its reader of JSON.

%s''' % (len(body), ROUNDS, SECONDS, bench.table(
            ['checked by', 'requests/s', 'ratio', 'worker CPU, us/request'],
            rows)))


main()
