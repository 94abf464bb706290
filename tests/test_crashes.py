"""Kills before file operations, torn files and a clock that jumps, in short; ``benchmarks/crashes.py`` does more."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHORT = "--seed 3 --kills 2 --cuts 6 --only create,serialize,import,gc"
ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="the shim needs cc and LD_PRELOAD")
def test_nothing_is_lost_whatever_file_operation_is_the_last(tmp_path: Path) -> None:
    words = [
        "-m",
        "benchmarks.crashes",
        *["--seed", "3", "--kills", "2", "--cuts", "6", "--only", "create,serialize,import,gc"],
    ]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    *rows, _ = map(json.loads, done.stdout.splitlines())
    assert [fault for row in rows for fault in row["faults"]] == []
    assert [row["operation"] for row in rows] == [
        "create",
        "serialize",
        "import",
        "gc",
        "torn files",
        "a clock that jumped",
    ]
    assert sum(row.get("kills", 0) for row in rows) >= 6
    assert done.returncode == 0
