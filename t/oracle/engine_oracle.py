"""The engine against ONNX Runtime.

Every case is a model and random inputs.  The reference kernels and the CPU
backend must find what ONNX Runtime finds (or the reference evaluator of the
onnx package, where ONNX Runtime has no kernel), each value within

    1e-5 + 1e-5 * |expected|

for one row and for several.  Cases cover every operator, with several opsets
where its semantics changed, and the example models; then models that have to
be refused, with the reason.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ENGINE = os.path.join(ROOT, "ngx_ml_infer", "engine")
SCRATCH = tempfile.TemporaryDirectory(prefix="engine-oracle-")
BUILD = SCRATCH.name
RUN = os.path.join(BUILD, "run_model")
BACKEND = os.path.join(BUILD, "cpu.so")
TOLERANCE = 1e-5

random = np.random.default_rng(1)
passed = failed = 0


def check(good, text):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("failed:", text)


def build():
    compiler = os.environ.get("CC", "cc")
    includes = ["-I" + os.path.join(ROOT, path) for path in
                ("ngx_ml_core", "ngx_ml_infer/engine",
                 "ngx_ml_infer/engine/fault", "t/unit")]
    subprocess.run(
        [compiler, "-std=gnu11", "-O2", "-o", RUN, *includes,
         os.path.join(ROOT, "t/oracle/run_model.c"), "-ldl", "-lm"],
        check=True)
    subprocess.run([os.path.join(ENGINE, "cpu/build.sh"), BACKEND],
                   check=True)


# ---------------------------------------------------------------- models

def dtype(array):
    return helper.np_dtype_to_tensor_dtype(np.asarray(array).dtype)


def make(nodes, inputs, outputs, constants=None, opset=13):
    """inputs: name -> (type, shape); outputs: name -> type."""
    graph = helper.make_graph(
        nodes, "case",
        [helper.make_tensor_value_info(name, kind, shape)
         for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None)
         for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name)
         for name, value in (constants or {}).items()])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def engine(path, rows, feeds, backend):
    """The outputs as one string of bytes, or the reason for refusal."""
    given = os.path.join(BUILD, "inputs")
    found = os.path.join(BUILD, "outputs")
    with open(given, "wb") as file:
        for value in feeds:
            file.write(np.ascontiguousarray(value).tobytes())
    done = subprocess.run([RUN, path, str(rows), given, found]
                          + ([BACKEND] if backend else []),
                          capture_output=True, text=True, timeout=60)
    if done.returncode == 3:
        return None, done.stdout.strip()
    if done.returncode != 0:
        return None, done.stderr.strip() or f"status {done.returncode}"
    with open(found, "rb") as file:
        return file.read(), None


def oracle(model, feeds):
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options,
            providers=["CPUExecutionProvider"])
        return session.run(None, feeds)
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return ReferenceEvaluator(model).run(None, feeds)


def compare(name, model, feeds, rows, path):
    expected = [np.asarray(value) for value in oracle(model, feeds)]

    for backend in (False, True):
        text = f"{name}, {rows} rows, {'cpu' if backend else 'reference'}"
        found, reason = engine(path, rows, feeds.values(), backend)
        if found is None:
            check(False, f"{text}: {reason}")
            continue

        at = 0
        for i, want in enumerate(expected):
            got = np.frombuffer(found, want.dtype, want.size, at)
            got = got.reshape(want.shape)
            at += want.nbytes

            if want.dtype.kind == "f":
                with np.errstate(invalid="ignore"):
                    good = np.allclose(got, want, TOLERANCE, TOLERANCE,
                                       equal_nan=True)
            else:
                good = np.array_equal(got, want)
            check(good, f"{text}, output {i}: {got.ravel()[:8]} is not "
                  f"{want.ravel()[:8]}")
        check(at == len(found), f"{text}: {len(found)} bytes, not {at}")


def values(kind, shape, low=-3.0, high=3.0):
    kind = helper.tensor_dtype_to_np_dtype(kind)
    if kind == np.bool_:
        return random.random(shape) < 0.5
    if kind.kind in "iu":
        return random.integers(max(low, -100 if kind.kind == "i" else 0),
                               max(high, 100), shape).astype(kind)
    return random.uniform(low, high, shape).astype(kind)


def run(name, model, inputs, rows=(1, 5), low=-3.0, high=3.0, whole=False):
    path = os.path.join(BUILD, "case.onnx")
    onnx.save(model, path)
    for n in rows:
        feeds = {key: values(kind, [n if d == "N" else d for d in shape],
                             low, high)
                 for key, (kind, shape) in inputs.items()}
        if whole:
            feeds = {key: np.round(value) for key, value in feeds.items()}
        compare(name, model, feeds, n, path)


def case(operator, opsets, shape=("N", 6), constants=None, before=None,
         kind=TensorProto.FLOAT, output=None, low=-3.0, high=3.0, extra=None,
         **attributes):
    """One node: x, then the constants, in order; None leaves one out."""
    inputs = {"x": (kind, list(shape))}
    inputs.update(extra or {})
    names, given = list(inputs), {}
    for i, value in enumerate(constants or []):
        if value is None:
            names.append("")
        else:
            given[f"c{i}"] = np.asarray(value)
            names.append(f"c{i}")
    if before:
        names = names[len(inputs):] + names[:len(inputs)]

    for opset in opsets:
        node = helper.make_node(operator, names, ["y"], **attributes)
        model = make([node], inputs, {"y": output or kind}, given, opset)
        rows = (1, 5) if "N" in shape else (1,)
        run(f"{operator}-{opset} {attributes} {list(shape)}", model, inputs,
            rows, low, high)


def f32(*shape, low=-2.0, high=2.0):
    return values(TensorProto.FLOAT, shape, low, high)


# ---------------------------------------------------------------- operators

def element_by_element():
    ALL = (7, 13, 21)
    for operator in ("Neg", "Abs", "Exp", "Relu", "Sigmoid", "Tanh",
                     "Softplus", "Softsign", "Elu", "Selu", "LeakyRelu",
                     "HardSigmoid", "Identity", "Dropout"):
        case(operator, ALL)
    for operator in ("Log", "Sqrt"):
        case(operator, ALL, low=0.1)
    case("Erf", (9, 13, 21))
    case("Gelu", (20, 21))
    case("Gelu", (20,), approximate="tanh")
    case("Elu", (7,), alpha=0.5)
    case("Selu", (7,), alpha=2.0, gamma=0.5)
    case("LeakyRelu", (7, 16), alpha=0.2)
    case("HardSigmoid", (7,), alpha=0.5, beta=0.3)
    case("Neg", (13,), kind=TensorProto.INT64)
    case("Abs", (13,), kind=TensorProto.INT32)
    case("Exp", (13,), kind=TensorProto.DOUBLE)
    case("Exp", (13,), shape=(2, 3))
    case("Relu", (13,), shape=())
    case("Dropout", (7, 10), ratio=0.3)
    case("Dropout", (12, 13), constants=[np.float32(0.5), np.bool_(False)])

    for operator in ("Add", "Sub", "Mul", "Div"):
        case(operator, ALL, constants=[f32(6) + np.float32(4)])
        case(operator, (13,), constants=[f32() + np.float32(4)])
        case(operator, (13,), constants=[f32(1, 6) + np.float32(4)],
             before=True, low=0.5)
        case(operator, (14,), constants=[f32(1, 3, 1) + np.float32(4)],
             shape=("N", 3, 4))
        case(operator, (14,), extra={"z": (TensorProto.FLOAT, ["N", 6])},
             low=0.5)
        case(operator, (14,), extra={"z": (TensorProto.FLOAT, ["N", 1])},
             low=0.5)
        case(operator, (14,), shape=("N", 1, 3), low=0.5,
             extra={"z": (TensorProto.FLOAT, ["N", 4, 1])})
        case(operator, (14,), constants=[np.array([3, 7], np.int64)],
             shape=("N", 2), kind=TensorProto.INT64)
        case(operator, (14,), constants=[np.array([-3, 7], np.int32)],
             shape=("N", 2), kind=TensorProto.INT32)
        case(operator, (14,), constants=[np.array([3.5], np.float64)],
             kind=TensorProto.DOUBLE)
        case(operator, (14,), shape=(4, 1, 2), constants=[f32(3, 1)
                                                          + np.float32(4)])
    case("Pow", (7, 12, 15), constants=[np.float32(2)])
    case("Pow", (12, 15), constants=[np.int64(3)])
    case("Pow", (13,), constants=[np.array([0.5, 1.5], np.float32)],
         shape=("N", 2), low=0.1)
    case("PRelu", (7, 9, 16), constants=[f32(6)])
    case("PRelu", (9,), constants=[f32(3, 1)], shape=("N", 3, 4))
    case("Clip", (7, 10), min=-1.0, max=1.5)
    case("Clip", (7,))
    case("Clip", (11, 13), constants=[np.float32(-1), np.float32(1)])
    case("Clip", (13,), constants=[None, np.float32(1)])
    case("Clip", (13,), constants=[np.float32(0)])
    case("Clip", (13,), constants=[np.int64(-5), np.int64(5)],
         kind=TensorProto.INT64)

    kinds = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64,
             TensorProto.INT32, TensorProto.BOOL, TensorProto.UINT8,
             TensorProto.INT8)
    for start in kinds:
        for to in kinds:
            low = 0 if to == TensorProto.UINT8 else -100
            case("Cast", (9, 19), kind=start, output=to, to=to,
                 low=low, high=100)


def across_elements():
    for opset in (7, 11, 13, 21):
        case("Gemm", (opset,), constants=[f32(6, 3), f32(3)])
        case("Gemm", (opset,), constants=[f32(3, 6), f32(1, 3)], transB=1)
    case("Gemm", (11, 13), constants=[f32(6, 3)])
    case("Gemm", (13,), constants=[f32(6, 3), f32()], alpha=0.5, beta=2.0)
    case("Gemm", (13,), constants=[f32(6, 3), f32(1)], alpha=-1.5, beta=0.3)
    case("Gemm", (13,), constants=[f32(3, 6), f32(3)], alpha=2.0, transB=1)
    case("Gemm", (13,), constants=[f32(5, 3)], shape=(5, 4), transA=1)
    case("Gemm", (13,), constants=[f32(3, 5), f32(4, 1)], shape=(5, 4),
         transA=1, transB=1)
    case("Gemm", (13,), constants=[f32(6, 3), f32(2, 1)], shape=(2, 6))
    case("Gemm", (13,), constants=[f32(6, 3).astype(np.float64)],
         kind=TensorProto.DOUBLE)
    case("Gemm", (13,), constants=[f32(200, 65), f32(65)], shape=("N", 200))

    case("MatMul", (7, 9, 13), constants=[f32(6, 3)])
    case("MatMul", (13,), constants=[f32(6)])
    case("MatMul", (13,), constants=[f32(4, 3)], shape=("N", 2, 4))
    case("MatMul", (13,), constants=[f32(5, 2)], shape=("N", 2, 4),
         before=True)
    case("MatMul", (13,), constants=[f32(1, 4, 3)], shape=("N", 2, 4))
    case("MatMul", (13,), shape=("N", 2, 4),
         extra={"z": (TensorProto.FLOAT, ["N", 4, 3])})
    case("MatMul", (13,), shape=("N", 1, 2, 4),
         extra={"z": (TensorProto.FLOAT, ["N", 3, 4, 2])})
    case("MatMul", (13,), shape=(4,), constants=[f32(4, 3)])
    case("MatMul", (13,), shape=(4,), constants=[f32(2, 4, 3)])
    case("MatMul", (13,), shape=(4,), constants=[f32(4)])
    case("MatMul", (13,), shape=(3, 2, 4), constants=[f32(5, 1, 4, 3)])

    for operator in ("Softmax", "LogSoftmax"):
        case(operator, (7, 11, 13, 21))
        for opset in (7, 13):
            case(operator, (opset,), shape=("N", 3, 4), axis=1)
            case(operator, (opset,), shape=("N", 3, 4), axis=2)
        case(operator, (13,), shape=("N", 3, 4), axis=-2)
        case(operator, (7, 13), shape=(2, 3), axis=0)
        case(operator, (13,), low=-200, high=200)

    for opset in (7, 9, 14, 15):
        case("BatchNormalization", (opset,),
             constants=[f32(6), f32(6), f32(6), f32(6, low=0.1)])
    case("BatchNormalization", (15,), shape=("N", 3, 2, 2), epsilon=0.01,
         constants=[f32(3), f32(3), f32(3), f32(3, low=0.1)])
    case("LayerNormalization", (17,), constants=[f32(6), f32(6)])
    case("LayerNormalization", (17,), constants=[f32(6)], epsilon=0.1)
    case("LayerNormalization", (17,), shape=("N", 3, 4), axis=1,
         constants=[f32(3, 4), f32(3, 4)])

    for operator in ("ReduceMean", "ReduceSum"):
        attribute = 18 if operator == "ReduceMean" else 13
        for keep in (0, 1):
            case(operator, (7, 11, attribute - 1), shape=("N", 3, 4),
                 axes=[1], keepdims=keep)
            case(operator, (11,), shape=("N", 3, 4), axes=[1, -1],
                 keepdims=keep)
            case(operator, (attribute, 21), shape=("N", 3, 4), keepdims=keep,
                 constants=[np.array([-1], np.int64)])
        case(operator, (attribute - 1, attribute), shape=(2, 3))
        case(operator, (attribute,), shape=("N", 3), noop_with_empty_axes=1)
    case("ReduceSum", (13,), shape=("N", 3), kind=TensorProto.INT64,
         constants=[np.array([1], np.int64)])

    for keep in (0, 1):
        case("ArgMax", (7, 11, 13), output=TensorProto.INT64, axis=1,
             keepdims=keep)
        case("ArgMax", (13,), shape=("N", 3, 4), output=TensorProto.INT64,
             axis=-2, keepdims=keep)
    case("ArgMax", (13,), shape=(3, 4), output=TensorProto.INT64)
    case("ArgMax", (13,), shape=("N", 9), output=TensorProto.INT64, axis=1,
         kind=TensorProto.INT32, select_last_index=1, low=0, high=2)


def moving_elements():
    def ints(*list):
        return np.array(list, np.int64)

    for opset in (7, 14, 21):
        case("Reshape", (opset,), shape=("N", 6), constants=[ints(-1, 2, 3)])
        case("Reshape", (opset,), shape=("N", 6), constants=[ints(0, 3, -1)])
        case("Reshape", (opset,), shape=("N", 2, 3), constants=[ints(0, -1)])
        case("Reshape", (opset,), shape=(4, 3), constants=[ints(2, -1)])
    case("Reshape", (14,), shape=("N", 1), constants=[ints(-1)])
    case("Flatten", (7, 9, 13), shape=("N", 2, 3))
    case("Flatten", (11,), shape=("N", 1, 3), axis=2)
    case("Flatten", (11,), shape=(2, 3, 4), axis=0)
    case("Flatten", (11,), shape=(2, 3, 4), axis=-1)
    case("Squeeze", (7, 11), shape=("N", 1, 3, 1), axes=[1, 3])
    case("Squeeze", (13, 21), shape=("N", 1, 3, 1), constants=[ints(1, -1)])
    case("Squeeze", (7, 13), shape=(2, 1, 3, 1))
    case("Unsqueeze", (7, 11), axes=[1, 3])
    case("Unsqueeze", (13, 21), constants=[ints(1, -1)])
    case("Unsqueeze", (13,), shape=(3,), constants=[ints(0)])
    case("Transpose", (7, 13), shape=("N", 2, 3), perm=[0, 2, 1])
    case("Transpose", (13,), shape=(2, 3, 4))
    case("Transpose", (13,), shape=(2, 3, 4), perm=[2, 0, 1],
         kind=TensorProto.INT64)
    case("Concat", (7, 11, 13), shape=("N", 2), axis=1,
         extra={"z": (TensorProto.FLOAT, ["N", 3])})
    case("Concat", (13,), shape=("N", 2, 3), axis=-2,
         extra={"z": (TensorProto.FLOAT, ["N", 1, 3]),
                "w": (TensorProto.FLOAT, ["N", 2, 3])})
    case("Concat", (13,), shape=(2, 3), constants=[f32(1, 3)], axis=0)
    case("Gather", (7, 11, 13), constants=[ints(2, 0, 5)], axis=1)
    case("Gather", (11, 13), constants=[ints(-1)], axis=1)
    case("Gather", (13,), constants=[np.int64(1)], axis=1)
    case("Gather", (13,), constants=[np.array([[0, 1], [2, 3]], np.int32)],
         axis=-1)
    case("Gather", (13,), shape=(4, 3), constants=[ints(3, 1)])


# ---------------------------------------------------------------- graphs

def graphs():
    node = helper.make_node
    x = {"x": (TensorProto.FLOAT, ["N", 6])}
    y = {"y": TensorProto.FLOAT}

    for opset in (7, 13, 21):
        # biases and Relus that a backend may fuse, and such that it may not
        run(f"fused {opset}", make(
            [node("MatMul", ["x", "w"], ["a"]),
             node("Add", ["b", "a"], ["c"]),
             node("Relu", ["c"], ["d"]),
             node("MatMul", ["d", "v"], ["e"]),
             node("Add", ["e", "d"], ["f"]),
             node("Relu", ["f"], ["y"])],
            x, y, {"w": f32(6, 4), "b": f32(4), "v": f32(4, 4)}, opset), x)

        run(f"seen intermediates {opset}", make(
            [node("Gemm", ["x", "w", "b"], ["a"]),
             node("Relu", ["a"], ["c"]),
             node("Gemm", ["c", "v", "s"], ["y"], alpha=0.5, transB=1)],
            x, {"y": TensorProto.FLOAT, "a": TensorProto.FLOAT,
                "c": TensorProto.FLOAT},
            {"w": f32(6, 4), "b": f32(4), "v": f32(3, 4), "s": f32(3)},
            opset), x)

    # torch.flatten and view(x.size(0), -1) as PyTorch exports them
    x3 = {"x": (TensorProto.FLOAT, ["N", 2, 3])}
    run("view", make(
        [node("Shape", ["x"], ["s"]),
         node("Constant", [], ["zero"], value=numpy_helper.from_array(
             np.array(0, np.int64))),
         node("Gather", ["s", "zero"], ["n"], axis=0),
         node("Constant", [], ["axis"], value_ints=[0]),
         node("Unsqueeze", ["n", "axis"], ["n1"]),
         node("Concat", ["n1", "rest"], ["shape"], axis=0),
         node("Reshape", ["x", "shape"], ["y"])],
        x3, y, {"rest": np.array([-1], np.int64)}), x3)

    # the part of a shape that is known may be computed with
    run("shape arithmetic", make(
        [node("Shape", ["x"], ["s"], start=1),
         node("Cast", ["s"], ["f"], to=TensorProto.FLOAT),
         node("ReduceSum", ["f"], ["sum"]),
         node("Div", ["x", "sum"], ["y"])],
        x3, y, opset=15), x3)

    run("folded", make(
        [node("MatMul", ["column", "row"], ["w"]),
         node("Transpose", ["w"], ["t"]),
         node("Exp", ["t"], ["e"]),
         node("MatMul", ["x", "e"], ["h"]),
         node("Softmax", ["h"], ["y"])],
        x, y, {"column": f32(4, 1), "row": f32(1, 6)}), x)

    # decomposed GELU and layer normalization
    run("decomposed", make(
        [node("ReduceMean", ["x"], ["mean"], axes=[-1]),
         node("Sub", ["x", "mean"], ["d"]),
         node("Pow", ["d", "two"], ["sq"]),
         node("ReduceMean", ["sq"], ["var"], axes=[-1]),
         node("Add", ["var", "eps"], ["ve"]),
         node("Sqrt", ["ve"], ["sd"]),
         node("Div", ["d", "sd"], ["n"]),
         node("Div", ["n", "root"], ["r"]),
         node("Erf", ["r"], ["g"]),
         node("Add", ["g", "one"], ["g1"]),
         node("Mul", ["n", "g1"], ["p"]),
         node("Mul", ["p", "half"], ["y"])],
        x, y, {"two": np.float32(2), "eps": np.float32(1e-5),
               "root": np.float32(2 ** 0.5), "one": np.float32(1),
               "half": np.float32(0.5)}, 13), x)

    run("out of order", make(
        [node("Relu", ["h"], ["y"]),
         node("Neg", ["x"], ["h"])], x, y), x)

    run("unused parts", make(
        [node("Neg", ["x"], ["y"]), node("Exp", ["x"], ["unused"])], x, y), x)

    run("two views of one value", make(
        [node("Exp", ["x"], ["e"]),
         node("Unsqueeze", ["e"], ["u"], axes=[1]),
         node("Flatten", ["u"], ["f"]),
         node("Add", ["e", "f"], ["y"])], x,
        {"y": TensorProto.FLOAT, "f": TensorProto.FLOAT}, opset=11), x)

    branches = [node("Exp", ["x"], ["h0"])]
    for i in range(12):
        branches.append(node("Tanh", [f"h{i}"], [f"h{i + 1}"]))
    branches.append(node("Concat", ["h0", "h3", "h7", "h12"], ["y"], axis=1))
    run("lives that overlap", make(branches, x, y), x)

    two = {"a": (TensorProto.FLOAT, ["N", 3]), "b": (TensorProto.INT64,
                                                     ["N", 2])}
    run("several types", make(
        [node("Cast", ["b"], ["f"], to=TensorProto.FLOAT),
         node("Concat", ["a", "f"], ["y"], axis=1),
         node("ArgMax", ["y"], ["label"], axis=1, keepdims=0)],
        two, {"label": TensorProto.INT64, "y": TensorProto.FLOAT}), two)


def examples():
    for name in ("examples/digits/digits.onnx",
                 "examples/predict/predict.onnx", "t/models/identity.onnx",
                 "t/models/two-inputs.onnx", "t/models/slow.onnx"):
        path = os.path.join(ROOT, name)
        model = onnx.load(path)
        inputs = {port.name: (
            port.type.tensor_type.elem_type,
            [dim.dim_value or "N" for dim in port.type.tensor_type.shape.dim])
            for port in model.graph.input}
        # the many layers of slow.onnx are exact for whole numbers, in
        # whatever order they are summed
        slow = "slow" in name
        run(name, model, inputs, (1, 2) if slow else (1, 3, 17), 0, 16, slow)


def digits():
    """The whole held-out split, with the accuracy that training found."""
    sys.path.insert(0, os.path.join(ROOT, "examples/digits"))
    import train
    _, images, _, labels = train.split()
    path = os.path.join(ROOT, "examples/digits/digits.onnx")
    found, reason = engine(path, len(images), [images], True)
    if found is None:
        check(False, f"digits: {reason}")
        return
    got = np.frombuffer(found, np.int64, len(images))
    want = oracle(onnx.load(path), {"pixels": images})[0]
    accuracy = float((got == labels).mean())
    check(np.array_equal(got, want), "digits: labels differ")
    check(accuracy >= 0.97, f"digits: accuracy {accuracy}")


def refusals():
    node = helper.make_node
    x = {"x": (TensorProto.FLOAT, ["N", 6])}
    y = {"y": TensorProto.FLOAT}
    rows = "first dimension"

    def refused(name, nodes, reason, inputs=x, constants=None, opset=13):
        path = os.path.join(BUILD, "refused.onnx")
        onnx.save(make(nodes, inputs, y, constants, opset), path)
        found, text = engine(path, 1, [], False)
        check(found is None and reason in text, f"{name}: {text}")

    for name, one in {
            "softmax over rows": node("Softmax", ["x"], ["y"], axis=0),
            "mean over rows": node("ReduceMean", ["x"], ["y"], axes=[0]),
            "mean over all": node("ReduceMean", ["x"], ["y"]),
            "transpose": node("Transpose", ["x"], ["y"]),
            "concat": node("Concat", ["x", "x"], ["y"], axis=0),
            "flatten": node("Flatten", ["x"], ["y"], axis=0),
            "product of rows": node("Gemm", ["x", "x"], ["y"], transB=1),
            "transposed": node("Gemm", ["x", "x"], ["y"], transA=1),
            "gather": node("Gather", ["x", "zero"], ["y"]),
            "reshape": node("Reshape", ["x", "flat"], ["y"]),
            "fixed reshape": node("Reshape", ["x", "fixed"], ["y"]),
            "rank": node("Add", ["x", "cube"], ["y"]),
            "constant rows": node("Add", ["x", "rows"], ["y"])}.items():
        refused(name, [one], rows, constants={
            "zero": np.array(0, np.int64), "flat": np.array([-1], np.int64),
            "fixed": np.array([1, 6], np.int64),
            "cube": f32(3, 1, 6), "rows": f32(4, 6)})

    refused("rows as a number",
            [node("Shape", ["x"], ["s"]),
             node("Cast", ["s"], ["f"], to=TensorProto.FLOAT),
             node("ReduceSum", ["f"], ["t"]),
             node("Mul", ["x", "t"], ["y"])], rows)
    refused("indices of a request",
            [node("Cast", ["x"], ["i"], to=TensorProto.INT64),
             node("Gather", ["table", "i"], ["y"])], "depend on a request",
            constants={"table": f32(10, 3)})
    refused("a constant output", [node("Identity", ["c"], ["y"])],
            "does not depend", constants={"c": f32(1, 6)})
    refused("a newer operator", [node("Gelu", ["x"], ["y"])],
            "Gelu of opset 13", opset=13)
    refused("an attribute of another opset",
            [node("Clip", ["x"], ["y"], min=0.0)], "\"min\"")
    refused("training", [node("Dropout", ["x", "r", "t"], ["y"])],
            "training", constants={"r": np.float32(0.5),
                                   "t": np.bool_(True)})
    refused("mask", [node("Dropout", ["x"], ["d", "mask"]),
                     node("Cast", ["mask"], ["y"], to=TensorProto.FLOAT)],
            "optional output")


def main():
    build()
    element_by_element()
    across_elements()
    moving_elements()
    graphs()
    examples()
    digits()
    refusals()
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
