"""What the first look at a model shows before it reads for anybody, and what of it this machine remembers.

In: a loaded model. Out: the vectors of three fixed texts, and options whose passes are as large as its speed allows.
The look takes as long as some texts: what it has shown is kept in the cache folder, and holds while nothing is another
that could change it. Knows no events and no users.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from ..core.cache_folder import cache_dir
from ..core.hashing import canonical_json, text_hash
from ..options import EmbedOptions
from .canaries import PASS_SECONDS, measured
from .circumstances import circumstances
from .kept_look import remember_look, remembered_look

if TYPE_CHECKING:
    from ..models.load import Model


def first_look(
    model: "Model", options: EmbedOptions, *, begin_alike: bool = False
) -> tuple[pa.RecordBatch, EmbedOptions]:
    """Look at a model, or remember what the last look showed.

    Parameters
    ----------
    model : Model
        Just loaded; its layers compiled where that is asked for.
    options : EmbedOptions
        What it will read with.
    begin_alike : bool
        Whether the texts do, so that what they begin with is read once a pass.

    Returns
    -------
    pyarrow.RecordBatch
        Rows of ``CANARIES``.
    EmbedOptions
        Of passes that take ``PASS_SECONDS`` at most.

    Raises
    ------
    ModelError
        For an architecture that cannot be read.
    """
    from ..embed.batches import batch_tokens_within
    from ..embed.pooling import layout_for
    from ..inputs.found_out import found_out

    file = None
    on_one_device = len({weight.device for weight in model.network.parameters()}) == 1
    if on_one_device and not options.compile:
        file = cache_dir() / "first_looks" / f"{text_hash(canonical_json(circumstances(model)))[:32]}.arrow"
    remembered = None if file is None else remembered_look(file, model)
    rows, rate = remembered or measured(model)
    sized = replace(options, batch_tokens=batch_tokens_within(PASS_SECONDS, rate, options), compile=False)
    before = found_out(model.network) if remembered else None
    layout_for(model.network, model.ref.n_layers, sized.max_length, sized.batch_tokens, shared=begin_alike)
    now = found_out(model.network)
    if file is not None and now != before:
        remember_look(file, rows, {"rate": rate, "found": now})
    return rows, sized
