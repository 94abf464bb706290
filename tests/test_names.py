"""Names of feature sets, read and written."""

import pytest

from llm4es.core.errors import ProbeError
from llm4es.core.lists import split_outside
from llm4es.features.names import FeatureName, embedding_name, parse_features


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("embedding:smollm2-135m@8", [FeatureName(None, "smollm2-135m", 8)]),
        ("smollm2-135m@all", [FeatureName(None, "smollm2-135m", 0)]),
        ("coles", [FeatureName(None, "coles", None)]),
        ("aggregates", [FeatureName("aggregates", None, None)]),
        ("embedding:m@8+aggregates", [FeatureName(None, "m", 8), FeatureName("aggregates", None, None)]),
        (
            "embedding:m+8bit@1+tfidf+embedding:n@2",
            [FeatureName(None, "m+8bit", 1), FeatureName("tfidf", None, None), FeatureName(None, "n", 2)],
        ),
        ("m+tfidf-like@1", [FeatureName(None, "m+tfidf-like", 1)]),
        ("coles+other", [FeatureName(None, "coles", None), FeatureName(None, "other", None)]),
        (
            "tfidf+m@8 [a, b+c]+n+4bit@all+o@layer2 #1a2b",
            [
                FeatureName("tfidf", None, None),
                FeatureName(None, "m", 8, None, " [a, b+c]"),
                FeatureName(None, "n+4bit", 0),
                FeatureName(None, "o", None, 2, " #1a2b"),
            ],
        ),
        ("org/model@1", [FeatureName(None, "org/model", 1)]),
        ("m@layer12", [FeatureName(None, "m", None, 12)]),
        (
            "m+8bit@8 [256 tokens, full] #1a2b3c+aggregates",
            [
                FeatureName(None, "m+8bit", 8, None, " [256 tokens, full] #1a2b3c"),
                FeatureName("aggregates", None, None),
            ],
        ),
    ],
)
def test_parts(text: str, parts: list[FeatureName]) -> None:
    assert list(parse_features(text)) == parts


def test_names_are_read_back() -> None:
    for text in ("smollm2-135m@8", "smollm2-135m@all", "tfidf", "coles", "m@layer3", "m@8 [full]", "m@8 #1a2b3c"):
        (part,) = parse_features(text)
        assert part.name == text
    assert embedding_name("m", None) == "m"


@pytest.mark.parametrize("text", ["", "m@", "m@0", "m@x", "m@layer0", "m@8 [full", "@8", "embedding:", "a@1@2"])
def test_unreadable(text: str) -> None:
    with pytest.raises(ProbeError, match=r"--features '.*' cannot be read: give embedding:MODEL@K .* tfidf, words"):
        parse_features(text)


def test_commas_inside_brackets_part_no_names() -> None:
    assert split_outside("tfidf, m@8 [256 tokens, full],m@1") == ("tfidf", "m@8 [256 tokens, full]", "m@1")
    assert split_outside("a@1 [x]+tfidf,b") == ("a@1 [x]+tfidf", "b")
    assert split_outside("") == ()
