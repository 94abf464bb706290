"""A store in a bucket: the same code against a local server that speaks S3."""

import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("moto", reason="the local S3 server is not installed: pip install 'moto[server]'")
pytest.importorskip("s3fs", reason="pip install 'llm4es[s3]'")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """The environment of a process that knows the server; the server lives as long as the module's tests."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
            "OMP_NUM_THREADS": "1",
        }
        yield {**os.environ, **environment}
    finally:
        server.kill()
        server.wait()


def script(environment: dict[str, str], code: str) -> str:
    """What a process of its own prints: credentials come from its environment only."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_bucket_holds_a_store(bucket: dict[str, str], tmp_path: Path) -> None:
    environment = {**bucket, "LLM4ES_CACHE": str(tmp_path / "cache")}
    out = script(
        environment,
        """
        import s3fs
        from llm4es.core.errors import StoreError
        from llm4es_store import Store
        from llm4es_store.maintenance import vacuum, optimize
        from llm4es_store.sql import fetch
        from tests.rows import KEY, SCOPE, texts, wanted

        files = s3fs.S3FileSystem()
        files.mkdir("bucket")
        files.pipe("bucket/other/secret.txt", b"secret")
        files.pipe("bucket/store-secret/secret.txt", b"secret")
        store = Store("s3://bucket/store", create=True)
        for entity in "12":
            with store.run("serialize", "d", {}, "0") as run:
                run.append("texts", SCOPE, texts({entity: "a"}), KEY)
        plan = store.plan("texts", SCOPE, wanted({"1": "b", "2": "a"}), ["entity_id"], complete=True)
        with store.run("serialize", "d", {}, "0") as run:
            run.start_from(plan)
            run.drop("texts", SCOPE, plan.stale)
            run.append("texts", SCOPE, texts({"1": "b"}), KEY)
        optimize(store, "0")
        vacuum(store, 30, dry_run=False, code_version="0")
        other = Store("s3://bucket/store")
        print(other.sql("SELECT entity_id, text FROM texts ORDER BY 1").fetchall())
        print(other.sql("SELECT entity_id, text FROM texts ORDER BY 1", at=4).fetchall())
        print(other.sql("SELECT DISTINCT status FROM runs").fetchall())
        for query in (
            "FROM read_text('s3://bucket/other/secret.txt')",
            "FROM read_text('s3://bucket/store-secret/secret.txt')",
            "FROM read_text('s3://bucket/store/../other/secret.txt')",
            "FROM glob('s3://bucket/*')",
            "FROM read_text('/etc/passwd')",
            "WITH x AS (COPY (SELECT 1) TO 's3://bucket/store/x.csv') FROM x",
            "WITH x AS (COPY (SELECT 1) TO 'store://tables/x.csv') PIVOT x ON count",
        ):
            try:
                print("rows:", fetch(other.sql(query)).to_pylist())
            except StoreError as error:
                print("refused")
        folders = store.remote_folders()
        folder = store.layout.folder("models") / "tuned"
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "weights").write_text("weights")
        folders.upload("tuned")
        """,
    )
    assert out.splitlines() == [
        "[('1', 'text b'), ('2', 'text a')]",
        "[('1', 'text a'), ('2', 'text a')]",
        "[('done',)]",
        "refused",
        "refused",
        "refused",
        "refused",
        "refused",
        "refused",
        "refused",
    ]
    shutil.rmtree(tmp_path / "cache")  # another machine
    out = script(
        environment,
        """
        from llm4es.core.errors import StoreError
        from llm4es_store import Store

        folders = Store("s3://bucket/store").remote_folders()
        print((folders.download("tuned") / "deep" / "weights").read_text(), list(folders.names()))
        folders.remove("tuned")
        print((folders.download("tuned") / "deep" / "weights").exists(), list(folders.names()))
        for kind in ("models", "raw"):
            try:
                Store("s3://bucket/store").remote_folders(kind).download("gone")
            except StoreError as error:
                print(error)
        """,
    )
    assert out.splitlines() == [
        "weights ['tuned']",
        "True []",
        "the weights bucket/store/models/gone are gone: tune the model again, or restore them",
        "the raw files bucket/store/raw/gone are gone: hand the frame in again, or restore them",
    ]


