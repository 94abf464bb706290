"""What ``status`` says to type, typed: it brings exactly what was stale up to date, and makes nothing else."""

import shlex
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.project.feature_source import FeatureSource
from llm4es.project.mends import AS_THEY_ARE
from llm4es.project.observer import Null
from llm4es.project.probe_again import probe_again, record_of
from llm4es.project.status import status

from . import encoders, shop, tiny
from .embeddings import MODEL, embedded
from .serving import served
from .shell import invoke
from .test_cutoff_own import CHURN
from .test_out_of_time import FEW, TIMES, drift

CUSTOMERS = 20
WINDOW: dict[str, Any] = {"max_length": 64, "k": 1}
EVENTS: dict[str, Any] = {"max_length": 64, "history": "events"}
QUICK: dict[str, Any] = {"folds": 2, "repeats": 1, "bootstrap": 20, "features": "counts"}

Rows = dict[str, tuple[str, str]]


def rows_of(project: Project, *whats: str) -> Rows:
    return {row["name"]: (row["state"], row["mend"]) for row in status(project.store, Null()) if row["what"] in whats}


def type_in(mend: str) -> None:
    """The commands, word by word as a shell parts them."""
    for command in mend.split(" && "):
        program, *words = shlex.split(command)
        assert program == "llm4es"
        invoke(*words, "--quiet")


def made(project: Project) -> list[dict[str, Any]]:
    """Each configuration of vectors and of probes, and of how many it is."""
    vectors = "SELECT config_id, model, k, pooling, dim, count(DISTINCT entity_id) AS n FROM embeddings GROUP BY ALL"
    of = "any_value(n) FILTER (protocol NOT LIKE 'new-items%') AS n"  # there it is who has items of both kinds
    probes = f"SELECT config_id, task, features, protocol, {of} FROM probes GROUP BY ALL"
    rows = [project.sql(f"{query} ORDER BY ALL").to_pylist() for query in (vectors, probes)]
    return [row for each in rows for row in each]


def runs_of(project: Project) -> dict[str, str]:
    """Configuration of vectors -> the newest run that made some of it."""
    rows = project.sql("SELECT config_id, max(run_id) AS run FROM embeddings GROUP BY 1").to_pylist()
    return {row["config_id"]: row["run"] for row in rows}


def mended(project: Project, *whats: str) -> list[str]:
    """Type each command of a kind of rows, and see that all is up to date then and nothing new is there."""
    before, rows = made(project), rows_of(project, *whats)
    stale = dict.fromkeys(mend for state, mend in rows.values() if state != AS_THEY_ARE)
    assert stale
    for command in stale:
        runs = runs_of(project)
        type_in(command)
        touched = [config for config, run in runs_of(project).items() if run != runs[config]]
        assert len(touched) == 1 or " probe " in command  # its own rows and no others
    assert rows_of(project, *whats) == dict.fromkeys(rows, (AS_THEY_ARE, ""))
    assert made(project) == before
    return list(stale)


def opened(place: Path) -> Project:
    project = Project(shop.write(place / "shop", CUSTOMERS), place / "store", observer="silent")
    project.serialize()
    return project


def changed(project: Project, place: Path) -> None:
    """Another day, when the first events of all have changed."""
    recipe = (place / "shop/shop.toml").read_text()
    shop.write(place / "shop", CUSTOMERS, changed=dict.fromkeys(range(CUSTOMERS), "salt and pepper"))
    (place / "shop/shop.toml").write_text(recipe)
    project.serialize()


WAYS: dict[str, dict[str, Any]] = {
    "kept layers": {"k": "1,2", "max_length": 200, "layers": "keep", "history": "full", "pooling": "content_mean"},
    "the oldest, another number format": {**WINDOW, "pooling": "last", "history": "oldest", "dtype": "bfloat16"},
    "some, asked, smaller": {**WINDOW, "prompt": "one-word", "dims": 8, "store_as": "int8", "max_entities": 5},
    "events of some": {**EVENTS, "groups": 2, "whiten": 3, "weights": "recency:9d*tfidf", "max_entities": 8},
    "answers": {**EVENTS, "prompt": "one-word", "answers": "tea,milk or rice", "by": "product"},
}


