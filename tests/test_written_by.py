"""Who wrote a text: a model, as it names itself, a rule in its place, or both; and a server that changes its model."""

import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.enrich.engine import Answer, Request

from . import shop
from .heard import Heard
from .scripted import FILMS, Scripted, events_of, faithful, one
from .serving import chat, error, served
from .tiny import save


class Named(Scripted):
    """Says what it is, other things for other chunks; has nothing to say of Film10."""

    def answers(self, requests: Any) -> list[Answer]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Request) -> Answer:
        lines = events_of(request)
        text = "" if "Film10" in lines[1] else faithful(lines)
        return Answer(text, True, served_by=f"m of {lines[1][:6]}", without=("seed",))


FILMS_18 = [f"Film{number} | good | 19{number}" for number in range(10, 28)]


def test_a_model_and_a_rule_are_told_apart() -> None:
    row = one(Named(), FILMS_18, max_new_tokens=80)  # six a chunk
    assert row["written_by"] == "m of Film16 without seed; m of Film22 without seed"
    assert (row["n_events"], row["n_events_by_rule"]) == (18, 6)


def test_what_a_rule_wrote_alone_names_no_model() -> None:
    row = one(Scripted(lambda _: "nothing"))
    assert (row["written_by"], row["n_events_by_rule"], row["n_events"]) == (None, 3, 3)
    row = one(Scripted(faithful))
    assert (row["written_by"], row["n_events_by_rule"]) == ("scripted", 0)
    assert len(FILMS) == 3


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def project(tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Project:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    made = Project(shop.write(tmp_path / "shop", customers=12), tmp_path / "store", observer=heard)
    made.serialize()
    return made


def rewritten(asked: dict[str, Any], model: str) -> Any:
    """A faithful list, whatever was asked."""
    request = Request(asked["messages"][0]["content"], asked["messages"][1]["content"], 0)
    return chat(faithful(events_of(request)), model=model)


def enriched(project: Project, address: str, **more: Any) -> str:
    words: dict[str, Any] = {"by": "llm", "engine": "openai", "model": "m", "formats": "bullets", "variants": 1}
    outcome = project.enrich(**words | more, base_url=address, concurrency=1, constrain="off")
    return outcome.message


def test_a_server_that_changes_its_model_is_told(project: Project, heard: Heard) -> None:
    models = iter(["m-1"] * 4 + ["m-2"] * 8)
    with served(lambda asked: rewritten(asked, next(models))) as server:
        message = enriched(project, server.url)
    assert "; written by m-2 (8), m-1 (4)" in message
    assert any("2 models answered to one name, see `written_by` in texts (m-1, m-2)" in line for line in heard.said)
    assert any(line == f"enrich: events are sent to {server.url} (--base-url)" for line in heard.said)
    query = "SELECT written_by, count(*) FROM texts GROUP BY ALL ORDER BY ALL"
    assert project.store.sql(query).fetchall() == [("m-1", 4), ("m-2", 8), (None, 12)]


def test_a_comparison_tells_what_rules_wrote_in_a_model_s_place(project: Project, heard: Heard, tmp_path: Path) -> None:
    """Half of the histories come back as nothing."""
    number = iter(range(100))
    with served(lambda asked: chat("nothing") if next(number) % 2 else rewritten(asked, "m")) as server:
        words: dict[str, Any] = {"by": "llm", "engine": "openai", "model": "m", "formats": "bullets", "retries": 0}
        project.enrich(**words, variants=1, base_url=server.url, concurrency=1, constrain="off")
    query = "SELECT sum(n_events_by_rule), sum(n_events) FROM texts WHERE fidelity IS NOT NULL"
    ((by_rule, events),) = project.store.sql(query).fetchall()
    assert 0 < by_rule < events
    model = str(save(tmp_path / "tiny"))
    project.embed(model=model, k=1, max_length=64, texts="raw")
    project.embed(model=model, k=1, max_length=64, texts="llm_bullets")
    project.probe(task="loyal", folds=2, repeats=1)
    heard.since()
    project.compare("loyal")
    said = [line for line in heard.said if "a rule wrote" in line]
    assert len(said) == 1
    assert f"tiny@1 [64 tokens, llm_bullets]: a rule wrote {by_rule} of the {events} events of its rewrit" in said[0]

    # as 0.1 left it
    old = project.store.sql("SELECT * FROM texts WHERE fidelity IS NOT NULL").to_arrow_table()
    scope = {"dataset": "shop", "config_id": old["config_id"][0].as_py()}
    at, replaced = old.column_names.index("n_events_by_rule"), len(old) - old["note"].null_count
    old = old.set_column(at, old.schema.field(at), [pa.nulls(len(old), pa.int32())])
    ((config,),) = project.store.sql("SELECT config FROM runs WHERE stage = 'enrich'").fetchall()
    with project.store.run("enrich", "shop", json.loads(config), "0.1.0") as run:
        run.replace("texts", scope, old.drop_columns(["run_id", "config_id"]))
    heard.since()
    project.compare("loyal")
    said = [line for line in heard.said if "a rule wrote" in line]
    assert len(said) == 1
    assert f"tiny@1 [64 tokens, llm_bullets]: a rule wrote a part of {replaced} of its rewritings, " in said[0]


def test_parameters_that_were_not_taken_are_told(project: Project) -> None:
    refused = iter([error("Unsupported parameter: 'temperature' is not supported with this model.")])
    with served(lambda asked: next(refused, None) or rewritten(asked, "m")) as server:
        assert "; written by m without temperature (12)" in enriched(project, server.url)


def test_one_model_with_and_without_a_parameter_is_one(project: Project, heard: Heard) -> None:
    refused = iter([error("Unsupported parameter: 'temperature' is not supported with this model.")])
    with served(lambda asked: next(refused, None) or rewritten(asked, "m")) as server:
        enriched(project, server.url)
        assert "; written by m (12)" in enriched(project, server.url, variants=2)
    assert "models answered to one name" not in heard.since()


def test_models_of_one_text_are_told_apart(project: Project, heard: Heard) -> None:
    """Each long history comes of two models, the same two."""
    models = itertools.cycle(["m-1", "m-2"])
    with served(lambda asked: rewritten(asked, next(models))) as server:
        message = enriched(project, server.url, max_new_tokens=16)
    assert "m-1; m-2 (" in message
    assert "2 models answered to one name, see `written_by` in texts (m-1, m-2)" in heard.since()
