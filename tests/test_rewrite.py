"""Rewriting with an engine that does as it is told: chunks, retries, fallbacks, seeds, notes, hidden instructions."""

import json
import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from llm4es.core.errors import OptionError
from llm4es.enrich import enrich
from llm4es.enrich.engine import Answer
from llm4es.enrich.fidelity import VERSION
from llm4es.enrich.prompts import load_prompt
from llm4es.enrich.tally import Tally
from llm4es.enrich.variants import fingerprint, planned_variants
from llm4es.models.ref import space_fingerprint
from llm4es.options import EngineName, EnrichOptions, LoadOptions

from .scripted import FILMS, Scripted, events_of, faithful, one, options, raw
from .tiny import counting


def test_a_good_answer_is_taken() -> None:
    row = one(Scripted(faithful))
    assert row["text"] == "- Toy Story | good | 1995\n- Seven | bad | 1996\n- Kolya | good | 1997"
    assert (row["variant"], row["fidelity"], row["note"], row["n_events"]) == ("llm_bullets", 1.0, None, 3)
    assert (row["source_hash"], row["event_offsets"]) == ("h", None)


def test_a_bad_answer_is_asked_for_again_with_another_seed() -> None:
    engine = Scripted(lambda lines: faithful(lines[:2]), faithful)
    row = one(engine)
    assert row["fidelity"] == 1.0
    assert row["note"] == "asked again: 1 of 3 events kept"
    assert len({request.seed for request in engine.requests}) == 2


def test_then_a_rule_text_takes_its_place() -> None:
    row = one(Scripted(lambda lines: faithful(lines[:3])), retries=2)
    assert row["text"].startswith("Events, oldest first:\n- Title: Toy Story; Rating: good; Year: 1995\n")
    assert row["note"] == "1 of 1 chunks replaced by bullet_list: 2 of 3 events kept"
    assert row["fidelity"] == pytest.approx(2 / 3)  # what the model kept, not what the text carries
    assert row["n_events"] == 3


def test_events_that_are_lost_in_an_accepted_answer_are_counted() -> None:
    (batch,) = enrich([raw(FILMS, dropped=4)], options(min_fidelity=0.5), Scripted(lambda lines: faithful(lines[:3])))
    assert (batch["n_events"].to_pylist(), batch["n_events_dropped"].to_pylist()) == ([2], [5])


def test_a_long_history_is_rewritten_in_chunks() -> None:
    engine = Scripted(faithful)
    films = [f"Film{number} | good | 19{number}" for number in range(10, 60)]
    row = one(engine, films, max_new_tokens=80)  # 80 / 1.6 = 50 tokens; an event counts 5 + 1 + 5 // 2 = 8: six a chunk
    assert [len(events_of(request)) - 1 for request in engine.requests] == [6] * 8 + [2]
    assert [line for request in engine.requests for line in events_of(request)[1:]] == films
    assert re.findall(r"Film\d+", row["text"]) == [film.split(" ")[0] for film in films]
    assert row["n_events"] == 50
    assert engine.rounds == 1  # all chunks are asked for at once


def test_only_the_chunk_that_failed_is_replaced() -> None:
    films = [f"Film{number} | good | 19{number}" for number in range(10, 22)]
    row = one(Scripted(lambda lines: "" if "Film10" in lines[1] else faithful(lines)), films, max_new_tokens=80)
    assert row["note"] == "1 of 2 chunks replaced by bullet_list: 0 of 6 events kept"
    assert row["fidelity"] == 0.5
    assert "- Title: Film10; Rating: good" in row["text"]
    assert "- Film16 | good" in row["text"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("- Toy Story", finished=False), "cut off by --max-new-tokens"),
        (Answer("", finished=True, refusal="the server refused the request (400)"), "the server refused the request"),
    ],
)
def test_no_answer(answer: Answer, reason: str) -> None:
    assert reason in one(Scripted(answer))["note"]


def test_code_fences_are_taken_off() -> None:
    assert one(Scripted(lambda lines: f"Sure!\n```json\n{faithful(lines)}\n```\n"))["text"].startswith("- Toy Story")


def test_indented_json_is_put_on_lines() -> None:
    def indented(lines: list[str]) -> str:
        names = lines[0].split(" | ")
        return json.dumps([dict(zip(names, line.split(" | "), strict=True)) for line in lines[1:]], indent=2)

    row = one(Scripted(indented), formats=("json",))
    assert row["text"].splitlines()[1] == '{"Title": "Toy Story", "Rating": "good", "Year": "1995"},'
    assert (row["fidelity"], row["note"]) == (1.0, None)


