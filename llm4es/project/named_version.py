"""Which version of a model a name means: the bare name is the newest.

In: a name as typed, names of a store. Out: one of these. Reads nothing.
"""

from collections.abc import Iterable

from ..core.errors import ModelError
from ..core.versions import kept_name, says_version, version_of


def meant(model: str, names: Iterable[str]) -> str:
    """The model of the store that a name as typed means: the bare name is the newest version.

    Parameters
    ----------
    model : str
        As a user types it.
    names : iterable of str
        What the store has.

    Returns
    -------
    str
        The name in tables; a name that is no model's of the store comes back as it is.

    Raises
    ------
    ModelError
        For a version that is not there, naming those that are.

    Examples
    --------
    >>> meant("mine", ["mine", "mine@v2"]), meant("mine@v1", ["mine", "mine@v2"]), meant("gpt2", ["mine"])
    ('mine@v2', 'mine', 'gpt2')
    >>> meant("mine@v9", ["mine", "mine@v2"])
    Traceback (most recent call last):
    llm4es.core.errors.ModelError: mine has no version v9: there are v1, v2
    """
    asked = version_of(model)
    versions = map(version_of, names)
    there = sorted(version.number for version in versions if version.family == asked.family)
    if not there:
        return model
    number = asked.number if says_version(model) else there[-1]
    if number not in there:
        raise ModelError(
            f"{asked.family} has no version v{number}: there {'are' if len(there) > 1 else 'is'} "
            + ", ".join(f"v{each}" for each in there)
        )
    return kept_name(asked.family, number)
