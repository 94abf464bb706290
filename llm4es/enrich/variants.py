"""Which variants an entity gets, and what their configuration is.

In: ids and ``EnrichOptions``. Out: (entity, variant) pairs, drawn by the seed and the id alone, so that a plan and the
work agree and other entities change nothing. Knows no text.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..core.errors import OptionError, near_names
from ..options import Constrain, EngineName, EnrichBy, EnrichOptions, LoadOptions
from ..serialize.formats import TextFormat
from . import form
from .fidelity import VERSION
from .prompts import load_prompt, prompt_names

if TYPE_CHECKING:
    from ..models.ref import ModelRef

VARIANTS = pa.schema([("entity_id", pa.string()), ("variant", pa.string())])

LLM = "llm_"
"""Before the prompt's name in the variants that a language model writes: ``llm_table``, the second ``llm_table_2``."""


def planned_variants(entity_ids: pa.Array | pa.ChunkedArray, options: EnrichOptions) -> pa.Table:
    """The (entity_id, variant) pairs that ``enrich`` will make, entity by entity. More variants keep the fewer ones.

    Parameters
    ----------
    entity_ids : pyarrow.Array of text, (N,)
        Whose variants; each id once.
    options : EnrichOptions
        Formats or prompts to draw from, how many an entity, and the seed.

    Returns
    -------
    pyarrow.Table
        ``entity_id, variant``: N x ``options.variants`` rows.

    Raises
    ------
    OptionError
        For a format or prompt that there is none of, or more variants than formats.

    Examples
    --------
    >>> planned_variants(pa.array(["7", "8"]), EnrichOptions(variants=1, formats=("json", "yaml"))).to_pylist()
    [{'entity_id': '7', 'variant': 'yaml'}, {'entity_id': '8', 'variant': 'yaml'}]
    """
    names, count = choices(options), options.variants
    ids = entity_ids.to_pylist()
    digests = (hashlib.md5(f"{options.seed}\0{entity}".encode(), usedforsecurity=False).digest()[:8] for entity in ids)
    hashes = np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)  # (N,)
    drawn = _draw(hashes, len(names), min(count, len(names)))  # (N, different choices)
    rounds = [drawn + again * len(names) for again in range(-(-count // len(names)))]
    variants = np.array(_labels(options), object)[np.concatenate(rounds, axis=1)[:, :count]].ravel()  # (N * count,)
    rows = pa.array(np.repeat(np.arange(len(ids)), count))
    return pa.table([pa.array(ids, pa.string()).take(rows), pa.array(variants, pa.string())], schema=VARIANTS)


def wanted_pairs(wanted: pa.Table, options: EnrichOptions) -> set[tuple[str, str]]:
    """The (entity, variant) pairs of a table. Raises OptionError for a variant that the options do not make."""
    known = _labels(options)
    unknown = sorted(set(wanted["variant"].to_pylist()) - set(known))
    if unknown:
        raise OptionError(f"wanted names the variant {unknown[0]!r}, which is not made: there are {', '.join(known)}")
    return set(zip(*(wanted[name].to_pylist() for name in VARIANTS.names), strict=True))


def choices(options: EnrichOptions) -> Sequence[str]:
    """The variants that are drawn from: formats, or prompts with ``llm_`` before them."""
    by_llm = options.by is EnrichBy.LLM
    known = prompt_names() if by_llm else [format.value for format in TextFormat]
    for name in options.formats:
        if name not in known:
            near = near_names(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise OptionError(f"--formats {name!r} is no {'prompt' if by_llm else 'format'}: {hint}")
    names = list(dict.fromkeys(options.formats)) or known
    if by_llm:
        return [LLM + name for name in names]
    if options.variants > len(names):
        formats, at_most = (
            ("one format", "1") if len(names) == 1 else (f"{len(names)} formats", f"{len(names)} or fewer")
        )
        raise OptionError(f"--variants {options.variants} is more than the {formats} to choose from: give {at_most}")
    return names


def fingerprint(
    options: EnrichOptions,
    load: LoadOptions | None = None,
    model: "ModelRef | None" = None,
    paraphrase: Sequence[str] = (),
) -> dict[str, Any]:
    """What changes the variants besides the raw texts, as plain values: the options; by llm also prompts, model, check.

    How many there are changes none of them: more variants keep the fewer ones.
    ``model`` is what ``open_engine`` is given: the model of engine 'transformers'. Forms, and fields that may be
    paraphrased, count only where there are any; a server's forms never: whether it takes them is not known before it is
    asked.
    """
    values: dict[str, Any] = {name: value for name, value in options.fingerprint().items() if name != "variants"}
    if options.by is EnrichBy.LLM:
        here = options.engine is EngineName.TRANSFORMERS
        load = load or LoadOptions()
        prompts = {name: load_prompt(prompt_of(name)) for name in choices(options)}
        values["prompts"] = {name: prompt.digest for name, prompt in prompts.items()}
        if here and any(prompt.by_line for prompt in prompts.values()):
            values["form"] = form.VERSION if options.constrain is Constrain.AUTO else options.constrain.value
        if paraphrase:
            values["paraphrase"] = sorted(paraphrase)
        values["load"] = load.fingerprint() if here else None
        values["identity"], values["check"] = _identity(model, load) if here else None, VERSION
    return values


def prompt_of(variant: str) -> str:
    """``llm_table_2`` is of the prompt ``table``."""
    name = variant.removeprefix(LLM)
    return name if name in prompt_names() else name.rpartition("_")[0]


def _identity(model: "ModelRef | None", load: LoadOptions) -> str | None:
    """What decides the answers of a model in this process besides request and options: its weights, as loaded."""
    from ..models.ref import load_fingerprint

    return None if model is None else load_fingerprint(model, load)


def _labels(options: EnrichOptions) -> list[str]:
    """Every variant that the options can make; prompts may be drawn again, and are numbered then."""
    names = choices(options)
    rounds = -(-options.variants // len(names))
    return [name if again == 0 else f"{name}_{again + 1}" for again in range(rounds) for name in names]


def _draw(hashes: npt.NDArray[np.uint64], size: int, count: int) -> npt.NDArray[np.int64]:
    """For each hash, ``count`` different numbers below ``size``: the first steps of a shuffle that the hash decides."""
    order = np.tile(np.arange(size), (len(hashes), 1))  # (N, size)
    rows = np.arange(len(hashes))
    for at in range(count):
        left = np.uint64(size - at)
        other = at + (hashes % left).astype(np.int64)
        hashes = hashes // left
        order[rows, at], order[rows, other] = order[rows, other], order[rows, at].copy()
    return order[:, :count]