def test_each_way_to_make_vectors(place: Path) -> None:
    folder = tiny.save(place / "my model's $HOME")
    project = opened(place / "a place")
    for options in WAYS.values():
        some = {"max_entities": options["max_entities"]} if "max_entities" in options else {}
        of = Project("shop", project.store, observer="silent", **some)
        of.embed(str(folder), **{name: value for name, value in options.items() if name != "max_entities"})
    changed(project, place / "a place")
    commands = mended(project, "vectors")
    assert len(commands) == len(WAYS)  # one mends every k
    assert all(f"--store {shlex.quote(str(place / 'a place/store'))}" in command for command in commands)


def test_models_of_every_kind(place: Path, model: Path) -> None:
    project = opened(place)
    project.embed(str(encoders.save_sentence_model(place / "sentences", "bert")), max_length=64, pooling="model")
    project.embed(str(model), **WINDOW)
    (place / "films.toml").write_text("[histories]\nword = 'In a word, {history} is '\n")
    again = tiny.save(place / "again" / model.name, seed=1)  # of the same name
    project.embed(str(again), prompt="films.toml", **WINDOW)
    project.enrich(variants=1, formats="json")
    project.embed(str(model), texts="all", load_in="8bit" if find_spec("bitsandbytes") else "none", **WINDOW)
    changed(project, place)
    assert len(mended(project, "vectors")) == 4


def test_a_server(place: Path) -> None:
    project = opened(place)
    with served(embedded) as server:
        project.embed(MODEL, engine="openai", base_url=server.url, max_length=100)
        changed(project, place)
        (command,) = mended(project, "vectors")
    assert f"--model {MODEL} --base-url {server.url} " in command


def test_versions_of_a_tuned_model_and_vectors_turned_towards_others(place: Path, model: Path) -> None:
    project, options = opened(place), {**WINDOW, "dims": 8}  # numbers that a dozen train entities can turn
    for steps in (1, 2):
        project.finetune(str(model), name="mine", steps=steps, max_length=64, method="full")
        project.embed("mine", **options)
    project.embed("mine", align_to="v1", **options)
    changed(project, place)
    named = [shlex.split(command) for command in mended(project, "vectors")]
    assert sorted(words[words.index("--model") + 1] for words in named) == ["mine@v1", "mine@v2", "mine@v2"]
    assert sum("--align-to" in words for words in named) == 1


def test_tasks_with_texts_of_their_own(place: Path, model: Path) -> None:
    recipe, lines = shop.write(place / "shop", CUSTOMERS), ["customer,churn,asked"]
    lines += [f"c{n},{n // 2 % 2},2026-01-0{2 + n % 2}" for n in range(CUSTOMERS)]
    (place / "shop/churn.csv").write_text("\n".join([*lines, ""]))
    recipe.write_text(recipe.read_text() + CHURN)
    project = Project(recipe, place / "store", observer="silent")
    project.serialize()
    for task in ("loyal", "churn"):
        project.embed(str(model), task=task, **WINDOW)
    project.probe("churn", **QUICK)
    changed(project, place)
    assert len(mended(project, "vectors", "probes")) == 3


PROBED: list[dict[str, Any]] = [
    {"protocol": "holdout", "folds": 3, "repeats": 2, "seed": 4, "probe": "knn", "max_entities": 16},
    {"sizes": (6,), "features": "vote(counts, counts+tinyllama@1 [64 tokens])"},
    {"protocol": "new-items", "item": "product", "share": 0.6, "unseen_only": True},
]


def test_each_way_to_probe(place: Path, model: Path) -> None:
    project = opened(place)
    project.embed(str(model), **WINDOW)
    for options in PROBED:
        of = Project("shop", project.store, observer="silent", max_entities=options.get("max_entities"))
        of.probe("loyal", **{name: value for name, value in {**QUICK, **options}.items() if name != "max_entities"})
    changed(project, place)
    (command,) = mended(project, "probes")
    assert command.startswith("llm4es embed shop ")  # the vectors first
    config = record_of(
        project._context(), project.sql("SELECT min(config_id) AS made FROM probes").to_pylist()[0]["made"]
    )
    for there, named in ((["counts"], False), (["counts", "words"], True)):  # what is probed where nothing is named
        sources = {
            name: FeatureSource(name, "h", load=lambda among=None: pytest.fail("nothing is read")) for name in there
        }
        assert ("--features" in probe_again(project._context(), config, ["counts"], sources)) == named


