"""Commands that are interrupted or killed: what was committed stays, and the rerun ends the work."""

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
from llm4es_store import Run, Store

from . import shop
from .shell import Shell, committing_at_once, rows_so_far

STAGES = {
    "serialize": (),
    "enrich": (),
    "finetune": ("--steps", "2", "--max-length", "64"),
    "embed": ("--max-length", "64", "--k", "1,2", "--layers", "keep"),
    "probe": ("--features", "tfidf,counts", "--folds", "2", "--repeats", "1", "--bootstrap", "20"),
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

    def interrupted(write: Callable[..., int]) -> Callable[..., int]:
        """Ctrl-C as soon as something is committed."""

        def written(*arguments: Any, **more: Any) -> int:
            write(*arguments, **more)
            raise KeyboardInterrupt

        return written

    with monkeypatch.context() as patch:
        for name in ("append", "replace"):
            patch.setattr(Run, name, interrupted(getattr(Run, name)))
        code, out, err = shell(stage, shell.recipe, *words[stage])
    assert (code, out) == (130, "")
    assert "goes on from there" in err
    assert "Traceback" not in err
    assert shell.sql("SELECT stage, status FROM runs ORDER BY version DESC LIMIT 1") == [(stage, "interrupted")]
    shell.stage(stage, *words[stage])
    undisturbed = shell.beside("again")
    for each in (*before, stage):
        undisturbed.stage(each, *words[each])
    written = next(known.writes for known in pipeline.STAGES if known.name == stage)
    for table in (name for name in written if name not in ("event_vectors", "event_fits")):  # of --history events
        if table == "bins":
            continue  # the shop has none
        count = f"SELECT count(*) FROM {'events_shop' if table == 'events' else table}"
        assert shell.sql(count) == undisturbed.sql(count) != [(0,)], table
    assert {row["computed"] for row in shell.stage(stage, *words[stage])} == {0}


def _kill_once_rows_are_there(
    words: list[str], root: Path, environment: dict[str, str], table: str = "embeddings"
) -> int:
    """Start a command, kill -9 it when the store holds some rows of a table; returns how many it had committed."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from llm4es_cli.main import main; main()", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if rows := rows_so_far(root, table):
            process.send_signal(signal.SIGKILL)
            process.wait()
            return rows
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the command ended before it could be killed")


def test_a_killed_embed_resumes_and_gives_the_same_vectors(shell: Shell) -> None:
    shop.write(shell.folder / "shop", customers=200)
    shell.stage("serialize")
    words = ("--model", str(shell.model), "--max-length", "64", "--k", "1,2", "--batch-tokens", "64")
    command = ["embed", str(shell.recipe), *words, "--store", str(shell.root)]
    _kill_once_rows_are_there(command, shell.root, committing_at_once(shell.folder))
    ((kept,),) = shell.sql("SELECT count(*) FROM embeddings")
    assert 0 < kept < 400
    (done,) = shell.stage("embed", *words)
    assert done["computed"] == 400 - kept
    assert shell.sql("SELECT status FROM runs WHERE stage = 'embed' ORDER BY version")[0] == ("killed",)
    resumed = Store(shell.root).embeddings("shop", model="tinyllama", k=2)
    whole = shell.beside("again")
    shop.write(whole.folder / "shop", customers=200)
    whole.stage("serialize")
    whole.stage("embed", *words)
    undisturbed = Store(whole.root).embeddings("shop", model="tinyllama", k=2)
    assert resumed["entity_id"].equals(undisturbed["entity_id"])
    difference = np.array(resumed["vector"].to_pylist()) - np.array(undisturbed["vector"].to_pylist())
    assert np.abs(difference).max() < 1e-6


def test_events_that_were_read_before_a_kill_are_not_read_again(shell: Shell) -> None:
    shop.write(shell.folder / "shop", customers=100)
    shell.stage("serialize")
    words = (
        "--model",
        str(shell.model),
        "--max-length",
        "64",
        "--k",
        "1,2",
        "--history",
        "events",
        "--weights",
        "tfidf",
    )
    command = ["embed", str(shell.recipe), *words, "--batch-tokens", "64", "--store", str(shell.root)]
    _kill_once_rows_are_there(command, shell.root, committing_at_once(shell.folder), "event_vectors")
    ((kept, events),) = shell.sql("SELECT count(*), count(DISTINCT event_hash) FROM event_vectors")
    assert kept == events * 4  # every layer of an event or none
    assert shell.sql("SELECT count(*) FROM embeddings") == [(0,)]
    (done,) = shell.stage("embed", *words)
    assert done["computed"] == 200
    (kinds,) = shell.sql("SELECT count(*), count(DISTINCT event_hash), count(DISTINCT run_id) FROM event_vectors")
    assert kinds == (kinds[1] * 4, kinds[1], 2)
    whole = shell.beside("again")
    shop.write(whole.folder / "shop", customers=100)
    whole.stage("serialize")
    whole.stage("embed", *words)
    for table in ("event_vectors", "event_fits", "embeddings"):
        assert shell.sql(f"SELECT count(*) FROM {table}") == whole.sql(f"SELECT count(*) FROM {table}"), table
    resumed, undisturbed = (Store(root).matrix("shop", model="tinyllama", k=2)[1] for root in (shell.root, whole.root))
    assert np.abs(resumed - undisturbed).max() < 1e-6
