"""Writes predict.onnx: the mean of ten features, and a confidence.

prediction  the mean, by ReduceMean: exactly 5.5 for 1.0 ... 10.0
confidence  sigmoid(2 - 4 * tanh(deviation / 10)), where deviation is the
            standard deviation of the ten: between 0.12 and 0.88, lower the
            more the features differ, finite for every finite input
"""

import os

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


def constant(name, value):
    return numpy_helper.from_array(numpy.array(value, numpy.float32), name)


def main():
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("ReduceMean", ["features"], ["prediction"], axes=[1],
                 keepdims=1, name="mean"),
            node("Sub", ["features", "prediction"], ["difference"]),
            node("Mul", ["difference", "difference"], ["square"]),
            node("ReduceMean", ["square"], ["variance"], axes=[1],
                 keepdims=1),
            node("Sqrt", ["variance"], ["deviation"]),
            node("Div", ["deviation", "ten"], ["scaled"]),
            node("Tanh", ["scaled"], ["spread"]),
            node("Mul", ["spread", "four"], ["penalty"]),
            node("Sub", ["two", "penalty"], ["logit"]),
            node("Sigmoid", ["logit"], ["confidence"]),
        ],
        "predict",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT,
                                       ["N", 10])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT,
                                       ["N", 1]),
         helper.make_tensor_value_info("confidence", TensorProto.FLOAT,
                                       ["N", 1])],
        [constant("two", 2), constant("four", 4), constant("ten", 10)],
    )

    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
        producer_name="ngx_ml")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                  "predict.onnx"))


if __name__ == "__main__":
    main()
