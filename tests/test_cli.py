"""The whole way from the command line, on a shop's purchases and a model of random weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llm4es_cli.commands import COMMANDS

from . import tiny
from .shell import Call, Shell

pytestmark = pytest.mark.usefixtures("few_folds")

RUN = ("--max-length", "64", "--k", "1,2", "--finetune", "2")


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
def test_every_command_has_help_with_examples(llm4es: Call, command: str) -> None:
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
    assert "--no-such-option" in shell.fails("embed", recipe, "--no-such-option")
    assert shell.sql("SELECT count(*) FROM embeddings") == [(0,)]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("embed x --max-entities 0", ["--max-entities 0 is below 1: give 1 or more"]),
        ("embed x --max-entities many", ["--max-entities 'many' is no number: give a whole number"]),
        ("gc --older-than -1", ["--older-than -1 is below 7: give 7 or more"]),
        ("recipes --format xml", ["'--format': 'xml' is not one of 'table', 'json', 'csv', 'markdown'; see `"]),
        ("embed x --max-lenght 8", ["no such option: --max-lenght (Possible options: ", "--max-length"]),
        ("models lst", ["no such command 'lst'. Did you mean 'list'?"]),
        ("embd x", ["no such command 'embd'. Did you mean ", "'embed'"]),
        ("--quick", ["no such option: --quick; see `llm4es --help`"]),
        ("embed", ["missing argument 'RECIPE'; see `llm4es embed --help`"]),
        ("embed x --k", ["option '--k' requires an argument"]),
        ("recipes age 7", ["unexpected extra argument", "7", "; see `llm4es recipes --help`"]),
    ],
)
def test_words_that_cannot_be_read_are_one_line(llm4es: Call, words: str, parts: list[str]) -> None:
    code, out, err = llm4es(*words.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")
    assert [part for part in parts if part not in err] == [], err
    assert "Value error" not in err


def test_a_bare_program_shows_its_help(llm4es: Call) -> None:
    _, out, err = llm4es()
    assert "Usage: llm4es" in out + err
    assert "error: " not in err


def test_a_folder_that_is_no_model_and_one_of_pickles(shell: Shell) -> None:
    shell.stage("serialize")
    (shell.folder / "empty").mkdir()
    assert "empty" in shell.fails("embed", shell.recipe, "--model", shell.folder / "empty")
    pickled = tiny.save(shell.folder / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    assert "safetensors" in shell.fails("embed", shell.recipe, "--model", pickled)


def test_a_command_that_makes_arrays_imports_no_pandas(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("customer,bought_at,product\nc1,2026-01-01,tea\n")
    code = """import sys
sys.argv = ["llm4es", "runs", "--store", "store"]
from llm4es_cli.main import app
from llm4es_store import Store
Store("store", create=True)
app(standalone_mode=False)
print("pandas" in sys.modules)
import pyarrow as pa
print(pa.table({"a": [1]}).to_pandas()["a"].sum())"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-2:] == ["False", "1"], done.stderr
