"""How ``diff`` takes the names of vectors: whole, or without their settings where that is one."""

import pytest

from llm4es.core.errors import OptionError
from llm4es.project.diff import _known

SPACES = {
    "m@1 [events]": {"shown": "m", "aliases": []},
    "m@8 [events]": {"shown": "m", "aliases": []},
    "m@8 [64 tokens]": {"shown": "m", "aliases": []},
    "t@v2@8 [events]": {"shown": "t@v2", "aliases": ["t"]},
}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("m@1", "m@1 [events]"),
        ("m@8 [events]", "m@8 [events]"),
        ("t@8", "t@v2@8 [events]"),
        ("t@v2@8", "t@v2@8 [events]"),
    ],
)
def test_a_name_without_its_settings_is_enough_where_it_is_one(typed: str, name: str) -> None:
    assert _known(typed, SPACES) == name


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("m@8", r"'m@8' may be m@8 \[64 tokens\] or m@8 \[events\]: give one of them as it stands here"),
        ("m@2", r"no features 'm@2': there are m@1 \[events\], "),
        ("t@v2@8 [event]", r"no features .*: did you mean t@v2@8 \[events\]"),
    ],
)
def test_what_it_may_have_meant_is_said(typed: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        _known(typed, SPACES)
