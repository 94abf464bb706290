"""A name for the vectors of weights whose own name is taken by those of other weights.

In: a model, the names that are taken. Out: a name. Reads the record of runs, writes nothing.
"""

from collections.abc import Mapping

from ..core.versions import version_of, with_version
from ..models.ref import ModelRef, space_name
from ..options import LoadOptions
from .context import Context
from .places import moved_in
from .tuned_versions import tuned_names


def is_of(model: str, usual: str) -> bool:
    """Whether a name was made of the usual one: itself, a version of it, or with digits of a fingerprint behind.

    Examples
    --------
    >>> is_of("mine@v2", "mine"), is_of("mine#1a2b3c4d", "mine"), is_of("mine+8bit", "mine")
    (True, True, False)
    """
    plain = version_of(model).family
    return usual in (model, plain, plain.partition("#")[0])


def another(
    context: Context, ref: ModelRef, load: LoadOptions, usual: str, taken: Mapping[str, str], origin: str
) -> str:
    """A name for weights whose own is taken: the next version of what lay in the same place, or with a fingerprint."""
    moved = "" if ref.name in tuned_names(context.store) else moved_in(context, origin, taken)
    if not moved or "/" in usual:  # behind a repository's name a version would read as a revision
        return space_name(ref, load, {usual: taken[usual]})
    family = version_of(moved).family
    newest = max(version_of(model).number for model in taken if version_of(model).family == family)
    return with_version(family, newest + 1)
