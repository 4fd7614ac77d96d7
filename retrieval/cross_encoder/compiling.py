"""Compiles a saved cross-encoder into a graph with 8-bit weights."""

import inspect
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.cross_encoder.quantised import GRAPH, Manifest
from retrieval.errors import RerankerUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

#: Part of the name under which a compiled model is kept: another recipe, another model.
RECIPE = "3"
_OPSET = 18


def has_vnni(cpuinfo: str) -> bool:
    """Tell from `/proc/cpuinfo` if the processor adds 8-bit products in 32 bits."""
    return "avx512_vnni" in cpuinfo or "avx_vnni" in cpuinfo


def compile_cross_encoder(source: Path, target: Path, *, reduce_range: bool) -> None:
    """Write graph, tokenizer and manifest of the cross-encoder in `source` to `target`.

    `reduce_range` keeps weights in 7 bits, for processors without VNNI: they add
    products of two 8-bit numbers in 16 bits, where larger ones are cut off.

    Takes about a minute and three times the model's memory: for a process that ends
    afterwards. Raises RerankerUnavailableError if it is no cross-encoder that can be
    compiled.
    """
    # Seconds and half a gigabyte: only for the process that compiles.
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from sentence_transformers import CrossEncoder

    encoder = CrossEncoder(
        str(source),
        device="cpu",
        local_files_only=True,
        # The plain formulas: fused ones have no counterpart in ONNX.
        model_kwargs={"attn_implementation": "eager"},
    )
    _check(encoder)
    target.mkdir(parents=True, exist_ok=True)
    encoder.tokenizer.save_pretrained(str(target))
    Manifest(
        max_tokens=int(encoder.max_seq_length or 512),
        pad_token_id=int(encoder.tokenizer.pad_token_id or 0),
    ).save(target)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        graph = Path(folder) / "model.onnx"
        _export(encoder, graph)
        quantize_dynamic(
            graph,
            target / GRAPH,
            weight_type=QuantType.QInt8,
            # One scale per column: a single outlier would coarsen a whole matrix.
            per_channel=True,
            reduce_range=reduce_range,
        )


def _check(encoder: "CrossEncoder") -> None:
    if encoder.num_labels != 1:
        message = f"it gives {encoder.num_labels} scores a pair instead of one"
        raise RerankerUnavailableError(message)
    if len(encoder) != 1 or not encoder.tokenizer.is_fast:
        message = "it is no plain sequence classifier with a fast tokenizer"
        raise RerankerUnavailableError(message)
    if encoder.default_prompt_name is not None:
        message = "it expects a prompt before each text"
        raise RerankerUnavailableError(message)


def _export(encoder: "CrossEncoder", graph: Path) -> None:
    import torch

    # Two rows of unequal length, so that nothing of the example's shape is taken for a
    # constant.
    example = encoder.tokenizer(
        [("a question", "a passage that is longer"), ("q", "p")],
        padding=True,
        return_tensors="pt",
    )
    model = encoder.eval()[0].get_submodule("model")
    # The exporter gives names by position, which is the order of `forward`.
    inputs = [
        name for name in inspect.signature(model.forward).parameters if name in example
    ]
    with warnings.catch_warnings():
        # It is deprecated, and doubts constants that the tests show to be right.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (),
            str(graph),
            kwargs={name: example[name] for name in inputs},
            input_names=inputs,
            output_names=["logits"],
            opset_version=_OPSET,
            dynamic_axes={name: {0: "pairs", 1: "tokens"} for name in inputs},
            # The newer exporter needs two packages more and ten times as long, for a
            # graph with the same scores.
            dynamo=False,
        )
