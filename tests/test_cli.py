"""The whole way from the command line, on a shop's purchases and a model of random weights."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm4es.project import pipeline
from llm4es_cli.commands import COMMANDS
from llm4es_cli.main import main
from llm4es_store import Run, Store

from . import shop, tiny

RUN = ("--max-length", "64", "--k", "1,2", "--finetune", "2")


class Shell:
    """A folder with a recipe, a model and a store, and the command to use them with."""

    def __init__(self, folder: Path, call: Callable[..., tuple[int, str, str]], model: Path) -> None:
        self.folder, self.model = folder, model
        self.recipe = shop.write(folder / "shop")
        self.root = folder / "store"
        self._call = call

    def __call__(self, command: str, *words: object) -> tuple[int, str, str]:
        return self._call(command, *words, "--store", self.root)

    def stage(self, command: str, *words: object) -> list[dict[str, Any]]:
        """A stage's summary; the stage must succeed."""
        code, out, err = self(command, self.recipe, *words, "--format", "json")
        assert code == 0, err
        rows: list[dict[str, Any]] = json.loads(out)
        return rows

    def fails(self, command: str, *words: object) -> str:
        """The one line of a command that must be refused."""
        code, out, err = self(command, *words)
        assert code == 2, (code, out, err)
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, err
        assert "Traceback" not in err
        return lines[0]

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return Store(self.root).sql(query).fetchall()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("models") / "tinyllama")


