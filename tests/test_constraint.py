"""Answers held to a form: an untrained model, whose every token is a throw of dice, says the events."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from tokenizers.normalizers import NFC
from transformers import PreTrainedTokenizerFast

from llm4es.core.errors import ModelError
from llm4es.enrich import enrich
from llm4es.enrich.constraint import Constraint
from llm4es.enrich.engine import Request
from llm4es.enrich.engine_transformers import TransformersEngine
from llm4es.enrich.form import form_of
from llm4es.enrich.metered import Cost, Metered
from llm4es.enrich.paraphrase import may_stand_for
from llm4es.options import Constrain, EnrichBy, EnrichOptions
from llm4es.serialize.formats import ParsedHistory, TextFormat, parse

from .scripted import FILMS, raw
from .tiny import byte_tokenizer, counting, network, number_tokenizer

OPTIONS = EnrichOptions(by=EnrichBy.LLM, variants=1, max_new_tokens=400, batch_size=3)


@pytest.fixture(scope="module")
def dice() -> Any:
    made = counting(byte_tokenizer(bos=True))
    return replace(made, network=network("llama"), ref=replace(made.ref, context=4096))


def rewritten(model: Any, *paraphrase: str, **settings: Any) -> list[dict[str, Any]]:
    options = replace(OPTIONS, **settings)
    texts = [raw(FILMS, entity=str(number)) for number in range(5)]
    made = enrich(texts, options, TransformersEngine(model, options), paraphrase=paraphrase)
    return [row for batch in made for row in batch.to_pylist()]


@pytest.mark.parametrize("prompt", ["table", "bullets", "json"])
def test_dice_say_the_events(dice: Any, prompt: str) -> None:
    made = rewritten(dice, formats=(prompt,))
    assert [(row["fidelity"], row["note"], row["n_events"]) for row in made] == [(1.0, None, 3)] * 5
    assert len({row["text"] for row in made}) > 1  # the order of the fields is theirs
    free = rewritten(dice, formats=(prompt,), constrain=Constrain.OFF, retries=0, max_new_tokens=40)
    assert all("replaced" in row["note"] for row in free)


def test_json_is_json(dice: Any) -> None:
    for row in rewritten(dice, formats=("json",)):
        events = [dict(zip(("Title", "Rating", "Year"), film.split(" | "), strict=True)) for film in FILMS]
        assert json.loads(row["text"]) == events


@pytest.mark.parametrize("temperature", [0.0, 0.6])
def test_dice_choose_the_words_of_one_field(dice: Any, temperature: float) -> None:
    for row in rewritten(dice, "Rating", formats=("json",), temperature=temperature):
        assert (row["fidelity"], row["note"]) == (1.0, None)
        events = json.loads(row["text"])
        assert [(event["Title"], event["Year"]) for event in events] == [
            (film.split(" | ")[0], film.split(" | ")[2]) for film in FILMS
        ]
        for event, own in zip(events, ("good", "bad", "good"), strict=True):  # letters thrown are mostly put back
            assert event["Rating"] == own or may_stand_for(event["Rating"], own, {"good", "bad"})


def test_the_rows_beside_it_change_no_answer(dice: Any) -> None:
    together = rewritten(dice, formats=("bullets",))
    assert together == rewritten(dice, formats=("bullets",), batch_size=1)


def test_narratives_stay_free(dice: Any) -> None:
    (free, held) = [
        rewritten(dice, formats=("narrative",), constrain=constrain, retries=0, max_new_tokens=40)
        for constrain in Constrain
    ]
    assert free == held


def test_a_tokenizer_that_cannot_be_followed_is_said() -> None:
    model = replace(counting(number_tokenizer(eos=True)), network=network("llama"))
    tokenizer: PreTrainedTokenizerFast = model.tokenizer
    tokenizer.eos_token = "2"
    form = form_of(parse("A\n1"), TextFormat.JSON)
    with pytest.raises(ModelError, match=r"answers of counting cannot be held to a form \(.*\): give --constrain off"):
        TransformersEngine(model, OPTIONS).answers([Request("1", "3", 1, form)])


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("value", ["ab<eos>cd", "<bos>", "e\u0301te\u0301", "\u0958 \u212b"])
def test_values_that_a_tokenizer_reads_otherwise_are_said_to_the_letter(value: str, normalised: bool) -> None:
    tokenizer = byte_tokenizer()
    if normalised:
        tokenizer.backend_tokenizer.normalizer = NFC()
    constraint = Constraint(tokenizer, len(tokenizer), [tokenizer.eos_token_id], "m")
    form = form_of(ParsedHistory(("What", value), ((value, "1"),)), TextFormat.JSON, seed=3)
    for seed in range(4):
        draw = torch.Generator().manual_seed(seed)
        ids = torch.zeros((1, 2), dtype=torch.long)
        held = constraint.processor([form.pattern], 2)
        while (new := int(held(ids, torch.rand((1, len(tokenizer)), generator=draw)).argmax())) != constraint.end:
            ids = torch.cat([ids, torch.tensor([[new]])], dim=1)
        completed = form.complete(constraint.text(ids[0, 2:].tolist()))
        assert completed
        assert json.loads(completed.text) == [{"What": value, value: "1"}]


def test_costs_are_counted(dice: Any) -> None:
    cost, options = Cost(), replace(OPTIONS, formats=("table",))
    list(enrich([raw(FILMS)], options, Metered(TransformersEngine(dice, options), cost)))
    assert cost.questions == 1
    # a token a byte, no more than tell the order; the rest is known, and not asked for
    assert len("| Year | Title |") <= cost.written <= len("| Title | Rating |")
    assert cost.read > 400
    assert f"1 questions, {cost.read:,} tokens read and {cost.written} written in " in str(cost)
    assert str(Cost()) == ""
