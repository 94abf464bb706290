"""Is there a faster way than float32 torch on a CPU? Each engine against ours: time, and cosine on every text.

    python benchmarks/engines.py --texts 8 --max-length 192

An engine is worth having at 1.4 times the speed with a cosine of 0.999 or more on every text and every k. Engines whose
library is not installed are left out. Every engine gives all layers' token means, as ours does, one text a pass.
"""

import copy
import importlib.util
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.embed import texts
from benchmarks.measure import parser, spent
from llm4es.embed.pooling import layer_sums
from llm4es.inputs.packing import Layout
from llm4es.models import load_model
from llm4es.models.load import Model
from llm4es.models.resolve import resolve
from llm4es.options import Device, Dtype, LoadIn, LoadOptions

warnings.simplefilter("ignore")

Run = Callable[[list[int]], np.ndarray]
"""Token ids of a text -> every layer's token mean: (L, D)."""


class Pooled(nn.Module):
    """Token ids -> every layer's token mean, as one graph that a converter can follow."""

    def __init__(self, decoder: Any, n_layers: int) -> None:
        super().__init__()
        self.decoder = decoder
        self.means: list[Tensor] = []  # each (1, D)
        lists = (module for module in decoder.modules() if isinstance(module, nn.ModuleList))
        for layer in next(found for found in lists if len(found) == n_layers)[:-1]:
            layer.register_forward_hook(lambda _module, _args, out: self.means.append(out.mean(1)))

    def forward(self, ids: Tensor) -> Tensor:
        self.means.clear()
        last = self.decoder(input_ids=ids, use_cache=False).last_hidden_state  # (1, T, D)
        return torch.cat([*self.means, last.mean(1)])  # (L, D)


def torch_engine(model: Model) -> Run:
    def run(ids: list[int]) -> np.ndarray:
        sums = layer_sums(model.network, model.ref.n_layers, [ids], [(0, len(ids))], Layout.PADDED)[:, 0]  # (L, D)
        return (sums / len(ids)).cpu().numpy()

    return run


def module_engine(network: nn.Module, model: Model) -> Run:
    pooled = Pooled(network, model.ref.n_layers).eval()

    def run(ids: list[int]) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(pooled(torch.tensor([ids])).float().numpy())

    return run


def bfloat16(model: Model) -> Run:
    return torch_engine(load_model(model.ref, LoadOptions(device=Device.CPU, dtype=Dtype.BFLOAT16)))


def bitsandbytes(model: Model) -> Run:
    return torch_engine(load_model(model.ref, LoadOptions(device=Device.CPU, load_in=LoadIn.INT8)))


def torch_dynamic(model: Model) -> Run:
    from torch.ao import quantization

    dynamic: Any = quantization.quantize_dynamic
    made = dynamic(copy.deepcopy(model.network.base_model), {nn.Linear}, dtype=torch.qint8)
    return module_engine(made, model)


def torchao_int8(model: Model) -> Run:
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    decoder: Any = copy.deepcopy(model.network.base_model)
    quantize_(decoder, Int8DynamicActivationInt8WeightConfig())
    return module_engine(decoder, model)


def compiled(model: Model) -> Run:
    pooled = torch.compile(Pooled(copy.deepcopy(model.network.base_model), model.ref.n_layers).eval(), dynamic=True)

    def run(ids: list[int]) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(pooled(torch.tensor([ids])).numpy())

    return run


def openvino(model: Model, int8: bool = False) -> Run:
    import openvino as ov

    decoder: Any = copy.deepcopy(model.network.base_model)
    decoder.set_attn_implementation("eager")  # the converter follows plain operations
    pooled = Pooled(decoder, model.ref.n_layers).eval()
    example = torch.arange(3, 40)[None]  # (1, T)
    with torch.inference_mode():
        graph = ov.convert_model(pooled, example_input=example, input=[ov.PartialShape([1, -1])])
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    if int8:
        import nncf

        graph = nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM)
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = 64
    made = ov.Core().compile_model(graph, "CPU", settings)
    return lambda ids: np.array(made([np.array([ids])])[0])