def test_a_bucket_that_is_not_there_is_one_line(bucket: dict[str, str]) -> None:
    out = script(
        bucket,
        """
        from llm4es.core.errors import StoreError
        from llm4es_store import Store
        try:
            Store("s3://nowhere/store")
        except StoreError as error:
            print(error)
        """,
    )
    (line,) = out.splitlines()
    assert "404 Not Found" in line
    assert line.endswith("check the bucket's name, and the credentials and endpoint in the environment")
    assert "\x1b" not in line


def test_writers_on_two_machines_commit_each_once(bucket: dict[str, str], tmp_path: Path) -> None:
    code = """
        import sys, time
        from llm4es_store import Store
        from tests.rows import KEY, SCOPE, texts, wanted

        store = Store("s3://bucket2/store", create=True)
        for entity in map(str, range(3)):
            plan = store.plan("texts", SCOPE, wanted({entity: "a"}), ["entity_id"])
            if len(plan.todo):
                with store.run("serialize", "d", {}, "0") as run:
                    run.start_from(plan)
                    run.append("texts", SCOPE, texts({entity: "a"}), KEY)
        """
    script(bucket, "import s3fs; s3fs.S3FileSystem().mkdir('bucket2')")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**bucket, "LLM4ES_CACHE": str(tmp_path / machine)},
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for machine in ("a", "b")
    ]
    for writer in writers:
        _, error = writer.communicate(timeout=300)
        assert writer.returncode == 0, error
    out = script(
        bucket,
        """
        from llm4es_store import Store
        store = Store("s3://bucket2/store")
        print(store.sql("SELECT entity_id, count(*) FROM texts GROUP BY 1 ORDER BY 1").fetchall())
        print(store.sql("SELECT DISTINCT status FROM runs").fetchall())
        versions = store.record()["version"].to_pylist()
        print(versions == list(range(1, len(versions) + 1)))
        """,
    )
    assert out.splitlines() == ["[('0', 1), ('1', 1), ('2', 1)]", "[('done',)]", "True"]


def test_a_dry_run_in_a_bucket_plans_as_one_on_a_disk_and_writes_nothing(
    bucket: dict[str, str], tmp_path: Path, model: Path
) -> None:
    environment = {**bucket, "LLM4ES_CACHE": str(tmp_path / "cache")}
    out = script(
        environment,
        f"""
        from pathlib import Path
        import s3fs
        from llm4es import Project
        from tests import shop

        place = Path({str(tmp_path)!r})
        words = dict(model={str(model)!r}, device="cpu", k=1, max_length=32, finetune="none")
        s3fs.S3FileSystem().mkdir("planned")

        def there():
            files = s3fs.S3FileSystem(use_listings_cache=False)
            return {{name: about["ETag"] for name, about in files.find("planned", detail=True).items()}}

        def planned(store, **more):
            plan = Project(place / "shop/shop.toml", store, observer="silent").run(dry_run=True, **words, **more)
            names = ("stage", "what", "rows", "computed", "reused", "reasons")
            tokens = [each.cost and each.cost.tokens for each in plan.outcomes]
            return [*zip([[getattr(each, name) for name in names] for each in plan.outcomes], tokens)]

        stores = ["s3://planned/store", place / "store"]
        shop.write(place / "shop", 12)
        for store in stores:
            made = Project(place / "shop/shop.toml", store, observer="silent")
            made.serialize()
            made.enrich(variants=1)
        before = there()
        same = planned(stores[0])
        assert same == planned(stores[1])
        assert {{stage: computed for (stage, _, _, computed, *_), _ in same}}["serialize"] == 0
        shop.write(place / "shop", 14, {{3: "coffee"}})
        changed = planned(stores[0])
        assert changed == planned(stores[1])
        assert {{stage: computed for (stage, _, _, computed, *_), _ in changed}}["serialize"] == 3
        assert there() == before
        print("planned alike")
        """,
    )
    assert "planned alike" in out
