"""The space that a model's vectors live in: its name in the tables, and what the name stood for before.

In: a context, a model, how it is loaded. Out: a ``Space``. Reads the store, writes nothing.
"""

from dataclasses import dataclass

from ..core.plan import Reason
from ..core.sql import Scope, literal
from ..core.versions import Version, version_of
from ..models.ref import ModelRef, load_fingerprint, space_fingerprint, space_name
from ..options import LoadOptions
from .context import Context
from .other_weights import another, is_of


@dataclass(frozen=True)
class Space:
    """The space that a model's vectors live in, and what it means for the vectors that are there."""

    name: str
    """What tables call it."""

    fingerprint: str
    """Of weights, number format and quantization."""

    wrong: str = ""
    """Fingerprint of vectors under this name that an earlier version made wrongly: they are replaced; '': none."""

    before: str = ""
    """What the dataset's vectors of the version before are called, while there are none of this one; '': there are."""

    @property
    def replaced(self) -> str:
        """SQL condition of the vectors that were made wrongly."""
        return f"fingerprint = {literal(self.wrong)}" if self.wrong else "false"

    @property
    def reason(self) -> Reason:
        """Why vectors are computed of whom there are others."""
        return Reason.MODEL if self.wrong or self.before else Reason.CONFIG

    def related(self, dataset: str) -> Scope:
        """The vectors whose entities are not new here."""
        return {"dataset": dataset, "model": self.before or self.name}


def space_of(context: Context, ref: ModelRef, load: LoadOptions, origin: str) -> Space:
    """The space of a model's vectors. Two spaces never live under one name, and none takes another's place.

    Parameters
    ----------
    context : Context
        Dataset, store, who hears of a name that moved.
    ref : ModelRef
        What reads.
    load : LoadOptions
        How it is loaded.
    origin : str
        Where the model was found, as ``places.place_of`` says it.

    Returns
    -------
    Space
        Its name: that of the same weights before; else the model's own; where that is another's, the next version of
        what lay in the same place, or with the first digits of the fingerprint.
    """
    rows = context.store.sql(
        "SELECT DISTINCT dataset, model, fingerprint FROM embeddings WHERE aligned_to IS NULL"
    ).fetchall()
    fingerprint, former = space_fingerprint(ref, load), load_fingerprint(ref, load)
    usual = space_name(ref, load)
    # what an earlier version made wrongly is replaced, and takes no name away
    there = {model: other for _, model, other in rows if is_of(model, usual) and other in (fingerprint, former)}
    taken = {model: other for _, model, other in rows if is_of(model, usual) and other not in (fingerprint, former)}
    if usual in there or usual not in taken:
        name = usual
    elif there:
        name = max(there, key=lambda model: version_of(model).number)
    else:
        name = another(context, ref, load, usual, taken, origin)
        context.observer.say(f"embed: {usual} stands for other weights in this store: those of {ref.folder} are {name}")
    here = {other for dataset, model, other in rows if (dataset, model) == (context.dataset, name)}
    wrong = former if former in here - {fingerprint} else ""
    if wrong:
        were = "were read in one direction" if ref.was_read_causally else "depended on the batch that read them"
        context.observer.say(f"embed: vectors of {name} {were}: they are computed anew")
    version = version_of(name)
    older = {model for dataset, model, _ in rows if dataset == context.dataset and _is_older(model, version)}
    before = "" if here else max(older, key=lambda model: version_of(model).number, default="")
    return Space(name, fingerprint, wrong, before)


def _is_older(model: str, than: Version) -> bool:
    """Whether a name is that of an older version of the same model."""
    version = version_of(model)
    return version.family == than.family and version.number < than.number