def onnx_int8(model: Model) -> Run:
    import tempfile
    from pathlib import Path

    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    decoder: Any = copy.deepcopy(model.network.base_model)
    decoder.set_attn_implementation("eager")
    pooled = Pooled(decoder, model.ref.n_layers).eval()
    folder = Path(tempfile.mkdtemp())
    ids = torch.arange(3, 40)[None]  # (1, T)
    shapes = {"ids": {1: torch.export.Dim("tokens", min=4, max=4096)}}
    torch.onnx.export(pooled, (ids,), folder / "f32.onnx", dynamo=True, dynamic_shapes=shapes, verbose=False)
    quantize_dynamic(folder / "f32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(folder / "int8.onnx", options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda ids: np.asarray(session.run(None, {name: np.array([ids])})[0])


ENGINES: dict[str, tuple[str, Callable[[Model], Run]]] = {
    "torch bfloat16": ("torch", bfloat16),
    "bitsandbytes 8-bit": ("bitsandbytes", bitsandbytes),
    "torch dynamic int8": ("torch", torch_dynamic),
    "torchao int8": ("torchao", torchao_int8),
    "torch.compile float32": ("torch", compiled),
    "OpenVINO float32": ("openvino", openvino),
    "OpenVINO int8": ("nncf", lambda model: openvino(model, int8=True)),
    "ONNX Runtime int8": ("onnxruntime", onnx_int8),
}
"""Name -> (the library it needs, what builds it)."""


def worst(expected: list[np.ndarray], found: list[np.ndarray], k: int, centred: bool) -> float:
    """The smallest cosine of all texts, between the vectors of the last k layers.

    ``centred``: less the mean vector of all texts. A decoder's vectors have most of their length in common, and this is
    the part in which texts differ: the harder figure.
    """
    x, y = (np.stack([layers[-k:].mean(0) for layers in each]) for each in (expected, found))  # (N, D)
    middle = x.mean(0) if centred else 0.0
    x, y = x - middle, y - middle
    return float(((x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)).min())


def main() -> None:
    options = parser(__doc__, "model", texts=8, max_length=192)
    options.add_argument("--only", default="", help="part of an engine's name")
    arguments = options.parse_args()
    model = load_model(resolve(arguments.model), LoadOptions(device=Device.CPU))
    strings = texts(arguments.texts, arguments.max_length // 32).column("text").to_pylist()
    ids = model.tokenizer(strings)["input_ids"]
    reference = torch_engine(model)
    expected = [reference(text) for text in ids]  # each (L, D)
    print(f"{len(ids)} texts, {sum(map(len, ids))} tokens, {torch.get_num_threads()} threads")
    print(f"{'engine':24}{'wall':>7}{'cpu':>7}   smallest cosine at k = 1, 8, all; the same less the mean text")
    for name, (library, build) in ENGINES.items():
        if importlib.util.find_spec(library) is None or arguments.only not in name:
            continue
        try:
            engine = build(model)
            found = [engine(text) for text in ids]
        except Exception as error:  # an engine that does not work here is a finding
            print(f"{name:24}fails: {type(error).__name__}: {' '.join(str(error).split())[:110]}", flush=True)
            continue
        # in turns, text by text: a busy machine slows both
        turns = [(spent(partial(reference, text)), spent(partial(engine, text))) for text in ids]
        ours, its = (np.sum(taken, axis=0) for taken in zip(*turns, strict=True))  # (wall, cpu) each
        wall, cpu = ours / its
        depths = (1, 8, model.ref.n_layers)
        plain, centred = (" ".join(f"{worst(expected, found, k, less):.5f}" for k in depths) for less in (False, True))
        print(f"{name:24}{wall:6.2f}x{cpu:6.2f}x   {plain}   {centred}", flush=True)


if __name__ == "__main__":
    main()
