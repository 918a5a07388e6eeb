"""Dynamic int8 quantisation with a scale a token.

onnxruntime's dynamic quantisation takes one activation scale from a whole batch, so that a
text's scores move with its neighbours. Here every token's vector is scaled by its own largest
absolute value, with the zero point fixed at 128 (per-token dynamic quantisation as in Yao et
al. 2022, "ZeroQuant", section 4.1). Weights get 7 bits (reduce_range), for on CPUs without
VNNI 8-bit products saturate.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

_LARGEST, _TINY, _SHIFT, _ZERO, _AXIS, _ONE = (
    f"token/{name}" for name in ("largest", "tiny", "shift", "zero", "axis", "one")
)
_CONSTANTS: dict[str, np.ndarray] = {
    _LARGEST: np.array(127, np.float32),
    _TINY: np.array(1e-8, np.float32),
    _SHIFT: np.array(128, np.float32),
    _ZERO: np.array(128, np.uint8),
    _AXIS: np.array([-1], np.int64),
    _ONE: np.array(1, np.float32),
}


def quantise(file: Path) -> None:
    """Quantise the weights of an fp32 ONNX graph to int8, in place."""
    with _quiet_root_logger():
        quantize_dynamic(
            file,
            file,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
    model = onnx.load(file)
    scale_by_token(model)
    onnx.save(model, file)


def scale_by_token(model: onnx.ModelProto) -> None:
    """Turn onnxruntime's scale a batch into a scale a token, in place.

    What quantize_dynamic writes for a matrix product,

        q, scale, zero = DynamicQuantizeLinear(x)
        y = Cast(MatMulInteger(q, weights, zero, ...)) * (scale * weight_scale)

    becomes the same with a vector of scales. The weights' scale goes into
    onnxruntime's fused product; the tokens' scales must stay outside, for its own fusion
    would take the first of them for all.
    """
    graph = model.graph
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in _CONSTANTS.items())
    makers = {output: node for node in graph.node for output in node.output}
    both_scales = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "Mul" and makers.get(node.input[0], node).op_type == "DynamicQuantizeLinear"
    }
    made: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            made += _quantise_tokens(node.input[0], *node.output[:2])
        elif node.op_type == "Mul" and node.input[1] in both_scales:
            product = makers[makers[node.input[0]].input[0]]
            token_scale, weight_scale = both_scales[node.input[1]].input
            made += _scaled_product(product, token_scale, weight_scale, node.output[0])
        elif node.op_type != "MatMulInteger" and node.output[0] not in both_scales and not _casts_product(node, makers):
            made.append(node)
    del graph.node[:]
    graph.node.extend(made)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def _casts_product(node: onnx.NodeProto, makers: dict[str, onnx.NodeProto]) -> bool:
    return node.op_type == "Cast" and node.input[0] in makers and makers[node.input[0]].op_type == "MatMulInteger"


def _quantise_tokens(value: str, quantised: str, scale: str) -> list[onnx.NodeProto]:
    def step(name: str) -> str:
        return f"{scale}/{name}"

    return [
        helper.make_node("Abs", [value], [step("abs")]),
        helper.make_node("ReduceMax", [step("abs"), _AXIS], [step("max")], keepdims=1),
        helper.make_node("Max", [step("max"), _TINY], [step("range")]),
        helper.make_node("Div", [step("range"), _LARGEST], [scale]),
        helper.make_node("Div", [value, scale], [step("scaled")]),
        helper.make_node("Round", [step("scaled")], [step("rounded")]),
        helper.make_node("Add", [step("rounded"), _SHIFT], [step("shifted")]),
        helper.make_node("Cast", [step("shifted")], [quantised], to=onnx.TensorProto.UINT8),
    ]


def _scaled_product(product: onnx.NodeProto, token_scale: str, weight_scale: str, output: str) -> list[onnx.NodeProto]:
    quantised, weights, _, weight_zero = product.input
    inputs = [quantised, weights, _ONE, weight_scale, _ZERO, weight_zero]
    return [
        helper.make_node("MatMulIntegerToFloat", inputs, [f"{output}/product"], domain="com.microsoft"),
        helper.make_node("Mul", [f"{output}/product", token_scale], [output]),
    ]


@contextlib.contextmanager
def _quiet_root_logger() -> Iterator[None]:
    """Quantize_dynamic recommends a pre-processing that concerns convolutions only."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(level)
