"""The two times of a probe that learns at one and is scored at the other.

In: what a user typed. Out: checked times, and how they are typed. Imports nothing heavy.
"""

from datetime import datetime

from ..core.errors import OptionError
from ..core.times import shown, typed


def check_times(train_as_of: datetime | None, test_as_of: datetime | None) -> None:
    """Raise OptionError for one of the two times alone, and for a training that is not the earlier one."""
    for given, flag, other, lacking in (
        (train_as_of, "--train-as-of", test_as_of, "--test-as-of"),
        (test_as_of, "--test-as-of", train_as_of, "--train-as-of"),
    ):
        if given is not None and other is None:
            raise OptionError(f"{flag} {shown(given)} needs {lacking} too: give both times or neither")
    if train_as_of is not None and test_as_of is not None and train_as_of >= test_as_of:
        raise OptionError(
            f"--train-as-of {shown(train_as_of)} is not before --test-as-of {shown(test_as_of)}: train on the earlier"
        )


def typed_times(train_as_of: datetime | None, test_as_of: datetime | None) -> str:
    """The two as they are typed, a space in front; '' where there are none."""
    if train_as_of is None or test_as_of is None:
        return ""
    return f" --train-as-of {typed(train_as_of)} --test-as-of {typed(test_as_of)}"
