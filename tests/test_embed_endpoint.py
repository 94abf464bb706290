"""Vectors from a server: asked in bounded requests, kept as they come, checked over all of them."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import shop
from .embeddings import FIXED, MODEL, WIDTH, embedded, of_width, reply_of, vector_of, words
from .serving import Reply, Served, error, served
from .shell import Shell

pytestmark = pytest.mark.usefixtures("few_folds")


def sent(server: Served) -> list[str]:
    """Every text that the server was sent, but for the three that are always asked first."""
    return [text for asked in server.seen[FIXED:] for text in asked["input"]]


def test_every_entity_gets_the_vector_of_its_text(own: Shell) -> None:
    with served(embedded) as server:
        (outcome,) = own.stage("embed", *words(server))
        assert (outcome["what"], outcome["computed"], outcome["reused"]) == (MODEL, 20, 0)
        assert {asked["path"] for asked in server.seen} == {"/v1/embeddings"}
        assert {(asked["model"], asked["encoding_format"]) for asked in server.seen} == {(MODEL, "float")}
        assert len(server.seen[0]["input"]) == 3
        n_asked = len(server.seen)
        (again,) = own.stage("embed", *words(server))
        assert (again["computed"], again["reused"]) == (0, 20)
        assert len(server.seen) == n_asked
    texts = dict(own.sql("SELECT entity_id, text FROM texts"))
    rows = own.sql("SELECT entity_id, vector, k, pooling, dim, n_tokens, n_windows FROM embeddings")
    assert len(rows) == 20
    for entity, vector, k, pooling, dim, n_tokens, n_windows in rows:
        assert vector == pytest.approx(vector_of(texts[entity]), rel=1e-6)
        assert (k, pooling, dim, n_windows) == (0, "endpoint", WIDTH, 1)
        assert n_tokens > 0
    assert sum(row[5] for row in rows) == 200  # ten a text, as the server says, shared by size


def test_what_leaves_the_machine_is_said_first_and_the_cost_last(own: Shell) -> None:
    with served(embedded) as server:
        code, _, err = own("embed", own.recipe, *words(server))
    assert code == 0
    told = f"embed: sending the texts of 20 entities to {server.url} (--base-url), model {MODEL}"
    assert told in err
    assert "the server read 200 tokens for 20 entities" in err
    assert err.index(told) < err.index("the server read")
    kept = json.dumps(own.sql("SELECT config, message, host FROM runs"), default=str) + err
    assert "sk-very-secret" not in kept


def test_requests_are_bounded_in_number_and_size(own: Shell) -> None:
    with served(embedded) as server:
        own.stage("embed", *words(server, "--batch-inputs", 3, "--concurrency", 1))
        assert [len(asked["input"]) for asked in server.seen[FIXED:]] == [3] * 6 + [2]
    with served(embedded) as server:
        own.stage("embed", *words(server, "--batch-tokens", 1, "--history", "oldest"))  # one alone is never too many
        assert [len(asked["input"]) for asked in server.seen[FIXED:]] == [1] * 20


def test_the_second_day_asks_for_what_changed(own: Shell) -> None:
    with served(embedded) as server:
        own.stage("embed", *words(server))
        shop.write(own.folder / "shop", customers=21, changed={3: "coffee"})
        own.stage("serialize")
        before = len(server.seen)
        (outcome,) = own.stage("embed", *words(server))
        asked = [text for each in server.seen[before + FIXED :] for text in each["input"]]
    assert (outcome["computed"], outcome["reused"]) == (2, 19)
    assert len(asked) == 2
    assert any("coffee" in text for text in asked)


def test_texts_are_cut_between_events_by_an_estimate(own: Shell) -> None:
    with served(embedded) as server:
        own.stage("embed", *words(server, "--max-length", 30))
        texts = sent(server)
        own.stage("embed", *words(server, "--max-length", 30, "--history", "full"))
    whole = dict(own.sql("SELECT entity_id, text FROM texts"))
    lines = {line for text in whole.values() for line in text.split("\n")}
    assert all(len(text.encode()) <= 30 * 2.5 for text in texts)
    assert {line for text in texts for line in text.split("\n")} <= lines  # no event is cut
    newest = {text.rstrip("\n").split("\n")[-1] for text in whole.values()}
    assert {text.rstrip("\n").split("\n")[-1] for text in texts} == newest
    dropped = own.sql("SELECT entity_id FROM embeddings WHERE history = 'newest' AND n_events_dropped > 0")
    assert {entity for (entity,) in dropped} == {entity for entity, text in whole.items() if text not in texts}
    assert 0 < len(dropped) < 20
    cut = own.sql("SELECT DISTINCT n_events_dropped, n_tokens_dropped FROM embeddings WHERE history = 'full'")
    assert cut == [(0, 0)]
    assert own.sql("SELECT max(n_windows) FROM embeddings WHERE history = 'full'")[0][0] > 1


def test_dims_are_asked_for_and_cut_here_where_the_server_does_not(own: Shell) -> None:
    def cuts(asked: dict[str, Any]) -> Reply:
        return reply_of([vector_of(text)[: asked.get("dimensions", WIDTH)] for text in asked["input"]])

    with served(cuts) as server:
        own.stage("embed", *words(server, "--dims", 4))
        assert not any("dimensions" in asked for asked in server.seen[:FIXED])
        assert {asked["dimensions"] for asked in server.seen[FIXED:]} == {4}
    by_server = dict(own.sql("SELECT entity_id, vector FROM embeddings"))
    other = own.beside("other")
    other.stage("serialize")
    with served(embedded) as server:
        other.stage("embed", *words(server, "--dims", 4))
    assert other.sql("SELECT DISTINCT dim, len(vector) FROM embeddings") == [(4, 4)]
    for entity, vector in other.sql("SELECT entity_id, vector FROM embeddings"):
        assert vector == pytest.approx(by_server[entity], rel=1e-5)
        assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-5)
    with served(embedded) as server:
        said = own.fails("embed", own.recipe, *words(server, "--dims", WIDTH + 1))
    assert f"--dims {WIDTH + 1} is above the {WIDTH} dimensions of '{MODEL}'" in said


def test_a_server_that_changes_its_dimension_is_refused(own: Shell) -> None:
    one_at_a_time = ("--batch-inputs", 5, "--concurrency", 1)
    with served(*[embedded] * (FIXED + 1), of_width(4)) as server:  # the fixed texts, five entities, and another model
        said = own.fails("embed", own.recipe, *words(server, *one_at_a_time))
    assert f"gives vectors of 4 dimensions where '{MODEL}' has given {WIDTH}: it serves another model" in said
    assert own.sql("SELECT count(*), min(dim), max(dim) FROM embeddings") == [(5, WIDTH, WIDTH)]
    with served(of_width(4)) as server:  # the next day
        assert "has given" in own.fails("embed", own.recipe, *words(server))
        assert len(server.seen) == 1
    with served(embedded) as server:
        (outcome,) = own.stage("embed", *words(server))
    assert (outcome["computed"], outcome["reused"]) == (15, 5)


def test_another_model_behind_one_address_is_noticed(own: Shell) -> None:
    def other(asked: dict[str, Any]) -> Reply:
        return reply_of([vector_of(f"other {text}") for text in asked["input"]])

    def nearly(asked: dict[str, Any]) -> Reply:  # the same model in fewer bits
        return reply_of([[number + 0.15 for number in vector_of(text)] for text in asked["input"]])

    with served(embedded) as server:
        own.stage("embed", *words(server, "--max-entities", 5))
    with served(other) as server:
        said = own.fails("embed", own.recipe, *words(server))
        assert len(server.seen) == FIXED  # no text of anybody's
    assert f"gives other vectors for model '{MODEL}' than the store holds (text 'events'" in said
    assert own.sql("SELECT count(*) FROM embeddings") == [(5,)]
    with served(nearly) as server:
        code, _, err = own("embed", own.recipe, *words(server))
    assert code == 0
    assert "warning: vectors of this model moved: text" in err
    with served(*[embedded] * FIXED, reply_of([vector_of("a")] * 20, model="m2")) as server:
        said = own.fails("embed", own.recipe, *words(server, "--history", "full"))
    assert "answers as 'm' and then as 'm2'" in said


def test_a_text_that_is_too_long_is_named_and_the_others_are_embedded(own: Shell) -> None:
    def limited(asked: dict[str, Any]) -> Reply:
        if any(text.count("\n") > 5 for text in asked["input"]):
            return error("input (700 tokens) is too large to process. increase the physical batch size", 500)
        return embedded(asked)

    long = {entity for entity, text in own.sql("SELECT entity_id, text FROM texts") if text.count("\n") > 5}
    assert 0 < len(long) < 20
    with served(limited) as server:
        said = own.fails("embed", own.recipe, *words(server, "--concurrency", 2))
        asked = [tuple(each["input"]) for each in server.seen]
        assert len(asked) == len(set(asked))  # no request twice: it would be refused again
        done = {entity for (entity,) in own.sql("SELECT entity_id FROM embeddings")}
        assert re.search(r"a text of entity 'c\d+' is too long: .*input \(700 tokens\) is too large", said)
        assert f"and {len(long) - 1} others: the others are embedded; lower --max-length, now 512" in said
        assert not done & long
        assert len(done | long) == 20
        before = len(server.seen)
        own.fails("embed", own.recipe, *words(server))
        asked_again = {text for asked in server.seen[before + FIXED :] for text in asked["input"]}
    texts = dict(own.sql("SELECT entity_id, text FROM texts"))
    assert asked_again == {texts[entity] for entity in long}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (error("Incorrect API key provided: sk-very-secret", 401), "refuses the key: set $OPENAI_API_KEY"),
        (error("You exceeded your current quota", 429, code="insufficient_quota"), "says that there is no credit left"),
        (error("This model does not support embeddings", 400), "it says: This model does not support embeddings"),
        (Reply("<html>welcome</html>"), "answers with a web page"),
        (Reply({"error": {"message": "no such model"}}), "it says: no such model"),
        (reply_of([[0.1, None]] * 3), "gives for the fixed text 'events' what is no list of numbers"),
        (reply_of([[0.1, 0.2]]), "gives 1 vectors for 3 texts"),
    ],
)
def test_a_server_that_gives_no_vectors_ends_the_run_in_one_line(own: Shell, reply: Reply, said: str) -> None:
    with served(reply) as server:
        line = own.fails("embed", own.recipe, *words(server))
    assert said in line
    assert "sk-very-secret" not in line
    assert own.sql("SELECT count(*) FROM embeddings") == [(0,)]


def test_what_came_before_a_failure_is_kept(own: Shell) -> None:
    alone = ("--batch-inputs", 4, "--concurrency", 1)
    with served(*[embedded] * (FIXED + 2), error("no credit", 402)) as server:
        assert "says that there is no credit left" in own.fails("embed", own.recipe, *words(server, *alone))
    assert own.sql("SELECT count(*) FROM embeddings") == [(8,)]
    with served(embedded) as server:
        (outcome,) = own.stage("embed", *words(server))
        assert len(sent(server)) == 12
    assert (outcome["computed"], outcome["reused"]) == (12, 8)


def test_too_many_requests_are_asked_again(own: Shell) -> None:
    busy = Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "0"})
    with served(busy, embedded, busy, Reply("oops", 503), embedded) as server:
        (outcome,) = own.stage("embed", *words(server))
        assert len(server.seen) == FIXED + 4
    assert outcome["computed"] == 20


def test_a_server_whose_vectors_depend_on_their_company_is_refused(own: Shell) -> None:
    def mixing(asked: dict[str, Any]) -> Reply:
        """What llama.cpp does with two slots: the second text of a pass gets a bit of the first."""
        vectors = np.array([vector_of(text) for text in asked["input"]])
        vectors[1::2] += 0.2 * vectors[: len(vectors) // 2 * 2 : 2]
        return reply_of(vectors.tolist())

    with served(mixing) as server:
        said = own.fails("embed", own.recipe, *words(server))
        assert re.search(r"gives a text another vector where others stand beside it \(cosine distance 0\.0\d+\)", said)
        assert len(server.seen) == FIXED
        (outcome,) = own.stage("embed", *words(server, "--batch-inputs", 1, "--concurrency", 1))
        assert {len(asked["input"]) for asked in server.seen[FIXED:]} == {1}
    assert outcome["computed"] == 20


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--k", "4"), "--k 4 with --engine openai: leave it out"),
        (("--pooling", "last"), "--pooling last with --engine openai: leave it out"),
        (("--layers", "keep"), "--layers keep with --engine openai: leave it out"),
        (("--load-in", "8bit"), "--load-in 8bit with --engine openai: the server loads its model"),
    ],
)
def test_what_only_a_model_in_this_process_has_is_refused(own: Shell, more: tuple[str, ...], said: str) -> None:
    assert said in own.fails("embed", own.recipe, *words("http://127.0.0.1:9/v1", *more))


def test_nothing_is_asked_for_a_dry_run(own: Shell) -> None:
    (outcome,) = own.stage("embed", *words("http://127.0.0.1:9/v1", "--dry-run"))
    assert outcome["to compute"] == 20


def test_a_model_here_and_one_of_that_name_there_are_two(own: Shell, model: Path) -> None:
    own.stage("embed", "--model", model, "--max-length", 64, "--k", 1)
    with served(embedded) as server:
        more = ("--engine", "openai", "--base-url", server.url)
        (outcome,) = own.stage("embed", "--model", model.name, *more)
    assert (outcome["what"], outcome["computed"]) == (f"{model.name}+openai", 20)


def test_the_whole_way_with_a_server(own: Shell) -> None:
    with served(embedded) as server:
        code, out, err = own("run", own.recipe, *words(server), "--format", "csv")
    assert code == 0, err
    assert f"finetune: left out, {MODEL} is a server's model (as --finetune none)" in err
    assert MODEL in out
    assert own.sql("SELECT DISTINCT model FROM embeddings") == [(MODEL,)]
    with served(embedded) as server:
        assert own("run", own.recipe, *words(server), "--format", "csv")[0] == 0
    assert not server.seen  # nothing was left to do


def test_probing_comparing_searching_exporting(own: Shell) -> None:
    with served(embedded) as server:
        own.stage("embed", *words(server))
        own.stage("embed", *words(server, "--store-as", "int8"))
    own.stage("probe", "--task", "loyal")
    assert own.sql(f"SELECT DISTINCT k FROM probes WHERE features = '{MODEL}'") == [(None,)]
    code, out, _ = own("compare", own.recipe, "--task", "loyal", "--format", "json")
    assert code == 0
    assert {MODEL, f"{MODEL} [int8]"} <= {row["features"] for row in json.loads(out)}
    for named in (("--model", MODEL), ("--features", MODEL), ("--features", f"{MODEL} [int8]")):
        code, out, err = own("similar", own.recipe, "c1", *named)
        assert code == 0, err
    assert own("report", own.recipe, "--out", own.folder / "report.html")[0] == 0
    file = own.folder / "features.csv"
    assert own("export", own.recipe, "--features", MODEL, "--out", file)[0] == 0
    assert len(file.read_text().splitlines()) == 21
    assert own("diff", MODEL, f"{MODEL} [int8]")[0] == 0
    nearest = own.sql(f"SELECT entity_id FROM nearest('shop', 'c1', '{MODEL}', 0, 3)")
    assert len(nearest) == 3
