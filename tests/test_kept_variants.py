"""More variants keep the fewer ones: only those that are missing are written, by rules and by a model."""

from pathlib import Path
from typing import Any

import pytest

from llm4es import Project

from . import shop
from .serving import chat, served


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(shop.write(tmp_path / "shop", customers=8), tmp_path / "store")
    made.serialize()
    return made


def kept(project: Project) -> list[tuple[Any, ...]]:
    query = "SELECT entity_id, variant, config_id, run_id FROM texts WHERE variant <> 'raw' ORDER BY ALL"
    return project.store.sql(query).fetchall()


def counts(outcome: Any) -> tuple[int, int]:
    return outcome.computed, outcome.reused


def test_more_by_rules(project: Project) -> None:
    assert counts(project.enrich(variants=2)) == (16, 0)
    two = kept(project)
    planned = project.enrich(variants=4, dry_run=True)
    assert (planned.computed, planned.reused) == (16, 16)
    assert counts(project.enrich(variants=4)) == (16, 16)
    four = kept(project)
    assert set(two) < set(four)
    assert len({row[:2] for row in four}) == len(four) == 32
    assert counts(project.enrich(variants=2)) == (0, 16)  # fewer take nothing away
    assert counts(project.enrich(variants=4)) == (0, 32)
    assert kept(project) == four
    assert counts(project.enrich(variants=2, seed=1)) == (16, 0)


def test_more_by_a_server(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with served(chat("nothing")) as server:
        words: dict[str, Any] = {
            "by": "llm", "engine": "openai", "model": "m", "base_url": server.url, "formats": "bullets", "retries": 0
        }  # fmt: skip
        for variants, asked in ((1, 8), (3, 16), (3, 0), (2, 0)):
            before = len(server.seen)
            project.enrich(variants=variants, **words)
            assert len(server.seen) - before == asked
    assert len(kept(project)) == 24
