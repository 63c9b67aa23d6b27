"""Files that numpy itself writes, as request bodies: every type and shape is
taken where the schema has it and nowhere else, in every version and order."""

import io
import json
import os
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(__file__), '../process'))

import nginx                                                # noqa: E402
import tally                                                # noqa: E402

check = tally.check

TYPES = ['bool', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32',
         'int64', 'uint64', 'float16', 'float32', 'float64']
SHAPES = {'scalar': [], 'row': [5], 'cube': [2, 3, 4], 'rows': [-1, 3]}


def file(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)

    return out.getvalue()


def main():
    server = nginx.Nginx()
    location = 'location = /ok { return 204; }'

    for dtype in TYPES:
        for name, shape in SHAPES.items():
            tensor = {'input': 'x', 'dtype': dtype, 'shape': shape}

            if -1 in shape:
                tensor['maxItems'] = 4

            schema = '%s_%s.json' % (dtype, name)
            server.write(schema, json.dumps({'x-tensor': tensor}))
            location += '''
                location = /%s/%s {
                    ml_validate  schema=%s protocol=npy;
                    proxy_pass   http://127.0.0.1:%d/ok;
                }
            ''' % (dtype, name, schema, server.port)

    server.configure(location=location)
    server.start()

    def post(path, body, media_type='application/x-npy'):
        return server.post(path, body, {'Content-Type': media_type}).status

    random = np.random.default_rng(1)

    for dtype in TYPES:
        for name, shape in SHAPES.items():
            concrete = [4 if d == -1 else d for d in shape]
            array = random.integers(0, 2, concrete).astype(dtype)
            path = '/%s/%s' % (dtype, name)

            for version in (None, (1, 0), (2, 0), (3, 0)):
                check(post(path, file(array, version)) == 204,
                      '%s, version %s' % (path, version))

            check(post(path, file(array), 'application/octet-stream') == 204,
                  '%s, octets' % path)
            check(post(path, file(array), 'application/json') == 415,
                  '%s, JSON' % path)

            # of every other type and shape, and in the other byte order

            for other in TYPES:
                if other != dtype:
                    check(post(path, file(array.astype(other))) == 422,
                          '%s, a file of %s' % (path, other))

            for other, wrong in SHAPES.items():
                if other != name:
                    wrong = [1 if d == -1 else d for d in wrong]
                    check(post(path, file(np.zeros(wrong, dtype))) == 422,
                          '%s, a file of %s' % (path, wrong))

            if array.dtype.itemsize > 1:
                swapped = array.astype(array.dtype.newbyteorder('>'))
                check(post(path, file(swapped)) == 422, '%s, swapped' % path)

    for rows, status in ((0, 422), (1, 204), (4, 204), (5, 422)):
        check(post('/int16/rows', file(np.ones((rows, 3), 'int16'))) == status,
              '%d rows' % rows)

    cube = np.asfortranarray(np.zeros((2, 3, 4), 'float32'))
    check(post('/float32/cube', file(cube)) == 422, 'Fortran order')

    for value in (np.nan, np.inf, -np.inf):
        for dtype in ('float16', 'float32', 'float64'):
            row = np.array([0, 1, 2, value, 4], dtype)
            check(post('/%s/row' % dtype, file(row)) == 422,
                  '%s of %s' % (value, dtype))

    # what would have to be unpickled

    out = io.BytesIO()
    np.lib.format.write_array(out, np.array([1, 'a', None, [], {}], object),
                              allow_pickle=True)
    check(post('/float32/row', out.getvalue()) == 422, 'objects')

    fields = np.zeros(5, [('a', '<f4')])
    check(post('/float32/row', file(fields)) == 422, 'records')

    check(server.stop(), 'stops')
    trouble = server.close()
    check(trouble == [], 'no trouble', trouble)
    tally.end()


main()