def test_probes_of_two_times_and_of_another(place: Path) -> None:
    project = drift(place)
    project.probe("left", features="counts", **FEW, **TIMES)
    project.probe("left", features="counts", **FEW)
    assert rows_of(project, "probes") == {"service left": (AS_THEY_ARE, "")}
    asked = place / "service" / "asked.csv"
    asked.write_text(asked.read_text().replace(",yes,", ",no,", 1))
    project.serialize(as_of="2024-05-01")
    assert "--train-as-of" in mended(project, "probes")[0]
    project.serialize(as_of="2024-04-01")
    ((state, mend),) = rows_of(project, "probes").values()  # of two times; those of another are not looked at
    assert (state, mend) == (AS_THEY_ARE, "")


def test_what_is_missing_is_said_in_place_of_a_command(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, other = tiny.save(place / "tiny"), tiny.save(place / "other", seed=1)
    (place / "films.toml").write_text("[histories]\nword = 'In a word, {history} is '\n")
    project = opened(place)
    project.embed(str(model), **WINDOW)
    project.embed(str(other), prompt="films.toml", **WINDOW)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with served(embedded) as server:
        project.embed(MODEL, engine="openai", base_url=server.url, max_length=64)
    monkeypatch.setattr("llm4es.project.embed_model.OPENAI", server.url)
    project.probe("loyal", **{**QUICK, "features": "counts,tiny@1 [64 tokens]"})
    changed(project, place)
    commands = rows_of(project, "vectors").values()
    assert all(mend.startswith("llm4es embed shop ") for _, mend in commands)
    assert "secret" not in str(commands)
    monkeypatch.delenv("OPENAI_API_KEY")
    shutil.rmtree(model)
    (place / "films.toml").write_text("[histories]\nword = 'In a word, {history} was '\n")
    rows = rows_of(project, "vectors", "probes")
    assert {name: mend for name, (_, mend) in rows.items() if name != "shop loyal"} == {
        "shop bge [64 tokens]": f"{server.url} wants a key in $OPENAI_API_KEY",
        "shop other@1 [64 tokens, films]": "its prompt asks something else now",
        "shop tiny@1 [64 tokens]": f"{model} is gone",
    }
    state, mend = rows["shop loyal"]
    assert state == f"2 of what is no more (tiny@1 [64 tokens]: {model} is gone)"
    type_in(mend)
    shutil.move(other, model)
    rows = rows_of(project, "vectors", "probes")
    why = f"{model} holds other weights now"
    assert rows["shop loyal"] == ("1 of what is no more", f"tiny@1 [64 tokens]: {why}")
    assert rows["shop tiny@1 [64 tokens]"][1] == why


def test_texts_that_are_written_otherwise_now(place: Path, model: Path) -> None:
    project = opened(place)
    project.embed(str(model), **WINDOW)
    project.serialize(max_events=2)
    shop.write(place / "shop", CUSTOMERS, changed={3: "salt and pepper"})
    ((state, mend),) = rows_of(project, "entities").values()
    assert (state, mend) == ("files have changed", f"llm4es serialize shop --max-events 2 --store {place / 'store'}")
    type_in(mend)
    ((state, mend),) = rows_of(project, "vectors").values()
    assert (state, mend) == ("1 of texts that have changed", "texts are written otherwise now")


def test_a_built_in_model_in_the_usual_store(place: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving = vars(import_module("llm4es.models.resolve"))  # its package has a function of this name
    project, there = Project(shop.write(place / "shop", CUSTOMERS), observer="silent"), True
    monkeypatch.delenv("LLM4ES_STORE", raising=False)
    monkeypatch.setitem(resolving, "is_here", lambda _: there)
    monkeypatch.setitem(resolving, "folder_of", lambda _: model)
    project.serialize()
    project.embed("smollm2-135m", **WINDOW)
    changed(project, place)
    ((_, mend),) = rows_of(project, "vectors").values()
    assert mend == "llm4es embed shop --model smollm2-135m --k 1 --max-length 64"
    there = False  # it would have to be fetched
    assert [mend for _, mend in rows_of(project, "vectors").values()] == ["smollm2-135m is not on this machine"]
