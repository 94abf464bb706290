"""``embed --workers``: the vectors of one process, whoever is killed, and nobody left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from llm4es import Local, Project
from llm4es_store import Store

from . import shop, tiny
from .heard import Heard
from .shell import Shell, committing_at_once, rows_so_far

WORDS = ("--max-length", "64", "--k", "1,2", "--batch-tokens", "64", "--texts", "all")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


def vectors(root: Path) -> tuple[list[str], np.ndarray]:
    rows = Store(root).sql("SELECT entity_id, k, vector FROM embeddings ORDER BY 1, 2").fetchall()
    return [f"{entity} {k}" for entity, k, _ in rows], np.array([vector for *_, vector in rows])


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stores: texts, and the vectors that one process made of them; made once for all tests."""
    return tmp_path_factory.mktemp("stores")


@pytest.fixture
def undisturbed(shell: Shell, stores: Path) -> Shell:
    """A store whose vectors one process made; ``shell`` has its texts."""
    whole = shell.beside("whole")
    shop.write(shell.folder / "shop", customers=100)
    if not (stores / "whole").exists():
        shell.stage("serialize")
        shell.stage("enrich", "--variants", "1")
        shutil.copytree(shell.root, stores / "texts")
        shell.stage("embed", "--model", shell.model, *WORDS, "--workers", "1")
        shutil.move(shell.root, stores / "whole")
    shutil.copytree(stores / "texts", shell.root)
    shutil.copytree(stores / "whole", whole.root)
    return whole


def started(shell: Shell) -> "subprocess.Popen[bytes]":
    """``embed --workers 2`` in a process of its own, once it has committed something."""
    command = ["embed", shell.recipe, "--model", shell.model, *WORDS, "--workers", "2", "--store", shell.root]
    process = subprocess.Popen(
        [sys.executable, "-c", "from llm4es_cli.main import main; main()", *map(str, command)],
        env=committing_at_once(shell.folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if rows_so_far(shell.root, "embeddings"):
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"the command ended before it could be killed: {process.communicate()[0].decode()}")


def workers_of(process: "subprocess.Popen[bytes]") -> list[int]:
    """Process ids of its children."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text()
        except OSError:
            continue
        if int(status.rsplit(")", 1)[1].split()[1]) == process.pid:
            found.append(int(folder.name))
    return found


def gone(pids: list[int]) -> bool:
    """Whether they end within some seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        alive = [pid for pid in pids if Path(f"/proc/{pid}/stat").exists() and _state(pid) not in "ZX"]
        if not alive:
            return True
        time.sleep(0.05)
    return False


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def same(one: Shell, other: Shell) -> bool:
    (names, found), (expected_names, expected) = vectors(one.root), vectors(other.root)
    return names == expected_names and bool(np.allclose(found, expected, rtol=1e-5, atol=1e-6))


def test_two_processes_give_the_vectors_of_one(shell: Shell, undisturbed: Shell) -> None:
    (done,) = shell.stage("embed", "--model", shell.model, *WORDS, "--workers", "2")
    assert (done["computed"], done["reused"]) == (200, 0)
    assert same(shell, undisturbed)
    assert shell.sql("SELECT count(*), count(DISTINCT text) FROM canaries") == [(3, 3)]
    (again,) = shell.stage("embed", "--model", shell.model, *WORDS)
    assert (again["computed"], again["reused"]) == (0, 200)


@pytest.mark.parametrize("whom", ["a worker", "the parent"])
def test_nothing_is_lost_or_doubled_by_a_kill(shell: Shell, undisturbed: Shell, whom: str) -> None:
    process = started(shell)
    workers = workers_of(process)
    assert len(workers) == 2
    chosen = {"a worker": workers[:1], "the parent": [process.pid]}[whom]
    for pid in chosen:
        os.kill(pid, signal.SIGKILL)
    said = process.communicate(timeout=120)[0].decode()
    assert process.returncode == {"a worker": 0, "the parent": -signal.SIGKILL}[whom], said
    assert "Traceback" not in said
    assert gone(workers)
    if whom == "a worker":
        assert "a worker was killed by SIGKILL" in said
    shell.stage("embed", "--model", shell.model, *WORDS, "--workers", "1")
    assert same(shell, undisturbed)


def test_ctrl_c_ends_all(shell: Shell, undisturbed: Shell) -> None:
    process = started(shell)
    workers = workers_of(process)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[0].decode()
    assert (process.returncode, said.splitlines()[-1]) == (
        130,
        "interrupted: what was committed stays, the same command goes on from there",
    )
    assert "Traceback" not in said
    assert gone(workers)
    shell.stage("embed", "--model", shell.model, *WORDS, "--workers", "1")
    assert same(shell, undisturbed)


def test_a_project_with_workers_shares_out_what_can_be(tmp_path: Path) -> None:
    recipe, model = shop.write(tmp_path / "shop"), tiny.save(tmp_path / "tiny")
    heard = Heard()
    project = Project(str(recipe), tmp_path / "store", executor=Local(2), observer=heard)
    assert project.serialize().computed == 20  # in this process
    assert project.enrich(variants=1).computed == 20
    assert "processes" not in heard.since()
    assert project.embed(str(model), k=1, max_length=64).computed == 20
    assert "embed: 2 processes" in heard.since()
