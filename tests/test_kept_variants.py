"""More variants keep the fewer ones: only those that are missing are written, by rules and by a model."""

from pathlib import Path
from typing import Any

import pytest

from llm4es import Project

from . import shop
from .serving import chat, served
from .tiny import save


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


def test_what_is_embedded_follows_what_is_kept(project: Project, tmp_path: Path) -> None:
    """Fewer variants leave vectors as they are; of a text that has changed there are as many as were asked for."""
    words: dict[str, Any] = {"model": str(save(tmp_path / "tiny")), "k": 1, "max_length": 64, "texts": "all"}
    for variants, made in ((4, 32), (2, 0), (3, 0)):
        assert project.enrich(variants=variants).computed == made
    assert counts(project.embed(**words)) == (8, 0)
    assert counts(project.embed(**words)) == (0, 8)
    shop.write(tmp_path / "shop", customers=8, changed={1: "gold"})
    project.serialize()
    assert counts(project.enrich(variants=2)) == (2, 14)
    assert [row[0] for row in kept(project)].count("c1") == 2
    assert counts(project.embed(**words)) == (1, 7)
    assert counts(project.embed(**words)) == (0, 8)
    assert counts(project.enrich(variants=4)) == (2, 30)
    assert len(kept(project)) == 32
    assert counts(project.embed(**words)) == (1, 7)


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
