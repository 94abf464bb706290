"""What a shell completes: driven as bash, zsh and fish do it, on a store that is there, is missing, or is elsewhere."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from llm4es.core.errors import StoreError
from llm4es.options.completes import Completes
from llm4es.project.names_here import names_here
from llm4es_cli.main import app

from . import shop
from .shell import invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, and a store with its dataset and imported vectors."""
    folder = tmp_path_factory.mktemp("completion")
    recipe = shop.write(folder)
    invoke("serialize", recipe, "--store", folder / "store", "--quiet")
    rows = pa.table({"entity_id": ["c0", "c1"], "vector": [[1.0, 2.0], [2.0, 1.0]]})
    pq.write_table(rows, folder / "coles.parquet")
    words = ("--name", "coles", "--dataset", "shop", "--store", folder / "store", "--quiet")
    invoke("import", folder / "coles.parquet", *words)
    return folder


def completed(line: str, store: Path | str, shell: str = "bash") -> list[str]:
    """What the program answers to a shell whose line ends here."""
    words = [part for word in re.split(r"(?<!\\) ", line) for part in re.split("([@:=]+)", word) if part or not word]
    env = {"LLM4ES_STORE": str(store), "_LLM4ES_COMPLETE": f"complete_{shell}"}
    env |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line}
    env |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = CliRunner().invoke(app, [], prog_name="llm4es", env=env)
    assert done.stderr == ""
    return [word for word in done.stdout.splitlines() if word]  # typer writes an empty line for none


def test_names_of_the_store_at_hand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    store = folder / "store"
    assert {"movielens-100k", "shop", "shop.toml"} <= set(completed("llm4es embed ", store))
    assert completed("llm4es embed sh", store) == ["shop", "shop.toml"]
    assert completed(f"llm4es run {folder}/s", store) == [f"{folder}/shop.toml"]
    assert completed("llm4es embed shop --model ", store) == ["smollm2-135m", "all-minilm-l6-v2", "coles"]
    assert completed("llm4es models show co", store) == ["coles"]
    assert completed("llm4es probe shop --task ", store) == ["loyal"]
    assert completed("llm4es probe movielens-100k --task ", store) == ["gender", "age_bucket", "loyal"]
    assert completed("llm4es compare shop --reference col", store) == ["coles"]
    assert completed("llm4es probe shop --features co", store) == ["counts", "coles"]
    assert completed("llm4es export shop --features tfidf,co", store) == ["tfidf,counts", "tfidf,coles"]
    assert completed("llm4es diff col", store) == ["coles"]
    assert completed("llm4es import x.csv --dataset ", store) == ["shop"]
    assert completed(f"llm4es import x.csv --store {store} --dataset ", "nowhere") == ["shop"]


def test_what_needs_no_store(folder: Path) -> None:
    assert completed("llm4es embed age --prompt ", "nowhere") == ["meta", "one-word"]
    assert completed("llm4es embed age --k 1,", "nowhere") == ["1,all"]
    assert completed("llm4es enrich age --formats json,ya", "nowhere") == ["json,yaml"]
    assert completed("llm4es embed age --history o", "nowhere") == ["oldest"]
    assert completed("llm4es runs --format ", "nowhere") == ["table", "json", "csv", "markdown"]
    assert completed("llm4es exp", "nowhere") == ["export"]
    assert completed("llm4es run ~nobody_of_this_machine", "nowhere") == []


