import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from claim_classifier import ClaimClassifier, ModelError
from claim_classifier.model_dir import CALIBRATION, MANIFEST, NETWORK, TOKENIZER, read_model, write_manifest


def edit_manifest(folder: Path, **changes: object) -> None:
    file = folder / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_round_trip(tiny_model: Path, tiny: ClaimClassifier) -> None:
    texts = ["The dam is full.", "Open it."]
    np.testing.assert_array_equal(ClaimClassifier.load(tiny_model).predict_proba(texts), tiny.predict_proba(texts))
    files = read_model(tiny_model)
    assert files.calibration.temperature == 2.0
    assert set(files.manifest["files"]) == {NETWORK, TOKENIZER, CALIBRATION}


@pytest.mark.parametrize("name", [NETWORK, TOKENIZER, CALIBRATION])
def test_missing_file(tiny_model: Path, name: str) -> None:
    (tiny_model / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        ClaimClassifier.load(tiny_model)


@pytest.mark.parametrize("name", [NETWORK, TOKENIZER, CALIBRATION])
def test_altered_file(tiny_model: Path, name: str) -> None:
    content = bytearray((tiny_model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tiny_model / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}: altered"):
        ClaimClassifier.load(tiny_model)


@pytest.mark.parametrize("name", ["extra.py", "sub/weights.bin", "model.onnx.data"])
def test_foreign_file(tiny_model: Path, name: str) -> None:
    (tiny_model / name).parent.mkdir(exist_ok=True)
    (tiny_model / name).write_text("import os")
    with pytest.raises(ModelError, match=f"{name} does not belong"):
        ClaimClassifier.load(tiny_model)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / MANIFEST).unlink(), "manifest.json is missing"),
        (lambda d: (d / MANIFEST).write_text("{"), "not JSON"),
        (lambda d: (d / MANIFEST).write_text("[]"), "format is None"),
        (lambda d: edit_manifest(d, format=99), "format is 99"),
        (lambda d: edit_manifest(d, labels=["yes", "no"]), "labels are"),
        (lambda d: edit_manifest(d, max_length="long"), "max_length is 'long'"),
        (lambda d: edit_manifest(d, files=None), "expected file names"),
        (lambda d: edit_manifest(d, files={"../x": {"sha256": "0", "bytes": 1}}), "expected file names"),
        (lambda d: edit_manifest(d, files={"x": {"sha256": "0"}}), "expected file names"),
        (lambda d: edit_manifest(d, files={}), "no hash is given"),
    ],
)
def test_broken_manifest(tiny_model: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(tiny_model)
    with pytest.raises(ModelError, match=message):
        ClaimClassifier.load(tiny_model)


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such directory"):
        ClaimClassifier.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"temperature": 1}', "threshold"), ('{"temperature": 0, "threshold": 0}', "over 0"), ("[]", "expected")],
)
def test_bad_calibration(tiny_model: Path, content: str, message: str) -> None:
    (tiny_model / CALIBRATION).write_text(content)
    write_manifest(tiny_model, {"name": "tiny", "version": "0", "max_length": 64})
    with pytest.raises(ModelError, match=message):
        ClaimClassifier.load(tiny_model)


def test_network_that_is_no_network(tiny_model: Path) -> None:
    (tiny_model / NETWORK).write_bytes(b"not a graph")
    write_manifest(tiny_model, {"name": "tiny", "version": "0", "max_length": 64})
    with pytest.raises(ModelError, match="onnxruntime cannot load"):
        ClaimClassifier.load(tiny_model)


def test_tokenizer_that_is_no_tokenizer(tiny_model: Path) -> None:
    (tiny_model / TOKENIZER).write_text("{}")
    write_manifest(tiny_model, {"name": "tiny", "version": "0", "max_length": 64})
    with pytest.raises(ModelError, match="cannot load the tokenizer"):
        ClaimClassifier.load(tiny_model)


def test_network_of_another_shape(tiny_model: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 4])
    answer = helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", 4])
    graph = helper.make_graph([helper.make_node("Identity", ["pixels"], ["classes"])], "other", [value], [answer])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(network, tiny_model / NETWORK)
    write_manifest(tiny_model, {"name": "tiny", "version": "0", "max_length": 64})
    with pytest.raises(ModelError, match=r"takes \['pixels'\]"):
        ClaimClassifier.load(tiny_model)
