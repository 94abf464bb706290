"""Runs: what they commit, and what they leave behind however they end."""

import json
import multiprocessing
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from llm4es.core.entities import among
from llm4es.core.errors import DataError
from llm4es_store import Store

from .rows import KEY, SCOPE, texts, wanted

pytestmark = pytest.mark.usefixtures("few_folds")


def test_rows_bear_the_run_that_made_them_and_the_scope(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {"a": 1}, "0.1") as run:
        assert run.append("texts", SCOPE, texts({"1": "a"}), KEY) == 1
    assert store.sql("SELECT entity_id, config_id, run_id FROM texts").fetchall() == [("1", "c", run.run_id)]
    (row,) = store.sql("SELECT status, config, versions, code_version FROM runs").fetchall()
    assert row[0] == "done"
    assert json.loads(row[1]) == {"a": 1}
    assert json.loads(row[2]) == {"texts": {"read": 0, "written": 1}}
    assert row[3] == "0.1"


def test_changed_rows_take_the_place_of_stale_ones(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "a", "2": "b"}), KEY)
    plan = store.plan("texts", SCOPE, wanted({"1": "a", "2": "B"}), ["entity_id"])
    with store.run("serialize", "d", {}, "0") as run:
        run.start_from(plan)
        assert run.drop("texts", SCOPE, plan.stale) == 1
        assert run.append("texts", SCOPE, texts({"2": "B"}), KEY) == 1
    assert store.sql("SELECT entity_id, text FROM texts ORDER BY 1").fetchall() == [("1", "text a"), ("2", "text B")]


