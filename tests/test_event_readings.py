"""Readings of events where several parts meet: prompts, answers, two times, a run, frames, and no model in memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import AutoModelForCausalLM

import llm4es
from llm4es import Project
from llm4es.core.errors import ModelError, OptionError
from llm4es_store import Store
from llm4es_store.copy import copy

from . import shop, tiny
from .encoders import save as save_encoder
from .event_reading import EVENTS, lines, plain_vectors, stored

pytestmark = pytest.mark.usefixtures("few_folds")

QUESTION = "In one word, {product} is"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    return str(tiny.save(tmp_path / "model"))


@pytest.fixture
def project(tmp_path: Path, model: str) -> Project:
    made = Project(shop.write(tmp_path / "shop"), tmp_path / "store", observer="silent")
    made.serialize()
    return made


@pytest.fixture
def question(tmp_path: Path) -> str:
    path = tmp_path / "shopping.toml"
    path.write_text(f"[events]\nword = '{QUESTION}'\nuse = '{{event}}: used for'\n")
    return str(path)


def asked(model: str, text: str, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the last k states of a text's last token, and log probabilities of the next one."""
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    ids = tiny.byte_tokenizer()(text, add_special_tokens=False).input_ids
    with torch.no_grad():
        out = network(torch.tensor([ids]), output_hidden_states=True)
    return torch.stack(out.hidden_states[1:][-k:]).mean(0)[0, -1].numpy(), out.logits[0, -1].log_softmax(-1).numpy()


def test_each_distinct_event_is_asked_about_once_and_several_prompts_stand_side_by_side(
    project: Project, model: str, question: str
) -> None:
    outcome = project.embed(model, k=2, by="product", prompt=question, **EVENTS)
    assert outcome.message.startswith("10 questions about 5 distinct events of 90 events (")
    (entity, read), *_ = lines(project).items()
    products = [line.split(" | ")[0] for line in read]
    expected = [
        np.mean([asked(model, template.format(product), 2)[0] for product in products], axis=0)
        for template in ("In one word, {} is", "{}: used for")
    ]
    assert np.allclose(stored(project, 2)[entity], np.concatenate(expected), atol=1e-5)
    assert project.store.sql("SELECT DISTINCT reading FROM embeddings").fetchall() == [
        ("events, shopping, by product",)
    ]
    assert project.store.sql("SELECT count(DISTINCT event_text) FROM event_vectors").fetchall() == [(10,)]


def test_answers_are_log_probabilities_of_their_first_tokens(tmp_path: Path, project: Project, model: str) -> None:
    path = tmp_path / "one.toml"
    path.write_text(f"[events]\nword = '{QUESTION}'\n")
    project.embed(model, prompt=str(path), answers="a,b", **EVENTS)
    (entity, read), *_ = lines(project).items()
    probabilities = [asked(model, f"In one word, {line.split(' | ')[0]} is", 1)[1] for line in read]
    tokens = [tiny.byte_tokenizer()(word, add_special_tokens=False).input_ids[0] for word in (" ", "a", "b")]
    found = stored(project, 0)[entity]
    assert found.shape == (2,)
    likely = np.mean(probabilities, axis=0)
    assert any(np.allclose(found, likely[pair], atol=1e-5) for pair in (tokens[1:], [tokens[0]] * 2))
    project.probe("loyal", features="model [64 tokens, events, one, a/b]", folds=3)
    with pytest.raises(OptionError, match="--k 3 with --answers"):
        project.embed(model, prompt=str(path), answers="a,b", k=3, **EVENTS)


def test_of_a_question_longer_than_a_window_the_end_is_read_and_that_is_told(
    tmp_path: Path, project: Project, model: str
) -> None:
    path = tmp_path / "long.toml"
    path.write_text(f"[events]\nword = '{{product}}{QUESTION[: -len('{product} is')]}this is'\n")
    outcome = project.embed(model, k=1, by="product", prompt=str(path), **{**EVENTS, "max_length": 23})
    assert outcome.message.startswith("5 questions about 5 distinct events")
    longer = [product for product in shop.PRODUCTS if len(f"{product}In one word, this is") > 23]
    assert outcome.message.endswith(f"; of {len(longer)} questions longer than --max-length the end alone was read")
    (entity, read), *_ = lines(project).items()
    whole = [line.split(" | ")[0] + "In one word, this is" for line in read]
    assert np.allclose(stored(project, 1)[entity], np.mean([asked(model, t[-23:], 1)[0] for t in whole], 0), atol=1e-5)


