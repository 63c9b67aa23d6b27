"""The modules with the scripted backend of fault_backend.c beside them."""

import os
import re
import shutil
import subprocess

import nginx

MODEL = os.path.join(nginx.ROOT, 't/models/identity.onnx')

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
'''


def build():
    """The identity of the modules, as ./build.sh writes it into them."""
    with open(nginx.MODULES[0], 'rb') as f:
        return re.search(rb'\0([0-9a-f]{16})\0', f.read()).group(1).decode()


def modules(directory, backend=True, identity=None):
    """Copies of the modules in a directory; the backend with them, or not."""
    os.makedirs(directory, exist_ok=True)
    copies = []

    for module in nginx.MODULES:
        copies.append(shutil.copy(module, directory))

    if backend:
        subprocess.run(
            ['cc', '-O1', '-fPIC', '-shared',
             '-DNGX_ML_BUILD="%s"' % (identity or build()),
             '-I', os.path.join(nginx.ROOT, 'ngx_ml_core'),
             '-I', os.path.join(nginx.ROOT, 'ngx_ml_infer/engine'),
             '-o', os.path.join(directory, 'ngx_ml_backend_cpu.so'),
             os.path.join(nginx.ROOT, 't/process/fault_backend.c')],
            check=True)

    return copies


def server(model, http='ml_zone ml:1m;', location='', backend=True, main='',
           guard='', identity=None, **parts):
    """An nginx with the model "m" of these directives, and what else guards
    it."""
    s = nginx.Nginx(
        http='%s\nml_model m { file %s; %s }' % (http, MODEL, model),
        location=LOCATIONS.format(guard=guard) + location,
        main='env ML_FAULT;\n' + main, files={'x.json': SCHEMA}, modules=[],
        **parts)
    s.modules = modules(os.path.join(s.prefix, 'modules'), backend,
                        identity)
    s.configure()

    return s


def body(msec=0, fail=0, tag=0.0, more=0.0, **members):
    return dict(x=[msec, fail, tag, more], **members)


def outcome(server, name):
    """How often a request to the model ended so."""
    return server.metric('ml_infer_requests_total{model="m",outcome="%s"}'
                         % name) or 0


def depth(server):
    return server.metric('ml_infer_queue_depth{model="m"}')
