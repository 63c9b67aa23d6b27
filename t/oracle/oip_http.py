"""Triton's own client (tritonclient, HTTP) against "ml_infer oip", JSON and
binary, every datatype on models that give back what they get; and against a
stub of Triton behind protocol=oip, strings included."""

import http.server
import json
import os
import sys
import threading

import ml_dtypes
import numpy
import onnx
from onnx import helper
import tritonclient.http as triton
from tritonclient.utils import (InferenceServerException,
                                deserialize_bytes_tensor,
                                serialize_byte_tensor)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

sys.path.insert(0, os.path.join(ROOT, 't', 'process'))

import nginx                                            # noqa: E402
import tally                                            # noqa: E402

check = tally.check

TYPES = {
    'BOOL': (numpy.bool_, onnx.TensorProto.BOOL, [True, False]),
    'UINT8': (numpy.uint8, onnx.TensorProto.UINT8, [0, 255]),
    'UINT16': (numpy.uint16, onnx.TensorProto.UINT16, [0, 65535]),
    'UINT32': (numpy.uint32, onnx.TensorProto.UINT32, [0, 2 ** 32 - 1]),
    'UINT64': (numpy.uint64, onnx.TensorProto.UINT64, [0, 2 ** 64 - 1]),
    'INT8': (numpy.int8, onnx.TensorProto.INT8, [-128, 127]),
    'INT16': (numpy.int16, onnx.TensorProto.INT16, [-32768, 32767]),
    'INT32': (numpy.int32, onnx.TensorProto.INT32, [-2 ** 31, 2 ** 31 - 1]),
    'INT64': (numpy.int64, onnx.TensorProto.INT64, [-2 ** 63, 2 ** 63 - 1]),
    'FP16': (numpy.float16, onnx.TensorProto.FLOAT16,
             [65504, -2 ** -24, 0.1, -0.0]),
    'BF16': (ml_dtypes.bfloat16, onnx.TensorProto.BFLOAT16,
             [3.38e38, -1e-40, 0.1, -0.0]),
    'FP32': (numpy.float32, onnx.TensorProto.FLOAT,
             [3.4e38, -1e-45, 0.1, -0.0]),
    'FP64': (numpy.float64, onnx.TensorProto.DOUBLE,
             [1.7e308, -5e-324, 0.1, -0.0]),
}


def identity(directory, name, kind):
    """A model of any number of rows of two, given back as they are."""
    graph = helper.make_graph(
        [helper.make_node('Identity', ['x'], ['y'])], 'identity',
        [helper.make_tensor_value_info('x', kind, ['N', 2])],
        [helper.make_tensor_value_info('y', kind, ['N', 2])])

    onnx.save(helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8),
        os.path.join(directory, name + '.onnx'))


class Stub(http.server.BaseHTTPRequestHandler):
    """As much of Triton as gives the first input back as output "y"."""
    protocol_version = 'HTTP/1.1'
    seen = []

    def log_message(self, *args):
        pass

    def answer(self, body, headers=()):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        Stub.seen.append(self.path)
        self.answer(b'{"name":"stub","versions":["1"]}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        header = int(self.headers.get('Inference-Header-Content-Length',
                                      len(body)))
        request = json.loads(body[:header])
        Stub.seen.append(self.path)

        one = request['inputs'][0]
        out = {'name': 'y', 'datatype': one['datatype'],
               'shape': one['shape']}
        tail = b''

        if 'data' in one:
            out['data'] = one['data']
            if one['datatype'] == 'BYTES':
                tail = b''.join(len(s.encode()).to_bytes(4, 'little')
                                + s.encode() for s in one['data'])
                del out['data']
                out['parameters'] = {'binary_data_size': len(tail)}
        else:
            tail = body[header:][:one['parameters']['binary_data_size']]
            out['parameters'] = {'binary_data_size': len(tail)}

        head = json.dumps({'model_name': 'm', 'outputs': [out]}).encode()
        self.answer(head + tail, [('Inference-Header-Content-Length',
                                   str(len(head)))])