@pytest.mark.parametrize("store", ["nowhere", "s3://bucket/store", "https://host/store"])
def test_without_a_store_of_this_machine_there_are_the_built_in_names(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm4es_store.Store.__init__", lambda *_: pytest.fail("a store is opened"))
    assert completed("llm4es embed age --model ", store) == ["smollm2-135m", "all-minilm-l6-v2"]
    assert "movielens-100k" in completed("llm4es embed ", store)


def test_a_store_that_cannot_answer_is_not_spoken_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise StoreError("damaged")

    monkeypatch.setattr("llm4es_store.Store.connect", broken)
    assert completed("llm4es models show ", folder / "store") == ["smollm2-135m", "all-minilm-l6-v2"]


def test_built_in_names_are_those_that_the_program_takes() -> None:
    from llm4es.embed.prompts import built_in_prompts
    from llm4es.enrich.prompts import prompt_names
    from llm4es.recipes import builtin_recipes, load_recipe

    assert names_here(Completes.RECIPES, "nowhere") == builtin_recipes()
    for recipe in builtin_recipes():
        assert names_here(Completes.TASKS, "nowhere", recipe) == list(load_recipe(recipe).tasks)
    assert set(prompt_names()) < set(names_here(Completes.REWRITINGS, "nowhere"))
    assert names_here(Completes.PROMPTS, "nowhere") == built_in_prompts()


def test_zsh_and_fish_are_answered_too(folder: Path) -> None:
    assert completed("llm4es models show co", folder / "store", "zsh") == ["""_arguments '*: :(("coles"))'"""]
    assert completed("llm4es models show co", folder / "store", "fish") == ["coles"]


@pytest.fixture(scope="module")
def bash(folder: Path) -> dict[str, str]:
    """The environment of a bash that finds the program, which fails where it loads what takes long."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    program = folder / "llm4es"
    code = (
        "import sys; sys.argv[0] = 'llm4es'\nfrom llm4es_cli.main import program\ntry: program()\n"
        "finally: sys.exit(9) if {'torch', 'transformers', 'pandas'} & {*sys.modules} else None"
    )
    program.write_text(f"#!{sys.executable}\n{code}\n")
    program.chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "LLM4ES_STORE": str(folder / "store")}


def test_bash_itself_completes_and_no_torch_is_loaded(bash: dict[str, str]) -> None:
    script = """
    source <(_LLM4ES_COMPLETE=source_bash llm4es)
    COMP_WORDS=(llm4es similar shop c1 --features co); COMP_CWORD=5
    _llm4es_completion llm4es && printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, env=bash, check=True)
    assert (done.stdout.split(), done.stderr) == (["counts", "coles"], "")


def test_at_a_prompt_of_bash_what_it_parts_is_completed(folder: Path, bash: dict[str, str]) -> None:
    shutil.copytree(folder / "store", folder / "second")
    rows = pa.table({"entity_id": ["c0", "c1"], "vector": [[-9.0, 5.0], [7.0, 0.0]]})
    pq.write_table(rows, folder / "coles.parquet")  # of another space: coles@v2
    words = ("--name", "coles", "--dataset", "shop", "--store", folder / "second", "--quiet")
    invoke("import", folder / "coles.parquet", *words)
    (folder / "rc").write_text("source <(_LLM4ES_COMPLETE=source_bash llm4es)\n")
    env = bash | {"LLM4ES_STORE": str(folder / "second"), "INPUTRC": os.devnull, "TERM": "dumb", "PS1": ""}
    typed = b"llm4es diff coles@\t coles@v\t \x01echo \nexit\n"
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", folder / "rc", "-i"],
        stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, start_new_session=True,
    ) as shell:  # fmt: skip
        os.write(keyboard, typed)
        shown, _ = shell.communicate(timeout=100)
    os.close(keyboard)
    os.close(terminal)
    assert shown.decode().split() == ["llm4es", "diff", "coles@v2", "coles@v2"]


def test_what_bash_parts_is_one_word(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It replaces what stands behind a colon, and an @ with what stands behind it: that alone is answered."""
    asked: list[str] = []

    def names_here(what: Completes, store: str, dataset: str | None) -> list[str]:
        asked.append(store)
        return ["m@8 [events]", "m@v2@8", "s3://b/m@1"]

    monkeypatch.setattr("llm4es.project.names_here.names_here", names_here)
    assert completed("llm4es diff m@", folder) == [r"@8\ \[events\]", "@v2@8"]
    assert completed("llm4es diff m@8 m@v2@", folder) == ["@8"]
    assert completed("llm4es probe shop --features tfidf,m@v", folder) == ["@v2@8"]
    assert completed("llm4es probe shop --features=m@v", folder) == ["@v2@8"]
    assert completed("llm4es probe shop --features=m", folder) == [r"m@8\ \[events\]", "m@v2@8"]
    assert completed("llm4es diff --store=s3://a/b s3:", folder) == ["//b/m@1"]
    assert completed(r"llm4es diff m@8\ \[e", folder) == [r"@8\ \[events\]"]
    assert completed("llm4es diff m@", folder, "fish") == ["m@8 [events]", "m@v2@8"]
    assert asked[5] == "s3://a/b"


def test_what_bash_would_part_has_a_backslash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm4es.project.names_here.names_here", lambda *_: ["m@8 [events]"])
    assert completed("llm4es report shop --features m", folder) == [r"m@8\ \[events\]"]
    assert completed("llm4es report shop --features m", folder, "fish") == ["m@8 [events]"]
