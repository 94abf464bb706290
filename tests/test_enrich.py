"""Variants by rules: which ones an entity gets, what they carry, and what is refused."""

import hashlib
from collections import Counter
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import DataError, OptionError
from llm4es.core.schemas import TEXTS
from llm4es.enrich import enrich
from llm4es.enrich.variants import planned_variants
from llm4es.options import EnrichBy, EnrichOptions
from llm4es.serialize.formats import TextFormat

TEXT = "What | Amount\ntea | 1\ncake \\| x | 2"


def raw(entities: list[str]) -> pa.RecordBatch:
    row: dict[str, Any] = {
        "dataset": "shop",
        "variant": "raw",
        "text": TEXT,
        "text_hash": "h",
        "event_offsets": [14, 22, 36],
        "n_events": 2,
        "n_events_dropped": 3,
        "source_hash": "s",
    }
    return pa.RecordBatch.from_pylist([row | {"entity_id": entity} for entity in entities], schema=TEXTS)


def rows(options: EnrichOptions, entities: list[str]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = pa.Table.from_batches(enrich([raw(entities)], options), schema=TEXTS).to_pylist()
    return made


def test_variants_are_those_planned_in_order() -> None:
    entities, options = [str(number) for number in range(50)], EnrichOptions(variants=3, seed=5)
    made = [(row["entity_id"], row["variant"]) for row in rows(options, entities)]
    planned = planned_variants(pa.array(entities), options)
    assert made == list(zip(planned["entity_id"].to_pylist(), planned["variant"].to_pylist(), strict=True))
    assert len(set(made)) == 150


def test_choice_depends_on_seed_and_entity_alone() -> None:
    options = EnrichOptions(variants=2, seed=1)
    alone = planned_variants(pa.array(["42"]), options).to_pylist()
    among = planned_variants(pa.array(["7", "42", "8"]), options).to_pylist()
    assert [row for row in among if row["entity_id"] == "42"] == alone
    more = planned_variants(pa.array(["42"]), EnrichOptions(variants=4, seed=1)).to_pylist()
    assert more[:2] == alone
    ids = pa.array([str(number) for number in range(200)])
    assert not planned_variants(ids, options).equals(planned_variants(ids, EnrichOptions(variants=2, seed=2)))


def test_every_format_is_as_likely() -> None:
    ids = pa.array([str(number) for number in range(8000)])
    counts = Counter(planned_variants(ids, EnrichOptions(variants=1))["variant"].to_pylist())
    assert set(counts) == {format.value for format in TextFormat}
    assert all(abs(count - 1000) < 150 for count in counts.values())  # five standard deviations of a binomial


def test_a_row_says_what_it_is_of() -> None:
    (row,) = rows(EnrichOptions(variants=1, formats=("bullet_list",)), ["1"])
    assert row["text"] == "Events, oldest first:\n- What: tea; Amount: 1\n- What: cake \\| x; Amount: 2\n"
    assert row["text_hash"] == hashlib.sha256(row["text"].encode()).hexdigest()
    assert (row["variant"], row["source_hash"], row["n_events"], row["n_events_dropped"]) == ("bullet_list", "h", 2, 3)
    assert [row["text"][a:b] for a, b in pairwise(row["event_offsets"])] == [
        "- What: tea; Amount: 1\n",
        "- What: cake \\| x; Amount: 2\n",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"formats": ("jsn",)}, "--formats 'jsn' is no format: did you mean 'json'?"),
        ({"formats": ("zzz",)}, "--formats 'zzz' is no format: there are markdown_table"),
        ({"variants": 9}, "--variants 9 is more than the 8 formats to choose from: give 8 or fewer"),
        (
            {"variants": 2, "formats": "json"},
            "--variants 2 is more than the one format to choose from: give 1",
        ),
    ],
)
def test_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("?", r"\?")):
        enrich([raw(["1"])], EnrichOptions(**settings))  # before the first text is asked for


@pytest.mark.parametrize(
    ("words", "variants"),
    [
        ({}, 2),
        ({"formats": ["json"]}, 1),
        ({"formats": "json,json", "variants": None}, 1),
        ({"formats": ["json", "yaml", "table"]}, 2),
        ({"formats": ["json"], "variants": 2}, 2),
        ({"by": "llm", "formats": ["bullets"]}, 2),  # a prompt may be drawn again
    ],
)
def test_fewer_formats_than_variants_by_default(words: dict[str, Any], variants: int) -> None:
    assert EnrichOptions.of(**words).variants == variants


def test_one_format_alone_is_one_text_an_entity() -> None:
    assert [row["variant"] for row in rows(EnrichOptions.of(formats=["json"]), ["1", "2"])] == ["json", "json"]


BULLETS = EnrichOptions(variants=1, formats=("bullet_list",))


def test_texts_may_be_a_table_and_lack_what_is_not_read() -> None:
    few = pa.table(raw(["1", "2"])).select(["dataset", "entity_id", "variant", "text", "text_hash", "n_events",
                                            "n_events_dropped"])  # fmt: skip
    assert rows_of(few) == rows(BULLETS, ["1", "2"])


def rows_of(texts: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pa.Table.from_batches(enrich(texts, BULLETS), schema=TEXTS).to_pylist()
    return found


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([raw(["1", "2", "1"])], "texts have two rows for entity '1': give one raw text an entity"),
        ([raw(["1", "2"]), raw(["2"])], "texts have two rows for entity '2'"),
        (pa.table(raw(["1"])).drop_columns("text"), "texts have no column 'text': give dataset, entity_id, variant, "),
        (pa.table(raw(["1"])).set_column(3, "text", pa.array([7])), "the column 'text' as int64: make it text"),
        (
            pa.table(raw(["1", "2"])).set_column(3, "text", pa.array(["a", None])),
            "texts have nothing in column 'text' of row 2: fill it, or leave the row out",
        ),
        (
            pa.table(raw(["1"])).set_column(2, "variant", pa.array(["json"])),
            "texts are of the variant 'json': give raw ones",
        ),
        ([{"text": "a"}], "texts hold dict, not rows: give a pyarrow table or record batches"),
        (7, "texts are int, not rows"),
    ],
)
def test_texts_that_are_none(texts: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of(texts)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"entity_id": ["1"]}, "wanted variants have no column 'variant': give entity_id, variant"),
        (
            {"entity_id": ["1"], "variant": ["jsn"]},
            "wanted names the variant 'jsn', which is not made: there are ",
        ),
        ({"entity_id": ["1"], "variant": ["json"]}, "wanted names the variant 'json', which is not made"),
        ({"entity_id": [1], "variant": ["json"]}, "the column 'entity_id' as int64: make it text"),
    ],
)
def test_wanted_that_cannot_be(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        enrich([raw(["1"])], BULLETS, wanted=pa.table(wanted))


def test_by_llm_somebody_has_to_answer() -> None:
    with pytest.raises(OptionError, match="--by llm was given no engine to answer: open one with `open_engine`"):
        enrich([raw(["1"])], EnrichOptions(by=EnrichBy.LLM))