def test_what_cannot_be_asked_is_one_line(tmp_path: Path, project: Project, model: str) -> None:
    path = tmp_path / "strange.toml"
    path.write_text("[events]\nword = 'The price of {prodct} is'\n")
    with pytest.raises(OptionError, match=r"--prompt strange: \{prodct\} is no field of 'shop'.*product"):
        project.embed(model, prompt=str(path), **EVENTS)
    encoder = str(save_encoder(tmp_path / "encoder", "bert"))
    with pytest.raises(ModelError, match="is an encoder"):
        project.embed(encoder, prompt="one-word", **EVENTS)
    assert project.embed(encoder, k=1, **EVENTS).computed == 20
    with pytest.raises(OptionError, match="--history events with --engine openai"):
        project.embed("served", engine="openai", base_url="http://127.0.0.1:9/v1", history="events")


def test_another_weighting_loads_no_torch(tmp_path: Path, project: Project, model: str) -> None:
    project.embed(model, k=1, **EVENTS)
    code = (
        "import sys; from llm4es import Project\n"
        f"p = Project('shop', {str(tmp_path / 'store')!r}, observer='silent')\n"
        f"o = p.embed({model!r}, k=2, history='events', max_length=64, weights='tfidf', whiten=4)\n"
        "print(o.computed, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["20", "False"]


def test_both_times_of_a_probe_share_what_was_learnt(project: Project, model: str) -> None:
    words = {"k": 1, "by": "product", "weights": "tfidf", "whiten": 2, **EVENTS}
    for time in ("2026-01-03", "2026-01-05"):
        project.serialize(as_of=time)
        project.embed(model, **words)
    assert project.store.sql("SELECT count(*) FROM event_fits").fetchall() == [(1,)]
    assert project.store.sql("SELECT count(DISTINCT config_id) FROM embeddings").fetchall() == [(2,)]


def test_a_run_takes_it(project: Project, model: str) -> None:
    words: dict[str, Any] = {"history": "events", "by": "product", "weights": "tfidf", "max_length": 64, "k": 1}
    ran = project.run("loyal", model=model, finetune="none", variants=0, **words)
    assert [outcome.computed for outcome in ran.outcomes if outcome.stage == "embed"] == [20]
    assert "model@1 [64 tokens, events, by product, tfidf]" in str(ran)
    again = project.run("loyal", model=model, finetune="none", variants=0, **words)
    assert sum(outcome.computed for outcome in again.outcomes) == 0


def test_a_frame_is_encoded_by_its_events(model: str) -> None:
    events = pa.table({"customer": ["a", "b", "a"], "product": ["tea", "rice", "salt"]})
    found = llm4es.encode(events, entity="customer", model=model, k=2, observer="silent", **EVENTS)
    plain = plain_vectors(model, ["tea", "rice", "salt"], 2, "Product\n")
    assert found["entity_id"].to_pylist() == ["a", "b"]
    expected = [(plain["tea"] + plain["salt"]) / 2, plain["rice"]]
    assert np.allclose(np.array(found["vector"].to_pylist()), expected, atol=1e-5)
    grouped = llm4es.encode(events, entity="customer", model=model, groups=2, observer="silent", **EVENTS)
    assert {len(vector) for vector in grouped["vector"].to_pylist()} == {64}


def test_a_copied_store_goes_on_without_the_model(tmp_path: Path, project: Project, model: str) -> None:
    words: dict[str, Any] = {"by": "product", "weights": "sif", "remove_components": 1, **EVENTS}
    project.embed(model, k=1, **words)
    assert project.check().to_pylist() == []
    copy(project.store, str(tmp_path / "copied"))
    there = Project(tmp_path / "shop/shop.toml", Store(tmp_path / "copied"), observer="silent")
    assert there.embed(model, k=1, **words).computed == 0
    assert "none of 5 distinct events" in there.embed(model, k=3, **words).message


def test_texts_are_brought_to_who_does_what_though_the_item_is_not_shown(
    tmp_path: Path, project: Project, model: str
) -> None:
    project.embed(model, k=1, by="amount", align=2, **EVENTS)
    assert {len(vector) for vector in stored(project, 1).values()} == {2}
    plain = Path(tmp_path / "shop/shop.toml")
    plain.write_text(plain.read_text().replace('item = "product"\n', ""))
    with pytest.raises(OptionError, match="--align 2 needs an item in the recipe"):
        Project(plain, project.store, observer="silent").embed(model, k=1, align=2, **EVENTS)