def raised(name, call, text, status):
    try:
        call()
    except InferenceServerException as e:
        check(text in e.message() and e.status() == str(status), name,
              '%r, %r' % (e.status(), e.message()))
    except Exception as e:
        check(False, name, repr(e))
    else:
        check(False, name, 'nothing raised')


def tensor(array, datatype, binary, name='x'):
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def same(got, want):
    return (got is not None and got.dtype == want.dtype
            and got.shape == want.shape and got.tobytes() == want.tobytes())


def models(client):
    for datatype, (dtype, _, values) in TYPES.items():
        name = datatype.lower()
        some = numpy.array(values, dtype).reshape(-1, 2)

        for binary_in in (True, False):
            for binary_out in (True, False):

                # what the client itself does not do in JSON
                if datatype == 'BF16' and not (binary_in and binary_out):
                    continue

                what = '%s, %s in, %s out' % (
                    datatype, 'binary' if binary_in else 'JSON',
                    'binary' if binary_out else 'JSON')
                try:
                    result = client.infer(
                        name, [tensor(some, datatype, binary_in)],
                        outputs=[triton.InferRequestedOutput(
                            'y', binary_data=binary_out)],
                        request_id='r-1')
                except Exception as e:
                    check(False, what, repr(e))
                    continue

                got = result.as_numpy('y')

                if datatype == 'FP16' and not binary_out and got is not None:
                    got = got.astype(numpy.float16)

                check(same(got, some), what, repr(got))
                check(result.get_response()['id'] == 'r-1', what + ': id')

        # no outputs named: all, binary
        result = client.infer(name, [tensor(some, datatype, True)])
        check(same(result.as_numpy('y'), some), datatype + ', all outputs')

    some = numpy.ones((3, 2), numpy.float32)
    for algorithm in ('gzip', 'deflate'):
        result = client.infer('fp32', [tensor(some, 'FP32', True)],
                              request_compression_algorithm=algorithm)
        check(same(result.as_numpy('y'), some), algorithm)


def endpoints(client):
    check(client.is_server_live(), 'live')
    check(client.is_server_ready(), 'ready')
    check(client.is_model_ready('fp32'), 'a model is ready')
    check(client.is_model_ready('fp32', '1'), 'a version is ready')
    check(not client.is_model_ready('none'), 'no model is not ready')

    about = client.get_server_metadata()
    check(about['name'] == 'ngx_ml'
          and 'binary_tensor_data' in about['extensions'], 'server',
          repr(about))

    about = client.get_model_metadata('int64')
    check(about == {
        'name': 'int64', 'versions': ['1'], 'platform': 'ngx_ml_onnx',
        'inputs': [{'name': 'x', 'datatype': 'INT64', 'shape': [-1, 2]}],
        'outputs': [{'name': 'y', 'datatype': 'INT64', 'shape': [-1, 2]}]},
        'model', repr(about))

    about = client.get_model_config('int64')
    check(about['max_batch_size'] > 0 and about['input'] == [
        {'name': 'x', 'data_type': 'TYPE_INT64', 'dims': [2]}], 'config',
        repr(about))


