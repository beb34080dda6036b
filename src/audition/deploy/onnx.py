"""A deployed model as an ONNX file, computed by ONNX Runtime: in float32, or with fewer bits."""

import logging
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn

from audition.deploy.model import Deployed
from audition.errors import AuditionError

OPSET = 20
MADE = {"int8": "MatMulInteger", "int4": "MatMulNBits"}
"""The operator that takes the place of a product with a constant matrix, by weights."""


@dataclass(frozen=True, kw_only=True)
class Onnx:
    """One file for ONNX Runtime, of any batch and any number of tokens up to the context.

    `weights=int8` is its dynamic quantization (a step a row, activations rounded as they come),
    `int4` its products with 4 bits a weight and a step for each `group` entries. Every product with a
    constant matrix must have been replaced: one that is passed over is an error.
    """

    file: ClassVar[str] = "model.onnx"
    runtime: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxruntime", "onnxscript")
    requires: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime", "onnxscript")

    weights: Literal["float32", "int8", "int4"] = "float32"
    """What the matrices of linear maps are computed with."""
    group: Annotated[int, Ge(16)] = 32
    """Of int4, a power of two: entries that share a step."""
    threads: Annotated[int, Ge(1)] = 1
    """Threads of the runtime within an operator."""

    def write(self, deployed: Deployed, folder: Path, example: Tensor) -> Path:
        path = folder / self.file
        model = deployed.runnable()
        with TemporaryDirectory(dir=folder, prefix=".part-") as place:
            plain, made = Path(place, "plain.onnx"), Path(place, "made.onnx")
            export(model, example, plain)
            if self.weights == "float32":
                made = plain
            elif self.weights == "int8":
                _int8(plain, made, Path(place, "prepared.onnx"))
            else:
                _int4(plain, made, self.group)
            if self.weights != "float32":
                check_replaced(operators(plain), operators(made), MADE[self.weights])
            made.replace(path)
        return path

    def read(self, deployed: Deployed, path: Path) -> nn.Module:
        return Runtime(path, self.threads)


class Runtime(nn.Module):
    """ONNX Runtime as a module of token ids [B, T] to logits [B, T, V], on a CPU."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        (self.given,) = (each.name for each in self.session.get_inputs())

    def forward(self, inputs: Tensor) -> Tensor:
        (logits,) = self.session.run(None, {self.given: inputs.numpy()})
        return torch.from_numpy(logits)


def export(model: nn.Module, example: Tensor, path: Path) -> None:
    """Write `model` as ONNX, with any number of rows, and of tokens up to those of `example`."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    tokens = torch.export.Dim("tokens", min=1, max=example.shape[1])
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (example,),
            str(path),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("rows"), 1: tokens},),
            external_data=False,
            verbose=False,
        )


def operators(path: Path) -> Mapping[str, int]:
    """How often each operator stands in the graph of a file, and products with a constant matrix
    under the name of `constant products`."""
    import onnx

    graph: Any = onnx.load(str(path)).graph
    constants = {each.name for each in graph.initializer}
    found = Counter(node.op_type for node in graph.node)
    found["constant products"] = sum(
        node.op_type in ("MatMul", "Gemm") and any(name in constants for name in node.input)
        for node in graph.node
    )
    return found


def check_replaced(before: Mapping[str, int], after: Mapping[str, int], operator: str) -> None:
    """Raise AuditionError unless every product with a constant matrix became an `operator`."""
    made = after.get(operator, 0)
    left = before.get("constant products", 0) - made
    if left or not made:
        raise AuditionError(
            f"ONNX Runtime made {made} {operator} of this model's products with a constant matrix and "
            f"passed {left} over: nothing is deployed as less than it says"
        )


def _int8(plain: Path, made: Path, prepared: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    quantize_dynamic(
        str(prepared),
        str(made),
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )


def _int4(plain: Path, made: Path, group: int) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(
        onnx.load(str(plain)), block_size=group, is_symmetric=True, accuracy_level=4
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(made), use_external_data_format=False)
