"""Tiny ONNX models of pictures, written by code, with what they compute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 16
WIDTH = 6


def weights(channels: int = 3, width: int = WIDTH) -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(size=(channels * 4, width)).astype(np.float32)


def model_bytes(
    shape: Sequence[int | str] = ("n", 3, SIDE, SIDE), *, kind: str = "FLOAT", width: int = WIDTH, outputs: str = "vector"
) -> bytes:
    """A model that takes the mean of each quarter of a picture, multiplies with `weights`, and cuts off below 0.

    ``outputs`` is ``vector`` (``[n, width]``), ``map`` (``[n, channel, 2, 2]``, the means themselves), ``tokens``
    (``[n, channel, 4]``) or ``text`` (the vector and a text beside it).
    """
    from onnx import TensorProto, helper, numpy_helper

    channels = next((size for size in shape[1:2] if isinstance(size, int)), 3)
    half = SIDE // 2
    nodes = [helper.make_node("Cast", ["picture"], ["numbers"], to=TensorProto.FLOAT)]
    nodes.append(helper.make_node("AveragePool", ["numbers"], ["means"], kernel_shape=[half, half], strides=[half, half]))
    nodes.append(helper.make_node("Flatten", ["means"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "weights"], ["raw"]))
    nodes.append(helper.make_node("Relu", ["raw"], ["vector"]))
    nodes.append(helper.make_node("Reshape", ["means", "places"], ["tokens"]))
    made: dict[str, Any] = {
        "vector": helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", width]),
        "means": helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", channels, 2, 2]),
        "tokens": helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["n", channels, 4]),
        "label": helper.make_tensor_value_info("label", TensorProto.STRING, [1]),
    }
    given = {"vector": ["vector"], "map": ["means"], "tokens": ["tokens"], "text": ["vector", "label"]}[outputs]
    if "label" in given:
        nodes.append(helper.make_node("Constant", [], ["label"], value=helper.make_tensor("", TensorProto.STRING, [1], [b"cat"])))
    picture = helper.make_tensor_value_info("picture", getattr(TensorProto, kind), list(shape))
    constants = [
        numpy_helper.from_array(weights(channels, width), "weights"),
        numpy_helper.from_array(np.array([0, channels, 4], dtype=np.int64), "places"),
    ]
    graph = helper.make_graph(nodes, "encoder", [picture], [made[name] for name in given], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def put_model(folder: Path, content: bytes | None = None, said: str | None = None) -> Path:
    """A folder with a model and, where ``said``, a ``preprocessing.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "encoder.onnx").write_bytes(model_bytes() if content is None else content)
    if said is not None:
        (folder / "preprocessing.json").write_text(said, encoding="utf-8")
    return folder


def twin(pictures: NDArray[np.float64], width: int = WIDTH) -> NDArray[np.float64]:
    """What `model_bytes` computes, from the prepared pictures ``[n, channel, SIDE, SIDE]``."""
    count, channels = pictures.shape[:2]
    half = SIDE // 2
    means = pictures.reshape(count, channels, 2, half, 2, half).mean(axis=(3, 5))
    return np.maximum(means.reshape(count, -1) @ weights(channels, width).astype(np.float64), 0)
