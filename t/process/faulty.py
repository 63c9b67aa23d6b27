"""An nginx whose model "m" does what a request, or its script, says.

The backend is the fault backend, for t/models/identity.onnx, x float32 [N,4]
-> y float32 [N,4], with this script:

    x[0]    milliseconds to run; a batch runs as long as its longest row
    x[1]    1: the run fails, 2: the device is lost, 3: the process dies,
            4: the run never ends, 5: the process dies when it has computed
    y       x

A run takes at least one millisecond, so that none is worth running in the
event loop.
"""

import os
import shutil
import subprocess

import nginx

MODEL = os.path.join(nginx.ROOT, 't/models/identity.onnx')

SCRIPT = '''
run   delay 1ms
run   delay x[0]
run   x[1]=1 error
run   x[1]=2 lost
run   x[1]=3 crash
run   x[1]=4 hang
done  x[1]=5 crash
'''

SCHEMA = '''{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [4]}},
    "id": {"type": "string"}}}
'''

LOCATIONS = '''
    location = /infer {{
        ml_validate   schema=x.json;
        {guard}
        ml_infer      m;
        ml_infer_echo id;
        add_header    X-Status $ml_infer_status always;
        add_header    X-Batch $ml_batch_size always;
        add_header    X-Breaker $ml_breaker always;
    }}
    location = /metrics {{ ml_status prometheus; }}
    location = /status  {{ ml_status json; }}
    location = /ready   {{ ml_status ready; }}
    location = /health  {{ ml_status live; }}
    location /v2        {{ ml_validate protocol=oip; ml_infer oip; }}
    location = /worker  {{ return 200 $pid; }}
'''


def modules(directory):
    """Copies of all that ./build.sh has made, to take something away from.
    """
    shutil.copytree(os.path.dirname(nginx.MODULES[0]), directory)

    return [os.path.join(directory, os.path.basename(module))
            for module in nginx.MODULES]


def other_build(path):
    """A fault backend that is not of the modules' build."""
    subprocess.run([os.path.join(nginx.ROOT,
                                 'ngx_ml_infer/engine/fault/build.sh'), path],
                   check=True, env=dict(os.environ, NGX_ML_BUILD='other'))


def server(model, http='ml_zone ml:1m;', location='', guard='', device='',
           script=SCRIPT, prepare=None, **parts):
    """An nginx with the model "m" of these directives, and what else guards
    it.  "device" is what follows "device fault:FILE"; prepare() may change
    the modules, which are then copies, in the directory that it is given."""
    files = dict(parts.pop('files', {}), **{'x.json': SCHEMA,
                                            'fault.txt': script})
    s = nginx.Nginx(
        http=http + """
            ml_model m {
                file %s;
                device fault:fault.txt %s;
                %s
            }
        """ % (MODEL, device, model),
        location=LOCATIONS.format(guard=guard) + location, files=files,
        **parts)

    if prepare:
        directory = os.path.join(s.prefix, 'modules')
        s.modules = modules(directory)
        prepare(directory)
        s.configure()

    return s


def body(msec=0, fail=0, tag=0.0, more=0.0, **members):
    return dict(x=[msec, fail, tag, more], **members)


def script(server, text):
    """Another script, at once whole."""
    server.write('fault.new', text)
    os.rename(os.path.join(server.prefix, 'fault.new'),
              os.path.join(server.prefix, 'fault.txt'))


def outcome(server, name):
    """How often a request to the model ended so."""
    return server.metric('ml_infer_requests_total{model="m",outcome="%s"}'
                         % name) or 0


def depth(server):
    return server.metric('ml_infer_queue_depth{model="m"}')
