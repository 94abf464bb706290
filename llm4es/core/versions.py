"""Versions of a model by name: ``mine`` is the first, ``mine@v2`` the second; together they are the family ``mine``.

In: names. Out: names and numbers. Knows no store: whether there is such a version is for whoever keeps them to say.
What was done on loading stands behind the version: ``mine@v2+8bit`` is of the family ``mine+8bit``.
"""

import re
from typing import NamedTuple

_VERSIONED = re.compile(r"(?P<head>[^@]+)@v(?P<number>[1-9]\d*)(?P<tail>[+#].*)?")


class Version(NamedTuple):
    """Which version of which family a name is."""

    family: str
    """The name without its version."""

    number: int
    """1 where the name says none."""


def version_of(name: str) -> Version:
    """The family and the number that a name in a table stands for.

    Examples
    --------
    >>> version_of("mine"), version_of("mine@v2+8bit")
    (Version(family='mine', number=1), Version(family='mine+8bit', number=2))
    """
    found = _VERSIONED.fullmatch(name)
    return Version(name, 1) if found is None else Version(found["head"] + (found["tail"] or ""), int(found["number"]))


def says_version(name: str) -> bool:
    """Whether a name ends with a version: ``mine@v1`` does, ``mine`` does not.

    Examples
    --------
    >>> says_version("mine@v1"), says_version("mine"), says_version("Qwen/Qwen2@main")
    (True, False, False)
    """
    return _VERSIONED.fullmatch(name) is not None


def with_version(family: str, number: int) -> str:
    """The name that says its version, whichever it is.

    Examples
    --------
    >>> with_version("mine", 1), with_version("mine+8bit", 2)
    ('mine@v1', 'mine@v2+8bit')
    """
    place = min((at for at in (family.find("+"), family.find("#")) if at > 0), default=len(family))
    return f"{family[:place]}@v{number}{family[place:]}"


def kept_name(family: str, number: int) -> str:
    """The name that tables have: the first version bears none, as before there were versions.

    Examples
    --------
    >>> kept_name("mine", 1), kept_name("mine", 2)
    ('mine', 'mine@v2')
    """
    return family if number == 1 else with_version(family, number)