def refusals(client):
    some = numpy.ones((1, 2), numpy.float32)
    good = [tensor(some, 'FP32', True)]

    raised('no such model', lambda: client.infer('none', good),
           'There is no such model', 404)
    raised('no such version', lambda: client.infer('fp32', good,
                                                   model_version='2'),
           'There is no such model', 404)
    raised('no such output', lambda: client.infer(
        'fp32', good, outputs=[triton.InferRequestedOutput('z')]),
        'no output of a name', 400)
    raised('no such input', lambda: client.infer(
        'fp32', [tensor(some, 'FP32', True, 'z')]),
        'inputs[0].name: Value error, the model has no input', 400)
    raised('another type', lambda: client.infer('fp64', good),
           'inputs[0].datatype: Value error, the model\'s input is FP64', 400)
    raised('another shape', lambda: client.infer(
        'fp32', [tensor(numpy.ones((1, 3), numpy.float32), 'FP32', True)]),
        'inputs[0].shape: Value error, the model\'s input has shape [-1,2]',
        400)
    raised('a NaN', lambda: client.infer('fp32', [tensor(
        numpy.array([[1, numpy.nan]], numpy.float32), 'FP32', True)]),
        'inputs[0][0][1]: Input should be a finite number', 400)
    raised('classification', lambda: client.infer(
        'fp32', good, outputs=[triton.InferRequestedOutput(
            'y', class_count=2)]), 'classification', 400)

    shared = triton.InferInput('x', [1, 2], 'FP32')
    shared.set_shared_memory('region', 8)
    raised('shared memory in a request', lambda: client.infer(
        'fp32', [shared]), 'Shared memory may not be used', 403)
    raised('registering shared memory', lambda:
           client.register_system_shared_memory('r', '/k', 8), '', 403)
    raised('registering CUDA memory', lambda:
           client.register_cuda_shared_memory('r', b'x', 0, 8), '', 403)
    raised('asking of shared memory', lambda:
           client.get_system_shared_memory_status(), '', 403)
    raised('the repository', lambda: client.load_model('m'), '', 403)
    raised('its index', lambda: client.get_model_repository_index(), '', 403)
    raised('what is not there', lambda: client.get_trace_settings(), '', 404)


def upstream(client):
    words = numpy.array([['one', 'two\u00e9'], ['', 'x' * 1000]],
                        numpy.object_)
    raw = numpy.array([[b'\xff\x00', b'']], numpy.object_)
    count = len(Stub.seen)

    for some, binary in ((words, True), (words, False), (raw, True)):
        result = client.infer('m', [tensor(some, 'BYTES', binary)])
        got = result.as_numpy('y')
        want = deserialize_bytes_tensor(
            serialize_byte_tensor(some).item()).reshape(some.shape)
        check(got is not None and (got == want).all(), 'BYTES, %s' % (
            'binary' if binary else 'JSON'), repr(got))

    some = numpy.array([[1, 2, 3]], numpy.float32)
    result = client.infer('m', [tensor(some, 'FP32', True)],
                          request_compression_algorithm='gzip')
    check(same(result.as_numpy('y'), some), 'the upstream gets it decoded')

    check(client.get_model_metadata('m')['name'] == 'stub', 'its metadata')
    check(len(Stub.seen) == count + 5, 'all of it reached the upstream')

    count = len(Stub.seen)
    raised('a NaN for the upstream', lambda: client.infer('m', [tensor(
        numpy.array([numpy.inf], numpy.float32), 'FP32', True)]),
        'finite', 400)
    raised('the repository of the upstream', lambda: client.load_model('m'),
           '', 403)
    raised('its statistics', lambda:
           client.get_inference_statistics('m'), '', 404)
    raised('statistics of all models', lambda:
           client.get_inference_statistics(), '', 404)
    check(len(Stub.seen) == count, 'nothing refused reached the upstream')


def main():
    stub = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Stub)
    stub.daemon_threads = True
    threading.Thread(target=stub.serve_forever, daemon=True).start()

    server = nginx.Nginx()

    for datatype, (_, kind, _) in TYPES.items():
        identity(server.prefix, datatype.lower(), kind)

    server.configure(
        http='\n'.join('ml_model %s { file %s/%s.onnx; }' % (
            name.lower(), server.prefix, name.lower()) for name in TYPES),
        location='''
            ml_validate_encodings  gzip deflate;

            location /v2 {
                ml_validate  protocol=oip;
                ml_infer     oip;
            }
            location /proxy/ {
                ml_validate  protocol=oip;
                proxy_pass   http://127.0.0.1:%d/;
                proxy_http_version  1.1;
            }
        ''' % stub.server_address[1])
    server.start()

    client = triton.InferenceServerClient('127.0.0.1:%d' % server.port)
    endpoints(client)
    models(client)
    refusals(client)

    upstream(triton.InferenceServerClient('127.0.0.1:%d/proxy'
                                          % server.port))

    server.stop()
    stub.shutdown()
    tally.end()


main()
