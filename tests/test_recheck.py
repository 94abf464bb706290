"""Stored rewritings compared anew: those with paraphrases pass where words may stand for values, and nowhere else."""

import pytest

from llm4es.enrich.form import form_of
from llm4es.enrich.recheck import still_good
from llm4es.serialize.formats import TextFormat, parse

RAW = "Title | Genres | Year\nFargo | Crime, Drama | 1996\nUp |  | 2009\nHeat | War | 1995"
FORMATS = {"table": TextFormat.MARKDOWN_TABLE, "bullets": TextFormat.BULLET_LIST, "json": TextFormat.JSON}


def told(prompt: str, words: str) -> list[str]:
    """Whole rewritings with the same words wherever there may be some."""
    form = form_of(parse(RAW), FORMATS[prompt], ["Genres"])
    completed = [form.complete(words.join(way.asked)) for way in form.ways]
    return [each.text for each in completed if each]


@pytest.mark.parametrize("prompt", FORMATS)
def test_a_paraphrase_passes_where_it_may_be_one(prompt: str) -> None:
    texts = told(prompt, "a dark tale")
    assert texts
    assert all("a dark tale" in text for text in texts)
    for text in texts:
        assert still_good(RAW, text, f"llm_{prompt}", None, 1.0, ["Genres"])
        assert not still_good(RAW, text, f"llm_{prompt}", None, 0.1)
        assert not still_good(RAW, text, f"llm_{prompt}", None, 0.1, ["Title"])


@pytest.mark.parametrize("words", ["a war film", "no tale", "5 stars", "", "x" * 60])
@pytest.mark.parametrize("prompt", FORMATS)
def test_other_words_do_not(prompt: str, words: str) -> None:
    for text in told(prompt, "a dark tale"):
        altered = text.replace("a dark tale", words, 1)
        assert not still_good(RAW, altered, f"llm_{prompt}", None, 0.9, ["Genres"])
