"""Writes small ONNX models without the onnx package: enough of protobuf for
a multi-layer perceptron with fixed pseudo-random weights, and for a mean."""

import random
import struct

FLOAT, INT64 = 1, 7                 # TensorProto.DataType
A_INT, A_INTS = 2, 7                # AttributeProto.AttributeType


def varint(n):
    out = bytearray()

    while n > 0x7f:
        out.append(n & 0x7f | 0x80)
        n >>= 7

    out.append(n)

    return bytes(out)


def number(field, n):
    return varint(field << 3) + varint(n)


def message(field, *parts):
    data = b''.join(p.encode() if isinstance(p, str) else p for p in parts)

    return varint(field << 3 | 2) + varint(len(data)) + data


def value_info(field, name, width):
    dims = message(1, message(2, 'batch')) + message(1, number(1, width))
    tensor = number(1, FLOAT) + message(2, dims)

    return message(field, message(1, name), message(2, message(1, tensor)))


def initializer(name, dims, values):
    raw = struct.pack('<%df' % len(values), *values)

    return message(5, b''.join(number(1, d) for d in dims), number(2, FLOAT),
                   message(8, name), message(9, raw))


def node(op, inputs, output, *attributes):
    return message(1, *[message(1, i) for i in inputs], message(2, output),
                   message(3, output), message(4, op), *attributes)


def attribute_int(name, i):
    return message(5, message(1, name), number(3, i), number(20, A_INT))


def attribute_ints(name, *values):
    return message(5, message(1, name), *[number(8, i) for i in values],
                   number(20, A_INTS))


def model(path, graph):
    opset = message(8, message(1, ''), number(2, 13))

    with open(path, 'wb') as f:
        f.write(number(1, 8) + message(2, 'ngx_ml') + message(7, graph)
                + opset)


def write_mlp(path, *widths):
    """A perceptron with ReLU between its layers and softmax at the end."""
    pseudo = random.Random(1)
    nodes, weights, last = b'', b'', 'features'

    for i, (rows, columns) in enumerate(zip(widths, widths[1:])):
        scale = (2 / rows) ** 0.5
        weights += initializer('w%d' % i, (rows, columns),
                               [pseudo.gauss(0, scale)
                                for _ in range(rows * columns)])
        weights += initializer('b%d' % i, (columns,), [0.0] * columns)
        nodes += node('Gemm', [last, 'w%d' % i, 'b%d' % i], 'gemm%d' % i)
        last = 'gemm%d' % i

        if i < len(widths) - 2:
            nodes += node('Relu', [last], 'relu%d' % i)
            last = 'relu%d' % i

    nodes += node('Softmax', [last], 'probabilities',
                  attribute_int('axis', 1))

    model(path, nodes + message(2, 'mlp') + weights
          + value_info(11, 'features', widths[0])
          + value_info(12, 'probabilities', widths[-1]))


def write_mean(path, width):
    model(path, node('ReduceMean', ['features'], 'mean',
                     attribute_ints('axes', 1), attribute_int('keepdims', 1))
          + message(2, 'mean') + value_info(11, 'features', width)
          + value_info(12, 'mean', 1))
