"""Parameters of a request that a server may not take: which one a refusal is about, and what is sent without it.

In: parameters, refusals. Out: the parameters that are left. What was left out is known, so that it can be told. The
bound of an answer's length is never left out, only named otherwise.
"""

import re
from collections.abc import Mapping
from typing import Any

from .said import Said

RENAMED = {"max_tokens": "max_completion_tokens"}
"""Parameters that newer models take under another name; some servers know the old one alone."""

_NOT_TAKEN = re.compile(
    r"(un|not |n't |only )support|does not support|un(known|recogni[sz]ed|expected|permitted)|"
    r"not (allowed|permitted|supported|available)|extra (inputs|fields)|deprecated|invalid|instead",
    re.IGNORECASE,
)


class Parameters:
    """What every request of one model is sent with. May be used from several threads."""

    def __init__(self, values: Mapping[str, Any], optional: tuple[str, ...]) -> None:
        self._values, self._optional = dict(values), optional
        self.left_out: tuple[str, ...] = ()
        """Names of those that the server does not take, in order of their refusal."""
        self._renamed: tuple[str, ...] = ()

    def of(self, **more: Any) -> dict[str, Any]:
        """The parameters that are left, and those of one request."""
        values = self._values | more
        return {
            (RENAMED[name] if name in self._renamed else name): value
            for name, value in values.items()
            if name not in self.left_out
        }

    def yields(self, refusal: Said, sent: Mapping[str, Any]) -> bool:
        """Whether a refusal is about a parameter that can be left out or renamed; it is from now on.

        Examples
        --------
        >>> parameters = Parameters({"max_tokens": 9, "seed": 1}, optional=("seed",))
        >>> parameters.yields(Said("Unsupported parameter: 'max_tokens'", "", ""), parameters.of())
        True
        >>> parameters.of()
        {'max_completion_tokens': 9, 'seed': 1}
        """
        if not _NOT_TAKEN.search(f"{refusal.code} {refusal.words}"):
            return False
        for name in (*RENAMED, *self._optional):
            meant = refusal.parameter == name or re.search(rf"(?<![\w.]){name}\b", refusal.words)
            if not meant or name not in sent:
                continue
            if name in RENAMED and name not in self._renamed:
                self._renamed += (name,)
            elif name not in RENAMED and name not in self.left_out:
                self.left_out += (name,)
            return True  # also where another thread was faster
        return False
