"""What an event weighs, as it is typed."""

import json
import re
from typing import Any

import pytest

from llm4es.core.errors import OptionError
from llm4es.features.event_reading import EventReading
from llm4es.options.weights import half_life, weight_factors


@pytest.mark.parametrize(
    ("typed", "factors"),
    [
        ("count", ("count",)),
        (" TFIDF ", ("tfidf",)),
        ("count*sif", ("sif",)),
        ("recency:90d*tfidf", ("tfidf", "recency:90d")),
        ("amount * recency:0.50d * sif", ("sif", "amount", "recency:0.5d")),
        ("recency:090.0d", ("recency:90d",)),
    ],
)
def test_equal_weights_have_one_spelling(typed: str, factors: tuple[str, ...]) -> None:
    assert weight_factors(typed) == factors
    assert weight_factors("*".join(factors)) == factors


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            "idf",
            "--weights 'idf' is unknown: give count, tfidf, sif, amount, recency:DAYSd (recency:90d), or a product",
        ),
        ("tfidf*ammount", "--weights 'ammount' of 'tfidf*ammount' is unknown: "),
        ("", "--weights '' is unknown: "),
        ("tfidf**sif", "--weights '' of 'tfidf**sif' is unknown: "),
        ("tfidf*tfidf", "--weights 'tfidf*tfidf' has tfidf twice: name each factor once"),
        ("recency:9d*recency:8d", "has recency twice"),
        ("recency", "--weights 'recency' has no half-life: give days above 0, such as recency:90d"),
        ("recency:90", "--weights 'recency:90' has no half-life"),
        ("recency:0d", "--weights 'recency:0d' has no half-life"),
        ("recency:-1d", "--weights 'recency:-1d' has no half-life"),
        ("tfidf:90d", "--weights 'tfidf:90d' is unknown: "),
    ],
)
def test_what_is_no_weight_is_refused(typed: str, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        weight_factors(typed)


def test_the_half_life_is_read_in_days() -> None:
    assert [half_life(weight_factors(text)) for text in ("tfidf", "tfidf*recency:1.5d")] == [None, 1.5]


def test_a_reading_is_named_and_written_down_by_what_differs() -> None:
    plain, full = EventReading(), EventReading(("recency:9d", "tfidf"), 256, 1, 64)
    assert (plain.words, plain.as_dict(), plain.learns) == ((), {}, False)
    assert full.words == ("tfidf*recency:9d", "whiten 256", "remove 1", "align 64")
    assert EventReading.of(json.loads(json.dumps(full.as_dict()))) == full
    assert (full.learns, full.half_life, full.needs_amount) == (True, 9.0, False)
    assert not EventReading(("amount", "recency:9d")).learns
    assert EventReading(("sif",)).learns


@pytest.mark.parametrize("name", ["whiten", "remove_components", "align"])
def test_a_reading_has_dimensions(name: str) -> None:
    given: dict[str, Any] = {name: 0}
    with pytest.raises(OptionError, match=f"--{name.replace('_', '-')} 0 is below 1: give 1 or more"):
        EventReading(**given)
    assert EventReading(**{**given, name: 1}).learns
