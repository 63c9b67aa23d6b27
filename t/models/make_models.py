"""Writes the small models that the tests use, beside this file."""

import os

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
FLOAT = TensorProto.FLOAT

# One row of slow.onnx takes about 50 ms of one core: each layer reads
# 16 MB of weights, which are one constant, made by the engine from two
# vectors, so that the file stays small.
SLOW_WIDTH = 2048
SLOW_LAYERS = 150


def port(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name, value):
    return numpy_helper.from_array(numpy.asarray(value, numpy.float32), name)


def model(nodes, inputs, outputs, constants=(), opset=13):
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(constants))
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8,
        producer_name="ngx_ml")


def write(name, made, check=True):
    if check:
        onnx.checker.check_model(made, full_check=True)
    onnx.save(made, os.path.join(HERE, name + ".onnx"))


def identity():
    return model([helper.make_node("Identity", ["x"], ["y"])],
                 [port("x", ["N", 4])], [port("y", ["N", 4])])


def slow():
    # column x row = a matrix of 1/SLOW_WIDTH: each layer takes the mean
    nodes = [helper.make_node("MatMul", ["column", "row"], ["weights"]),
             helper.make_node("MatMul", ["x", "first"], ["h0"])]

    for i in range(SLOW_LAYERS):
        nodes.append(helper.make_node("MatMul", [f"h{i}", "weights"],
                                      [f"h{i + 1}"]))

    nodes.append(helper.make_node("MatMul", [f"h{SLOW_LAYERS}", "last"],
                                  ["y"]))

    return model(
        nodes, [port("x", ["N", 4])], [port("y", ["N", 1])],
        [constant("column", numpy.ones((SLOW_WIDTH, 1))),
         constant("row", numpy.full((1, SLOW_WIDTH), 1 / SLOW_WIDTH)),
         constant("first", numpy.full((4, SLOW_WIDTH), 0.25)),
         constant("last", numpy.full((SLOW_WIDTH, 1), 1 / SLOW_WIDTH))])


def unknown_operator():
    return model(
        [helper.make_node("Identity", ["x"], ["h"]),
         helper.make_node("Frobnicate", ["h"], ["y"], name="middle")],
        [port("x", ["N", 4])], [port("y", ["N", 4])])


def free_dimension():
    return model([helper.make_node("Relu", ["x"], ["y"])],
                 [port("x", ["N", "length"])], [port("y", ["N", "length"])])


def two_inputs():
    return model(
        [helper.make_node("Add", ["a", "b"], ["sum"]),
         helper.make_node("ReduceMean", ["sum"], ["mean"], axes=[1],
                          keepdims=0)],
        [port("a", ["N", 2]), port("b", ["N", 2])],
        [port("sum", ["N", 2]), port("mean", ["N"])])


def main():
    write("identity", identity())
    write("slow", slow())
    write("unknown-operator", unknown_operator(), check=False)
    write("free-dimension", free_dimension())
    write("two-inputs", two_inputs())

    future = identity()
    future.opset_import[0].version = 99
    write("opset99", future, check=False)

    whole = two_inputs().SerializeToString()
    with open(os.path.join(HERE, "truncated.onnx"), "wb") as file:
        file.write(whole[:len(whole) * 2 // 3])


if __name__ == "__main__":
    main()
