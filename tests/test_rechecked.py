"""Rewritings that an earlier check let pass: those that are good stay as they are, the others are asked for again."""

from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.enrich import judge, variants
from llm4es.enrich.engine import Request
from llm4es.enrich.fidelity import Fidelity
from llm4es.project import enrich
from llm4es.project.observer import Null
from llm4es.project.rechecked import Rechecked, rechecked

from . import shop
from .scripted import events_of
from .serving import Reply, chat, served


def told(body: dict[str, Any], alter: bool) -> Reply:
    """The events as a list; altered: every other customer's last value is another one."""
    names, *events = events_of(Request("", body["messages"][-1]["content"], 0))
    lines = [dict(zip(names.split(" | "), event.split(" | "), strict=True)) for event in events]
    if alter and sum(map(ord, events[0])) % 2:
        lines[-1][names.split(" | ")[-1]] = "never"
    return chat("\n".join("- " + "; ".join(f"{name}: {value}" for name, value in line.items()) for line in lines))


class Heard(Null):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


WORDS: dict[str, Any] = {
    "by": "llm", "engine": "openai", "model": "m", "formats": "bullets", "variants": 1, "constrain": "off"
}  # fmt: skip


def of_earlier(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve rewritings that an earlier check let pass, some of them altered."""
    with monkeypatch.context() as earlier:
        earlier.setattr(variants, "VERSION", 3)
        earlier.setattr(judge, "check", lambda events, *_, **__: Fidelity(len(events), len(events), 0, 0, (), True))
        with served(lambda body: told(body, alter=True)) as server:
            assert project.enrich(base_url=server.url, **WORDS).computed == 12


def test_what_another_process_has_asked_for_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first looks, the second looks, asks and commits; then the first drops what it found."""
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    recipe = shop.write(tmp_path / "shop", customers=12)
    project = Project(recipe, tmp_path / "store")
    project.serialize()
    of_earlier(project, monkeypatch)
    ((altered,),) = project.store.sql("SELECT count(*) FROM texts WHERE text LIKE '%never%'").fetchall()
    assert altered
    with served(lambda body: told(body, alter=False)) as server:

        def slowly(*of: Any) -> Rechecked:
            found = rechecked(*of)
            monkeypatch.setattr(enrich, "rechecked", rechecked)
            assert Project(recipe, tmp_path / "store").enrich(base_url=server.url, **WORDS).computed == altered
            return found

        monkeypatch.setattr(enrich, "rechecked", slowly)
        assert project.enrich(base_url=server.url, **WORDS).computed == 0
        assert len(server.seen) == altered
    query = "SELECT count(*), count(*) FILTER (text LIKE '%never%') FROM texts WHERE variant <> 'raw'"
    assert project.store.sql(query).fetchall() == [(12, 0)]


def test_only_what_does_not_pass_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    heard = Heard()
    project = Project(shop.write(tmp_path / "shop", customers=12), tmp_path / "store", observer=heard)
    project.serialize()
    view = "SELECT entity_id, variant, text_hash, config_id FROM texts WHERE variant <> 'raw'"
    of_earlier(project, monkeypatch)
    before = set(project.store.sql(view).fetchall())
    ((altered,),) = project.store.sql("SELECT count(*) FROM texts WHERE text LIKE '%never%'").fetchall()
    assert 0 < altered < 12
    with served(lambda body: told(body, alter=False)) as server:
        planned = project.enrich(base_url=server.url, dry_run=True, **WORDS)
        assert (planned.computed, planned.reused) == (altered, 12 - altered)
        done = project.enrich(base_url=server.url, **WORDS)
        message = (
            f"enrich: {12 - altered} rewritings of an earlier check pass this one and are kept; {altered} do not, and "
            "are asked for again"
        )
        assert heard.said.count(message) == 2  # once by the plan alone
        assert (done.computed, done.reused, len(server.seen)) == (altered, 12 - altered, altered)
        assert project.enrich(base_url=server.url, **WORDS).computed == 0
        assert len(server.seen) == altered
    after = set(project.store.sql(view).fetchall())
    assert len(after) == 12
    assert len(after - before) == len(before - after) == altered
    assert len({row[3] for row in after | before}) == 1  # the configuration is as it was
