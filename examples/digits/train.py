"""Trains a classifier of handwritten digits and writes digits.onnx.

The data is scikit-learn's load_digits(): 1,797 images of 8x8 pixels with
values 0 to 16, from the UCI Optical Recognition of Handwritten Digits set.
Split and seed are fixed, so that a test can find the held-out part again:

    train_test_split(images, labels, test_size=0.25, random_state=0,
                     stratify=labels)

pixels         float32 [N, 64], as the data has them; scaled in the model
label          int64 [N]
probabilities  float32 [N, 10]
"""

import os

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

REQUIRED = 0.97


def split():
    """Images and labels, for training and held out."""
    images, labels = load_digits(return_X_y=True)
    return train_test_split(images.astype(numpy.float32), labels,
                            test_size=0.25, random_state=0, stratify=labels)


def export(classifier):
    def tensor(name, value):
        return numpy_helper.from_array(
            numpy.asarray(value, numpy.float32), name)

    weights = [tensor("scale", 1 / 16)]
    nodes = [helper.make_node("Mul", ["pixels", "scale"], ["hidden0"])]
    last = len(classifier.coefs_)

    for i, (w, b) in enumerate(zip(classifier.coefs_,
                                   classifier.intercepts_), 1):
        weights += [tensor(f"weights{i}", w), tensor(f"bias{i}", b)]
        result = f"linear{i}" if i < last else "scores"
        nodes.append(helper.make_node(
            "Gemm", [f"hidden{i - 1}", f"weights{i}", f"bias{i}"], [result],
            name=f"layer{i}"))

        if i < last:
            nodes.append(helper.make_node("Relu", [result], [f"hidden{i}"]))

    nodes += [
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
    ]

    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT,
                                       ["N", 64])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
         helper.make_tensor_value_info("probabilities", TensorProto.FLOAT,
                                       ["N", 10])],
        weights)

    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
        producer_name="ngx_ml")
    onnx.checker.check_model(model, full_check=True)

    return model


def main():
    train, held_out, train_labels, held_out_labels = split()

    classifier = MLPClassifier(hidden_layer_sizes=(64, 32), alpha=1e-3,
                               max_iter=400, random_state=0)
    classifier.fit(train / 16, train_labels)

    accuracy = classifier.score(held_out / 16, held_out_labels)
    print(f"{accuracy:.4f} of {len(held_out_labels)} held-out images")

    if accuracy < REQUIRED:
        raise SystemExit(f"less than {REQUIRED}")

    onnx.save(export(classifier), os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "digits.onnx"))


if __name__ == "__main__":
    main()
