"""A found model to one in memory: the one place that calls ``from_pretrained``.

In: a ``ModelRef`` and ``LoadOptions``. Out: a ``Model``: tokenizer and network, in evaluation mode, on its device, in
its number format, its adapter applied and seen to act. Knows no names and no texts.
"""

import importlib.util
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel

from ..core.errors import ModelError, one_line
from ..core.input_device import input_device
from ..core.phases import phase
from ..core.processes import local_rank
from ..core.quiet import quiet
from ..options import LoadIn, LoadOptions
from .architecture import auto_class
from .complete import check_complete, check_vocabulary
from .devices import attention_name, device_name, number_format
from .finite import check_finite, stored_tensors
from .folders import check_unchanged
from .int8_rows import outliers_by_row
from .placement import is_split
from .ref import ModelRef, space_fingerprint, space_name
from .weight_files import check_experts

# B texts, T tokens, D width

PROBE_TOKENS = 16
"""Tokens of the input on which an adapter must show an effect."""


@dataclass(frozen=True)
class Model:
    """A model in memory, ready to run."""

    ref: ModelRef
    """What was loaded."""

    tokenizer: Any
    """Hugging Face tokenizer (a fast one: it knows where in the text its tokens are)."""

    network: PreTrainedModel
    """The causal language model or the encoder, in evaluation mode."""

    device: torch.device
    """Where it runs; of a model that is split over devices, where its first part does."""

    dtype: torch.dtype
    """Number format of its activations."""

    name: str
    """The space of its vectors, which their rows bear: see ``space_name``."""

    fingerprint: str
    """The space's fingerprint: ``space_fingerprint`` of ``ref`` and ``options``."""

    options: LoadOptions
    """How it was loaded."""

    has_head: bool = True
    """Whether it came with the head that predicts tokens: else it embeds, and can be neither tuned nor asked."""

    def require_head(self, to: str) -> None:
        """Raise where the head is missing, for work (``to`` be 'tuned') that needs it."""
        if not self.has_head:
            raise ModelError(
                f"{self.ref.name} came without the head that predicts tokens: it embeds, and cannot be {to}; give a"
                " causal language model with its head (lm_head)"
            )


def load_model(ref: ModelRef, options: LoadOptions | None = None, name: str | None = None) -> Model:
    """Load tokenizer and weights; an adapter is merged where the weights are not quantised.

    Parameters
    ----------
    ref : ModelRef
        What ``resolve`` found: all that is needed, whatever store or folder the model came from.
    options : LoadOptions, optional
        Quantisation, number format, device, attention; None: the defaults.
    name : str, optional
        The space's name, which rows of vectors bear: ``space_name(ref, options, taken)`` of whoever knows the names in
        use. None: ``space_name(ref, options)``.

    Returns
    -------
    Model
        Ready to run: in evaluation mode, on its device, no weight trainable.

    Raises
    ------
    ModelError
        Where the device is not there, weights are missing, too many, of other sizes or no numbers, the tokenizer is no
        fast one or not the network's, the model brings code that is not trusted, an adapter does not fit or changes
        nothing, or the files are not those that were looked up.

    Examples
    --------
    >>> from llm4es.models import load_model, resolve
    >>> from llm4es.options import Dtype, LoadOptions
    >>> model = load_model(resolve("smollm2-135m"), LoadOptions(dtype=Dtype.BFLOAT16))  # doctest: +SKIP
    >>> model.name  # doctest: +SKIP
    'smollm2-135m+bfloat16'
    """
    options = options or LoadOptions()
    dtype, split = getattr(torch, number_format(options)), is_split(ref, options)
    with quiet(), phase(f"loading {ref.name}"):
        tokenizer = load_tokenizer(ref, options)
        check_experts(ref.name, ref.folder)
        kind = auto_class(ref.folder)
        network, info = _from_folder(
            kind,
            ref,
            options,
            dtype=dtype,
            attn_implementation=attention_name(options),
            use_safetensors=True,
            device_map="auto" if split else {"": _device(device_name(options))},
            quantization_config=_quantization(options, dtype),
            ignore_mismatched_sizes=True,  # they are refused by name below
            output_loading_info=True,
        )
        has_head = check_complete(ref.name, ref.folder, network, info) and kind is not AutoModel
        device, plain = input_device(network), options.load_in == LoadIn.NONE
        there = plain and not any(weight.is_meta for weight in network.parameters())
        check_finite(ref.name, network.named_parameters() if there else stored_tensors(ref.folder))
        check_vocabulary(ref.name, tokenizer, network)
        _same_on_every_cpu(network)
        outliers_by_row(network)
        if ref.adapter is not None:
            if any(weight.is_meta for weight in network.parameters()):
                raise ModelError(
                    f"{ref.name} is a LoRA, and its base {ref.base} does not fit the GPUs: give --load-in 4bit, or"
                    " --device cpu"
                )
            network = _adapted(network, ref, ref.adapter, device, quantized=not plain)
    check_unchanged(ref.name, ref.folder, ref.adapter, ref.fingerprint)
    network.eval().requires_grad_(False)
    return Model(
        ref=ref,
        tokenizer=tokenizer,
        network=network,
        device=device,
        dtype=dtype,
        name=name or space_name(ref, options),
        fingerprint=space_fingerprint(ref, options),
        options=options,
        has_head=has_head,
    )


