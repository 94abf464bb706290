"""Options of the protocol ``new-items``: whose events teach, and whose are scored.

In: what a user typed. Out: checked values, and how rows and commands name them. Imports nothing heavy.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.errors import OptionError
from ..core.shell_words import shell_word
from ..core.tasks import HALF, NEW_ITEMS, at_times, of_items
from ..core.times import shown, typed

SHARE = HALF
"""Of the items, those that are learnt from."""


@dataclass(frozen=True)
class ItemHalves:
    """How items fall into those that are learnt from and those that are scored."""

    item: str
    """Field of the item."""

    share: float = SHARE
    """Of the items, those that are learnt from, by a hash of the item and the seed; not read where ``since`` is."""

    since: datetime | None = None
    """Items whose first event is before it are learnt from, the others are scored."""

    seed: int = 0
    """Of the first repeat; each has its own halves."""


def check_new_items(options: Any) -> None:
    """Raise OptionError for halves of items under another protocol, and for two ways to halve at once.

    Parameters
    ----------
    options : Options
        With the fields ``protocol``, ``item``, ``share``, ``since``, ``train_as_of`` and ``test_as_of``.
    """
    given = {
        "--item": options.item,
        "--share": None if options.share == SHARE else f"{options.share:g}",
        "--since": None if options.since is None else shown(options.since),
    }
    if options.protocol.partition("@")[0] != NEW_ITEMS:
        for flag, value in given.items():
            if value is not None:
                raise OptionError(f"{flag} {value} is of --protocol {NEW_ITEMS}: give that protocol, or leave it out")
        return
    if given["--share"] and given["--since"]:
        raise OptionError(f"--share {given['--share']} and --since {given['--since']} both halve the items: give one")
    if options.train_as_of is not None:
        raise OptionError(
            f"--protocol {NEW_ITEMS} and --train-as-of {shown(options.train_as_of)}: a probe is apart in items or in "
            "time; give one (--since halves the items by time)"
        )


def named_protocol(options: Any) -> str:
    """The protocol as rows bear it: with the two times, where there are two, and what halves the items.

    Parameters
    ----------
    options : Options
        As of ``check_new_items``; a size of training sets may stand behind the protocol's name.

    Returns
    -------
    str
        As ``core.tasks.plain_protocol`` reads it.
    """
    plain, at, size = options.protocol.partition("@")
    share = None if options.share == SHARE else options.share
    named = of_items(plain, options.item, share, options.since)
    name: str = at_times(named, options.train_as_of, options.test_as_of) + at + size
    return name


def typed_items(options: Any) -> str:
    """The halves as they are typed, a space in front; '' where they are the usual ones."""
    words = ""
    if options.item is not None:
        words += f" --item {shell_word(options.item)}"
    if options.share != SHARE:
        words += f" --share {options.share:g}"
    return words if options.since is None else f"{words} --since {typed(options.since)}"
