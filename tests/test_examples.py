"""Pieces: from as many texts as they can, the newest windows first, and no text read in vain."""

from typing import Any

import pyarrow as pa

from llm4es.finetune.examples import BATCH, pieces

from . import tiny


class Counting:
    """A tokenizer that knows how many texts it has read."""

    def __init__(self) -> None:
        self.own, self.texts = tiny.number_tokenizer(), 0

    def __call__(self, texts: list[str], **settings: Any) -> Any:
        self.texts += len(texts)
        return self.own(texts, **settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)


def histories(n: int, n_events: int) -> pa.Table:
    """Texts of one header token and ``n_events`` events of three tokens: the text's number, the event's, and 7."""
    rows = [(f"u{i:04}", "9\n" + "\n".join(f"{i % 90} {j} 7" for j in range(n_events))) for i in range(n)]
    return pa.Table.from_batches([tiny.texts(*rows)])


def test_few_tokens_come_from_as_many_texts_as_they_can() -> None:
    found = pieces(histories(10, 12), tiny.number_tokenizer(), 7, wanted=12 * 7, seed=0)
    assert [len(piece.tokens) for piece in found] == [7] * 12  # the header and two events each
    assert sorted(piece.text for piece in found[:10]) == list(range(10))
    assert [(list(piece.tokens)[2], list(piece.tokens)[5]) for piece in found[:10]] == [(10, 11)] * 10  # the newest
    assert [(list(piece.tokens)[2], list(piece.tokens)[5]) for piece in found[10:]] == [(8, 9)] * 2
    assert [piece.text for piece in found[10:]] == [piece.text for piece in found[:2]]


def test_all_windows_of_all_texts_each_once() -> None:
    found = pieces(histories(3, 12), tiny.number_tokenizer(), 7, wanted=None, seed=0)
    events = sorted((piece.text, event) for piece in found for event in list(piece.tokens)[2::3])
    assert events == [(text, event) for text in range(3) for event in range(12)]


def test_a_text_shorter_than_others_ends_before_them() -> None:
    both = pa.concat_tables([histories(1, 2), histories(2, 12).slice(1)])
    found = pieces(both, tiny.number_tokenizer(), 7, wanted=10**6, seed=0)
    assert sorted(piece.text for piece in found) == [0] + [1] * 6


def test_no_more_texts_are_read_than_needed() -> None:
    tokenizer = Counting()
    pieces(histories(20 * BATCH, 4), tokenizer, 7, wanted=BATCH * 7 + 1, seed=0)
    assert tokenizer.texts == 2 * BATCH


def test_a_seed_chooses_the_texts() -> None:
    first, again, other = (
        [piece.text for piece in pieces(histories(500, 2), tiny.number_tokenizer(), 7, wanted=70, seed=seed)]
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(set(first)) == 10


def test_nothing_to_learn_from_one_token() -> None:
    table = pa.Table.from_batches([tiny.texts(("a", "5"), ("b", ""), ("c", "5 6"))])
    assert [piece.text for piece in pieces(table, tiny.number_tokenizer(), 7, wanted=None, seed=0)] == [2]