def load_tokenizer(ref: ModelRef, options: LoadOptions) -> Any:
    """The tokenizer of a model's folder, a fast one; without the weights. Raises ModelError where there is none."""
    remedy = f"save a fast one (tokenizer.json) into {ref.folder}"
    try:
        tokenizer = _from_folder(AutoTokenizer, ref, options)
    except ModelError as error:
        if "backend tokenizer" not in str(error):  # what transformers says where there is nothing to make one of
            raise
        raise ModelError(f"{ref.name} has no tokenizer with a fast version: {remedy}") from error
    if not tokenizer.is_fast:
        raise ModelError(f"the tokenizer of {ref.name} says not where its tokens are: {remedy}")
    return tokenizer


def _from_folder(kind: Any, ref: ModelRef, options: LoadOptions, **how: Any) -> Any:
    """What ``kind.from_pretrained`` makes of the folder: from this machine only, and no code of a stranger's."""
    try:
        return kind.from_pretrained(
            ref.folder, local_files_only=True, trust_remote_code=options.trust_remote_code, **how
        )
    except Exception as error:  # parsers over foreign bytes: whatever they raise, the folder is what is wrong
        if "trust_remote_code" in str(error) and not options.trust_remote_code:
            raise ModelError(
                f"{ref.name} brings code of its own, which is not run: give --trust-remote-code if you trust it"
            ) from error
        reason, remedy = one_line(error, 200).rstrip("."), "fetch or save it again, or take another transformers"
        if "conversion of the weights" in reason:  # experts that are kept one by one are put together
            reason = "an expert's weights have not the sizes of the others'"
        elif isinstance(error, torch.OutOfMemoryError):
            remedy = "give --device split, or --load-in 4bit"
        elif how.get("device_map") == "auto":
            remedy = "accelerate cannot share it out; give --load-in 4bit, or --device cpu"
        raise ModelError(f"cannot load {ref.name} from {ref.folder} ({reason}): {remedy}") from error


def _device(name: str) -> torch.device:
    """The device of that name; of several processes on a machine each has a GPU of its own."""
    return torch.device(name, local_rank()) if name == "cuda" else torch.device(name)


QUANTIZATION: dict[LoadIn, dict[str, Any]] = {
    LoadIn.INT8: {"load_in_8bit": True},  # LLM.int8(), arXiv 2208.07339
    LoadIn.NF4: {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},  # QLoRA's NormalFloat, arXiv 2305.14314
}


def _quantization(options: LoadOptions, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    if options.load_in == LoadIn.NONE:
        return None
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ModelError(f"--load-in {options.load_in.value} needs bitsandbytes: pip install 'llm4es[quant]'")
    return BitsAndBytesConfig(**QUANTIZATION[options.load_in], bnb_4bit_compute_dtype=dtype)


def _same_on_every_cpu(network: PreTrainedModel) -> None:
    """bitsandbytes computes 4-bit layers in bfloat16 on CPUs that have it, and fails on narrow ones: the plain way."""
    for module in network.modules():
        if "support_avx512bf16_for_cpu" in vars(module):
            vars(module)["support_avx512bf16_for_cpu"] = False


def _adapted(
    network: PreTrainedModel, ref: ModelRef, adapter: Path, device: torch.device, *, quantized: bool
) -> PreTrainedModel:
    """The network with the adapter in it, after a look whether that changes what it computes (huggingface/peft#793)."""
    from .lora import PeftModel  # peft, and bitsandbytes where it is there, take as long to import as torch

    fits_not = f"the LoRA in {adapter} does not fit {ref.base}: give the base that it was tuned on, or tune it again"
    ids = (torch.arange(PROBE_TOKENS, device=device) * 37 % network.config.get_text_config().vocab_size)[None]  # (1, T)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*missing adapter keys.*")
            adapted = PeftModel.from_pretrained(network, adapter, torch_device=str(device)).eval()
    except (RuntimeError, ValueError, KeyError, UserWarning) as error:
        raise ModelError(f"{fits_not} ({one_line(error, 200)})") from error
    check_finite(f"the LoRA in {adapter}", ((k, v) for k, v in adapted.named_parameters() if "lora_" in k))
    with torch.inference_mode():
        with adapted.disable_adapter():
            before = _logits(adapted, ids)  # (1, T, V)
        after = _logits(adapted, ids)  # (1, T, V)
    if torch.equal(before, after):
        raise ModelError(f"the LoRA in {adapter} changes nothing in {ref.base}: tune it again, for more steps")
    # merging would round the adapter to the few bits of a quantised base
    made: Any = adapted.get_base_model() if quantized else adapted.merge_and_unload()
    return made  # type: ignore[no-any-return]


def _logits(network: nn.Module, ids: Tensor) -> Tensor:
    return network(input_ids=ids, use_cache=False).logits  # type: ignore[no-any-return]
