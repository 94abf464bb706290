"""Names of feature sets, read and written."""

import pytest

from llm4es.errors import ProbeError
from llm4es.naming import Part, embedding_name, parse_features

BASELINES = ("tfidf", "aggregates")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("embedding:smollm2-135m@8", [Part(None, "smollm2-135m", 8)]),
        ("smollm2-135m@all", [Part(None, "smollm2-135m", 0)]),
        ("coles", [Part(None, "coles", None)]),
        ("aggregates", [Part("aggregates", None, None)]),
        ("embedding:m@8+aggregates", [Part(None, "m", 8), Part("aggregates", None, None)]),
        (
            "embedding:m+8bit@1+tfidf+embedding:n@2",
            [Part(None, "m+8bit", 1), Part("tfidf", None, None), Part(None, "n", 2)],
        ),
        ("m+tfidf-like@1", [Part(None, "m+tfidf-like", 1)]),
        ("org/model@1", [Part(None, "org/model", 1)]),
    ],
)
def test_parts(text: str, parts: list[Part]) -> None:
    assert list(parse_features(text, BASELINES)) == parts


def test_names_are_read_back() -> None:
    for text in ("smollm2-135m@8", "smollm2-135m@all", "tfidf", "coles"):
        (part,) = parse_features(text, BASELINES)
        assert part.name == text
    assert embedding_name("m", None) == "m"


@pytest.mark.parametrize("text", ["", "m@", "m@0", "m@x", "@8", "embedding:", "a@1@2"])
def test_unreadable(text: str) -> None:
    with pytest.raises(
        ProbeError, match=r"--features '.*' cannot be read: give embedding:MODEL@K .* tfidf, aggregates"
    ):
        parse_features(text, BASELINES)