@pytest.fixture
def llm4es(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """The command in this process: words in; exit code, stdout and stderr out."""
    monkeypatch.setenv("LLM4ES_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["llm4es", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err  # type: ignore[return-value]  # never text here

    return call


@pytest.fixture
def shell(tmp_path: Path, llm4es: Callable[..., tuple[int, str, str]], model: Path) -> Shell:
    return Shell(tmp_path, llm4es, model)


def test_the_whole_way_and_then_nothing_is_left_to_do(shell: Shell) -> None:
    code, out, err = shell("run", shell.recipe, "--model", shell.model, *RUN)
    assert code == 0, err
    for features in ("tinyllama@1", "tinyllama@2", "tinyllama-shop@1", "tinyllama-shop@2", "tfidf", "majority"):
        assert features in out
    assert "fine-tuned on so many of the scored entities" in out
    stages = shell.sql("SELECT stage, status FROM runs ORDER BY version")
    assert [stage for stage, _ in stages] == ["serialize", "enrich", "finetune", "embed", "embed", "probe"]
    assert {status for _, status in stages} == {"done"}
    before = shell.sql("SELECT * EXCLUDE (run_id) FROM embeddings ORDER BY ALL")
    assert len(before) == 20 * 2 * 2

    code, out, err = shell("run", shell.recipe, "--model", shell.model, *RUN)
    assert code == 0
    assert "computed, " in err
    assert not [line for line in err.splitlines() if " computed, " in line and ": 0 computed, " not in line]
    assert shell.sql("SELECT * EXCLUDE (run_id) FROM embeddings ORDER BY ALL") == before


def test_only_train_entities_are_trained_on(shell: Shell) -> None:
    shell.stage("serialize")
    shell.stage("finetune", "--model", shell.model, "--steps", "2", "--max-length", "64", "--texts", "raw")
    seen = shell.sql("SELECT entity_id FROM exposures ORDER BY 1")
    train = shell.sql("SELECT entity_id FROM splits WHERE split = 'train' AND name = 'hash' ORDER BY 1")
    assert seen == train
    assert 0 < len(seen) < 20
    ((before, after, steps),) = shell.sql("SELECT held_out_loss_before, held_out_loss_after, steps FROM models")
    assert steps == 2
    assert before != after


def test_a_changed_entity_is_the_only_one_computed_again(shell: Shell) -> None:
    embed = ("--model", shell.model, "--max-length", "64", "--k", "1,2")
    shell.stage("serialize")
    shell.stage("enrich", "--variants", "1")
    assert shell.stage("embed", *embed)[0]["computed"] == 40
    shop.write(shell.folder / "shop", changed={7: "coffee"})
    (plan,) = shell.stage("serialize", "--dry-run")
    assert (plan["rows"], plan["to compute"], plan["why"]) == (20, 1, "1 text changed")
    for command, words, computed in (("serialize", (), 1), ("enrich", ("--variants", "1"), 1), ("embed", embed, 2)):
        (done,) = shell.stage(command, *words)
        assert done["computed"] == computed, command
        assert "text changed" in done["why"]
    assert shell.sql("SELECT count(*), count(DISTINCT (entity_id, k)) FROM embeddings") == [(40, 40)]
    assert shell.sql("SELECT entity_id FROM texts WHERE text LIKE '%coffee%' AND variant = 'raw'") == [("c7",)]
    assert shell.sql("SELECT count(*) FROM events_shop WHERE product = 'coffee'") == [(1,)]


def test_vanished_entities_leave_every_live_view(shell: Shell) -> None:
    shell.stage("serialize")
    shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1")
    shop.write(shell.folder / "shop", customers=18)
    (done,) = shell.stage("serialize")
    assert done["why"] == "2 vanished"
    shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1")
    for view in ("texts", "embeddings", "events_shop", "splits"):
        assert shell.sql(f"SELECT count(DISTINCT entity_id) FROM {view}") == [(18,)], view


def test_another_setting_is_another_configuration(shell: Shell) -> None:
    shell.stage("serialize")
    shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1")
    (plan,) = shell.stage("embed", "--model", shell.model, "--max-length", "32", "--k", "1", "--dry-run")
    assert (plan["to compute"], plan["why"]) == (20, "20 other settings (max length 64 → 32)")
    (plan,) = shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1", "--batch-tokens", "128")
    assert plan["computed"] == 0  # how the work is done changes nothing
    (done,) = shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1,3")
    assert (done["computed"], done["reused"]) == (20, 20)  # one k was there


def test_a_sample_is_part_of_a_larger_one_and_of_the_whole(shell: Shell) -> None:
    assert shell.stage("serialize", "--max-entities", "5")[0]["computed"] == 5
    assert shell.stage("serialize", "--max-entities", "4")[0]["computed"] == 0
    assert shell.stage("serialize", "--max-entities", "8")[0]["computed"] == 3
    assert shell.stage("serialize")[0]["computed"] == 12


def test_a_model_tuned_anew_under_its_name_replaces_its_vectors(shell: Shell) -> None:
    tune = ("--model", shell.model, "--max-length", "64", "--texts", "raw", "--name", "mine")
    embed = ("--model", "mine", "--max-length", "64", "--k", "1")
    shell.stage("serialize")
    shell.stage("finetune", *tune, "--steps", "1")
    shell.stage("embed", *embed)
    shell.stage("finetune", *tune, "--steps", "2")
    (done,) = shell.stage("embed", *embed)
    assert (done["computed"], done["why"]) == (20, "20 model changed")
    assert shell.sql("SELECT count(*), count(DISTINCT fingerprint) FROM embeddings WHERE model = 'mine'") == [(20, 1)]


def test_results_in_every_format(shell: Shell) -> None:
    shell.stage("serialize", "--max-entities", "2")
    query = "SELECT dataset, count(*) AS n FROM texts GROUP BY 1"
    assert shell("sql", query, "--format", "csv")[1] == "dataset,n\nshop,2\n"
    assert json.loads(shell("sql", query, "--format", "json")[1]) == [{"dataset": "shop", "n": 2}]
    assert shell("sql", query, "--format", "table")[1].split() == ["dataset", "n", "shop", "2"]
    (shell.folder / "query.sql").write_text(query)
    assert shell("sql", shell.folder / "query.sql", "--format", "csv")[1] == "dataset,n\nshop,2\n"
    assert shell("sql", "--at", "1", "SELECT count(*) AS n FROM texts")[1] == "n\n0\n"


def test_lineage_of_a_run_leads_to_the_files(shell: Shell) -> None:
    shell.stage("serialize")
    shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1")
    ((run_id,),) = shell.sql("SELECT run_id FROM runs WHERE stage = 'embed'")
    code, out, _ = shell("runs", "show", run_id)
    assert code == 0
    shown = json.loads(out)
    (made,) = shown["made_from"]
    assert (made["stage"], made["tables"], made["read_by"]) == ("serialize", ["texts"], [run_id])
    assert len(made["source"]) == 64  # SHA-256 over the raw files
    assert "no run" not in shell("runs")[1]
    assert "matches 0 runs" in shell.fails("runs", "show", "nope")


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help_with_examples(llm4es: Callable[..., tuple[int, str, str]], command: str) -> None:
    code, out, _ = llm4es(command, "--help")
    assert code == 0
    assert "Example" in out
    assert f"llm4es {command}" in out
    for common in ("--store", "--quiet", "--debug"):
        assert common in out


def test_bad_words_are_refused_with_one_line_each(shell: Shell) -> None:
    assert "no store at" in shell.fails("sql", "SELECT 1")
    assert not shell.root.exists()
    shell.stage("serialize")
    recipe, model = shell.recipe, shell.model
    assert "did you mean movielens-100k" in shell.fails("serialize", "movielens100k")
    assert "no recipe at" in shell.fails("serialize", "nowhere.toml")
    assert "no folder" in shell.fails("serialize", recipe, "--data", "nowhere")
    assert "--k 0 is below 1" in shell.fails("embed", recipe, "--model", model, "--k", "0")
    assert "no number of layers" in shell.fails("embed", recipe, "--model", model, "--k", "many")
    assert "above the context" in shell.fails("embed", recipe, "--model", model, "--max-length", "100000")
    assert "no texts 'json'" in shell.fails("embed", recipe, "--model", model, "--texts", "json")
    assert "no-such-model" in shell.fails("embed", recipe, "--model", "./no-such-model")
    assert "--task 'age' is none of" in shell.fails("probe", recipe, "--task", "age")
    assert "--features 'x' is not in the store" in shell.fails("probe", recipe, "--features", "x")
    assert "no probes of 'loyal'" in shell.fails("compare", recipe)
    assert "is no number of steps" in shell.fails("finetune", recipe, "--model", model, "--steps", "many")
    assert "read-only" in shell.fails("sql", "DROP VIEW texts")
    assert "no such version" in shell.fails("sql", "SELECT 1", "--at", "99")
    assert shell("embed", recipe, "--no-such-option")[0] == 2
    assert shell.sql("SELECT count(*) FROM embeddings") == [(0,)]


def test_a_folder_that_is_no_model_and_one_of_pickles(shell: Shell) -> None:
    shell.stage("serialize")
    (shell.folder / "empty").mkdir()
    assert "empty" in shell.fails("embed", shell.recipe, "--model", shell.folder / "empty")
    pickled = tiny.save(shell.folder / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    assert "safetensors" in shell.fails("embed", shell.recipe, "--model", pickled)


def _kill_once_rows_are_there(words: list[str], root: Path, environment: dict[str, str]) -> int:
    """Start a command, kill -9 it when the store holds some embeddings; returns how many it had committed."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from llm4es_cli.main import main; main()", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        rows: int = Store(root).sql("SELECT count(*) FROM embeddings").fetchall()[0][0]
        if rows:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return rows
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the command ended before it could be killed")


STAGES = {
    "serialize": (),
    "enrich": (),
    "finetune": ("--steps", "2", "--max-length", "64"),
    "embed": ("--max-length", "64", "--k", "1,2"),
    "probe": ("--features", "tfidf,counts"),
}
"""Each stage, as it is interrupted and run again."""


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_interrupted_says_so_and_the_rerun_ends_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    words = {
        name: [*STAGES[name], *(("--model", shell.model) if name in ("finetune", "embed") else ())] for name in STAGES
    }
    before = list(STAGES)[: list(STAGES).index(stage)]
    for each in before:
        shell.stage(each, *words[each])
    committed = Run._committed

    def interrupt(run: Run, *arguments: Any) -> Any:
        committed(run, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_committed", interrupt)
        code, out, err = shell(stage, shell.recipe, *words[stage])
    assert (code, out) == (130, "")
    assert "goes on from there" in err
    assert "Traceback" not in err
    assert shell.sql("SELECT stage, status FROM runs ORDER BY version DESC LIMIT 1") == [(stage, "interrupted")]
    shell.stage(stage, *words[stage])
    undisturbed = Shell(shell.folder / "again", shell._call, shell.model)
    for each in (*before, stage):
        undisturbed.stage(each, *words[each])
    for table in next(known.writes for known in pipeline.STAGES if known.name == stage):
        count = f"SELECT count(*) FROM {'events_shop' if table == 'events' else table}"
        assert shell.sql(count) == undisturbed.sql(count) != [(0,)]
    assert {row["computed"] for row in shell.stage(stage, *words[stage])} == {0}


def test_a_killed_embed_resumes_and_gives_the_same_vectors(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write(shell.folder / "shop", customers=600)
    shell.stage("serialize")
    monkeypatch.setattr("llm4es.project.commits.COMMIT_SECONDS", 0.0)
    words = ["embed", str(shell.recipe), "--model", str(shell.model), "--max-length", "64", "--k", "1,2"]
    words += ["--batch-tokens", "64"]
    script = "import llm4es.project.commits as e; e.COMMIT_SECONDS = 0.0"  # many commits, so that a kill falls between
    environment = os.environ | {"PYTHONPATH": str(shell.folder), "LLM4ES_CACHE": str(shell.folder / "cache")}
    (shell.folder / "sitecustomize.py").write_text(script)
    _kill_once_rows_are_there([*words, "--store", str(shell.root)], shell.root, environment)
    ((kept,),) = shell.sql("SELECT count(*) FROM embeddings")
    assert 0 < kept < 1200
    (done,) = shell.stage(*words[:1], *words[2:])
    assert done["computed"] == 1200 - kept
    assert shell.sql("SELECT status FROM runs WHERE stage = 'embed' ORDER BY version")[0] == ("killed",)
    resumed = Store(shell.root).embeddings("shop", model="tinyllama", k=2)
    whole = Shell(shell.folder / "again", shell._call, shell.model)
    shop.write(whole.folder / "shop", customers=600)
    whole.stage("serialize")
    whole.stage(*words[:1], *words[2:])
    undisturbed = Store(whole.root).embeddings("shop", model="tinyllama", k=2)
    assert resumed["entity_id"].equals(undisturbed["entity_id"])
    difference = np.array(resumed["vector"].to_pylist()) - np.array(undisturbed["vector"].to_pylist())
    assert np.abs(difference).max() < 1e-6
