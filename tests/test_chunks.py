"""Chunks: what a model has to write of each of them fits its answers."""

import pytest

from llm4es.enrich.chunks import RewriteTask, chunks_of, request_for
from llm4es.enrich.prompts import load_prompt
from llm4es.serialize.formats import ParsedHistory

from .scripted import Scripted, options


class Letters(Scripted):
    """Counts a token a letter."""

    def count(self, text: str) -> int:
        return len(text)


@pytest.mark.parametrize("prompt", ["table", "bullets", "json"])
def test_a_form_with_many_short_fields_fits_the_answers(prompt: str) -> None:
    names = ("Genre", *(f"Field name {number}" for number in range(15)))
    history = ParsedHistory(names, tuple(("Crime", *"abcdefghijklmno") for _ in range(20)))
    task, settings = RewriteTask("u", load_prompt(prompt), history, ("Genre",)), options(max_new_tokens=1500)
    chunks = chunks_of(0, task, Letters(room=9000), settings)
    assert sum(len(chunk.events) for chunk in chunks) == 20
    assert any(len(chunk.events) > 1 for chunk in chunks)
    for chunk in chunks:
        form = request_for(task, chunk, settings).form
        assert form
        assert all(len("Crime".join(way.asked)) <= settings.max_new_tokens for way in form.ways)
