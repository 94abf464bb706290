"""Words that may stand for a value, by hand."""

import pytest

from llm4es.enrich.paraphrase import may_stand_for


@pytest.mark.parametrize(
    ("words", "value", "may"),
    [
        ("a place for tea", "tea room", True),
        ("Comedy film", "Comedy", True),
        ("never again, ever", "never again", True),
        ("a drama", "Comedy", False),
        ("didn't buy tea", "tea room", False),
        ("cancelled tea", "tea room", False),
        ("half a tea", "tea room", False),
        ("twenty euro tea", "tea room", False),
        ("imagined tea", "tea room", False),
        ("tea?", "tea room", False),
        ("", "tea room", False),
    ],
)
def test_what_may_stand_for_a_value(words: str, value: str, may: bool) -> None:
    assert may_stand_for(words, value, {"comedy", "drama", "tea", "room", "never", "again"}) is may