def test_a_key_that_another_writer_committed_meanwhile_is_not_written_twice(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store", create=True), Store(tmp_path / "store")
    plan = store.plan("texts", SCOPE, wanted({"1": "a", "2": "b"}), ["entity_id"])
    with other.run("serialize", "d", {}, "0") as first:
        first.append("texts", SCOPE, texts({"1": "a"}), KEY)
    with store.run("serialize", "d", {}, "0") as second:
        second.start_from(plan)
        assert second.append("texts", SCOPE, texts({"1": "a", "2": "b"}), KEY) == 1
    assert store.sql("SELECT entity_id, count(*) FROM texts GROUP BY 1 ORDER BY 1").fetchall() == [("1", 1), ("2", 1)]


def test_what_another_writer_committed_is_not_written_twice_by_a_later_commit(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store", create=True), Store(tmp_path / "store")
    plan = store.plan("texts", SCOPE, wanted({"1": "a", "2": "b"}), ["entity_id"])
    with other.run("serialize", "d", {}, "0") as first:
        first.append("texts", SCOPE, texts({"1": "a", "2": "b"}), KEY)
    with store.run("serialize", "d", {}, "0") as second:
        second.start_from(plan)
        assert second.append("texts", SCOPE, texts({"1": "a"}), KEY) == 0
        assert second.append("texts", SCOPE, texts({"3": "c"}), KEY) == 1
        assert second.append("texts", SCOPE, texts({"2": "b"}), KEY) == 0
    assert store.sql("SELECT entity_id, count(*) FROM texts GROUP BY 1 ORDER BY 1").fetchall() == [
        ("1", 1),
        ("2", 1),
        ("3", 1),
    ]


def test_dropping_stale_rows_spares_what_another_writer_has_renewed(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store", create=True), Store(tmp_path / "store")
    with store.run("serialize", "d", {}, "0") as run:
        run.append("texts", SCOPE, texts({"1": "old"}), KEY)
    plan = store.plan("texts", SCOPE, wanted({"1": "new"}), ["entity_id"])
    with other.run("serialize", "d", {}, "0") as first:
        first.start_from(plan)
        first.drop("texts", SCOPE, plan.stale)
        first.append("texts", SCOPE, texts({"1": "new"}), KEY)
    with store.run("serialize", "d", {}, "0") as second:
        second.start_from(plan)
        assert second.drop("texts", SCOPE, plan.stale) == 0
        assert second.append("texts", SCOPE, texts({"1": "new"}), KEY) == 0
    assert store.sql("SELECT text FROM texts").fetchall() == [("text new",)]


def test_replacing_by_equal_content_makes_no_version(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    labels = pa.table({"entity_id": ["1", "2"], "task": ["t", "t"], "label": ["x", None]})
    with store.run("serialize", "d", {}, "0") as run:
        assert run.replace("labels", {"dataset": "d"}, labels) == 2
    table = store.table("labels")
    assert table is not None
    version = table.version
    with store.run("serialize", "d", {}, "0") as run:
        assert run.replace("labels", {"dataset": "d"}, labels.take([1, 0])) == 0  # another order of the same rows
        assert run.replace("labels", {"dataset": "d"}, labels.slice(0, 1)) == 1
    table = store.table("labels")
    assert table is not None
    assert table.version == version + 1
    assert store.sql("SELECT entity_id FROM labels").fetchall() == [("1",)]


def test_a_scope_is_replaced_and_its_neighbours_stay(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    labels = pa.table({"entity_id": ["1"], "task": ["t"], "label": ["x"]})
    with store.run("serialize", "d", {}, "0") as run:
        run.replace("labels", {"dataset": "d"}, labels)
        run.replace("labels", {"dataset": "it's"}, labels)
        run.replace("labels", {"dataset": "d"}, labels.slice(0, 0))
    assert store.sql("SELECT dataset FROM labels").fetchall() == [("it's",)]


def test_a_scope_of_four_columns_is_replaced_by_itself(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    scope = {"dataset": "d", "task": "t", "features": "tfidf", "config_id": "c"}
    others = [{**scope, column: "other"} for column in scope]
    with store.run("probe", "d", {}, "0") as run:
        for each in (scope, *others):
            assert run.replace("probes", each, pa.table({"metric": ["f1", "roc_auc"], "value": [0.5, 0.6]})) == 2
        assert run.replace("probes", scope, pa.table({"metric": ["f1"], "value": [0.7]})) == 1
    found = store.sql("SELECT dataset, task, features, config_id, list(value ORDER BY metric) FROM probes GROUP BY ALL")
    expected = [(*scope.values(), [0.7]), *((*other.values(), [0.5, 0.6]) for other in others)]
    assert sorted(found.fetchall()) == sorted(expected)


def test_a_failing_run_says_why(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with pytest.raises(DataError), store.run("serialize", "d", {}, "0"):
        raise DataError("row 7 has no time: mend it")
    assert store.sql("SELECT status, message FROM runs").fetchall() == [("failed", "row 7 has no time: mend it")]


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with pytest.raises(KeyboardInterrupt), store.run("embed", "d", {}, "0"):
        raise KeyboardInterrupt
    assert store.sql("SELECT status FROM runs").fetchall() == [("interrupted",)]


def test_a_killed_run_is_found_dead_by_the_next(tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        import pyarrow as pa
        from llm4es_store import Store
        from tests.rows import KEY, SCOPE, texts
        run = Store(sys.argv[1], create=True).run("serialize", "d", {"a": 1}, "0").__enter__()
        run.append("texts", SCOPE, texts({"1": "a", "2": "b"}), KEY)
        run.replace("labels", {"dataset": "d"}, pa.table({"entity_id": ["1", "2"], "task": ["t", "t"]}))
        run.replace("probes", {"dataset": "d"}, pa.table({"task": ["t", "t"], "metric": ["roc_auc", "f1"]}))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), tmp_path / "store"], check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path / "store")
    assert store.sql("SELECT status FROM runs").fetchall() == [("killed",)]  # shown at once, though nothing is written
    assert store.sql("SELECT entity_id FROM texts ORDER BY 1").fetchall() == [
        ("1",),
        ("2",),
    ]  # what it committed is there
    with store.run("serialize", "d", {}, "0"):
        pass
    query = "SELECT status, config, versions, message, rows_computed FROM runs ORDER BY version"
    rows = store.sql(query).fetchall()
    written = {"read": None, "written": 1}  # told by the commits themselves
    versions = json.dumps({"labels": written, "probes": written, "texts": written})
    message = "the process ended without a word: rerun to resume from what it committed"
    # Two texts and one replacing of probes; labels are nothing that a run computes.
    assert rows[0] == ("killed", '{"a": 1}', versions, message, 3)
    (killed,) = (row for row in store.record().to_pylist() if row["status"] == "killed")
    assert killed["seconds"] < (killed["committed_at"] - killed["started_at"]).total_seconds()  # not until it was found


def test_a_living_run_is_not_called_dead(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("embed", "d", {}, "0") as run:
        run.begin()
        with Store(tmp_path / "store").run("probe", "d", {}, "0"):
            pass
        statuses = dict(store.sql("SELECT stage, status FROM runs").fetchall())
    assert statuses == {"embed": "running", "probe": "done"}


def _write(root: Path, entities: range) -> None:
    store = Store(root)
    for entity in entities:
        with store.run("serialize", "d", {}, "0") as run:
            plan = store.plan("texts", SCOPE, wanted({str(entity): "a"}), ["entity_id"])
            run.start_from(plan)
            if len(plan.todo):
                run.append("texts", SCOPE, texts({str(entity): "a"}), KEY)


def _together(target: Callable[[Path, range], None], root: Path, parts: list[range]) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=target, args=(root, part)) for part in parts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0


def test_writers_of_the_same_rows_commit_each_once(tmp_path: Path) -> None:
    root = tmp_path / "store"
    Store(root, create=True)
    _together(_write, root, [range(4), range(4), range(2, 6)])
    store = Store(root)
    counts = store.sql("SELECT entity_id, count(*) FROM texts GROUP BY 1 ORDER BY 1").fetchall()
    assert counts == [(str(entity), 1) for entity in range(6)]
    versions = store.record()["version"].to_pylist()
    assert versions == list(range(1, len(versions) + 1))  # none twice, none lost
    assert set(store.sql("SELECT status FROM runs").fetchall()) == {("done",)}


def test_many_small_commits_are_compacted_by_the_run_itself(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with store.run("embed", "d", {}, "0") as run:
        for entity in range(30):
            run.append("texts", SCOPE, texts({str(entity): "a"}), KEY)
    table = store.table("texts")
    assert table is not None
    assert table.files().num_rows == 1
    assert len(store.sql("SELECT * FROM texts").fetchall()) == 30


def test_many_small_runs_are_compacted_by_the_last_of_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    for entity in range(40):
        with store.run("embed", "d", {}, "0") as run:
            run.append("texts", SCOPE, texts({str(entity): "a"}), KEY)
    for table, most in (("texts", 24), ("runs", 64)):
        found = store.table(table)
        assert found is not None
        assert found.files().num_rows <= most, table
    assert len(store.sql("SELECT * FROM texts").fetchall()) == 40
    assert store.sql("SELECT count(*), count(DISTINCT version) FROM runs").fetchall() == [(40, 40)]
    assert store.record()["version"].to_pylist() == list(range(1, 81))
    assert store.sql("SELECT count(*) FROM runs", at=20).fetchall() == [(10,)]  # whatever became of its files
    assert store.sql("SELECT count(*) FROM texts", at=20).fetchall() == [(10,)]


def test_keys_are_compared_as_wholes() -> None:
    rows = pa.table({"a": ["a", "ab"], "b": ["bc", "c"]})
    assert among(rows, pa.table({"a": ["ab"], "b": ["c"]}), ("a", "b")).to_pylist() == [False, True]


def test_a_read_only_store_is_one_line_and_stays_as_it_was(tmp_path: Path) -> None:
    script = """
        import os, sys, tempfile
        from pathlib import Path
        import fsspec  # while Python's own files can be read: nobody may not look into root's
        from llm4es.core.errors import StoreError
        from llm4es_store import Store
        from llm4es_store.maintenance import optimize
        from tests.rows import KEY, SCOPE, texts
        root = Path(tempfile.mkdtemp(dir=sys.argv[1])) / "store"
        store = Store(root, create=True)
        with store.run("serialize", "d", {}, "0") as run:
            run.append("texts", SCOPE, texts({"1": "a"}), KEY)
        for folder, _, files in os.walk(root.parent):
            os.chmod(folder, 0o555)
        if os.geteuid() == 0:
            os.chmod(root.parent.parent, 0o755)
            os.setuid(65534)  # root may write everywhere: nobody may not
        store = Store(root)
        def write():
            with store.run("serialize", "d", {}, "0") as run:
                run.append("texts", SCOPE, texts({"2": "b"}), KEY)
        for work in (write, lambda: optimize(store, "0"), lambda: Store(root.parent / "new", create=True)):
            try:
                work()
            except StoreError as error:
                print(error)
        print(store.sql("SELECT entity_id FROM texts").fetchall(), store.sql("SELECT status FROM runs").fetchall())
    """
    with tempfile.TemporaryDirectory() as folder:  # not below tmp_path, which is its owner's only
        words = [sys.executable, "-c", textwrap.dedent(script), folder]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        for path in Path(folder).rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
    assert done.stderr == ""
    *refused, rows = done.stdout.splitlines()
    assert len(refused) == 3
    assert all(line.endswith("check the folder's permissions and free space") for line in refused)
    assert rows == "[('1',)] [('done',)]"