def test_seeds_are_of_the_entity_and_variant_alone() -> None:
    def seeds(batches: list[pa.RecordBatch], **settings: Any) -> list[int]:
        engine = Scripted(faithful)
        list(enrich(batches, options(**settings), engine))
        return [request.seed for request in engine.requests]

    both = seeds([raw(FILMS, "1"), raw(FILMS, "2")])
    assert both == seeds([raw(FILMS, "1")]) + seeds([raw(FILMS, "2")])
    assert len(set(both)) == 2
    assert seeds([raw(FILMS)], seed=1) != seeds([raw(FILMS)])


def test_more_variants_than_prompts_are_drawn_again() -> None:
    planned = planned_variants(pa.array(["7"]), options(variants=3))["variant"].to_pylist()
    assert planned == ["llm_bullets", "llm_bullets_2", "llm_bullets_3"]
    rows = pa.Table.from_batches(enrich([raw(FILMS)], options(variants=3), Scripted(faithful)))
    assert rows["variant"].to_pylist() == planned


def test_only_what_is_wanted_is_asked_for() -> None:
    engine = Scripted(faithful)
    wanted = pa.table({"entity_id": ["1"], "variant": ["llm_bullets_2"]})
    rows = pa.Table.from_batches(enrich([raw(FILMS, "1"), raw(FILMS, "2")], options(variants=2), engine, wanted))
    assert list(zip(rows["entity_id"].to_pylist(), rows["variant"].to_pylist(), strict=True)) == [
        ("1", "llm_bullets_2")
    ]
    assert len(engine.requests) == 1


def test_the_tally_of_a_run() -> None:
    tally = Tally()
    for fidelity, note in (
        (1.0, None),
        (0.9, "asked again: 1 of 10 events altered"),
        (0.2, "1 of 2 chunks replaced by json: 4 of 10 events altered; numbers invented: 7, 8"),
        (0.3, "2 of 2 chunks replaced by json: events told 3 times too often; cut off by --max-new-tokens"),
    ):
        tally.add(fidelity, note)
    assert str(tally) == (
        "4 rewritings, mean fidelity 0.600: 1 good when asked again, 2 replaced by a rule text wholly or in part; why: "
        "events altered (2), numbers invented (1), events told too often (1), cut off by --max-new-tokens (1)"
    )


def test_batches_go_out_as_they_are_done() -> None:
    engine = Scripted(faithful)
    texts = pa.concat_batches([raw(FILMS, str(number)) for number in range(5)])
    made = enrich([texts], options(batch_size=1), engine)
    assert next(made).num_rows == 1
    assert len(engine.requests) == 1


def test_the_key_covers_model_prompt_and_sampling() -> None:
    base = fingerprint(options())
    assert base["prompts"] == {"llm_bullets": load_prompt("bullets").digest}
    for change in ({"model": "x"}, {"temperature": 0.1}, {"top_p": 0.5}, {"seed": 3}, {"max_new_tokens": 9}):
        assert fingerprint(options(**change)) != base
    one = counting().ref
    assert fingerprint(options(), model=one)["identity"] == space_fingerprint(one, LoadOptions())
    assert fingerprint(options(), model=replace(one, fingerprint="g" * 64)) != fingerprint(options(), model=one) != base
    assert base["check"] == VERSION
    for same in ({"batch_size": 2}, {"concurrency": 3}, {"base_url": "http://x"}):
        assert fingerprint(options(**same)) == base
    rules = EnrichOptions()
    assert fingerprint(rules) == fingerprint(EnrichOptions(model="x"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"formats": ("bulets",)}, r"--formats 'bulets' is no prompt: did you mean 'bullets'\?"),
        ({"formats": ("zzz",)}, r"--formats 'zzz' is no prompt: there are bullets"),
        ({"max_new_tokens": 1}, r"leave no room for events besides the \d+ tokens of prompt 'bullets'"),
        ({"top_p": 1.5}, r"--top-p 1.5 is not between 0 and 1"),
        ({"min_fidelity": -1.0}, r"--min-fidelity -1 is not between 0 and 1"),
        ({"retries": -1}, r"--retries -1 is below 0"),
        ({"engine": EngineName.OPENAI, "base_url": "http://me:secret@host"}, r"--base-url holds a name or password"),
    ],
)
def test_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        list(enrich([raw(FILMS)], options(**settings), Scripted(faithful)))
    assert "secret" not in str(caught.value)
