"""A model whose folder a worker does not have."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from llm4es.core.errors import ModelError
from llm4es.models.ref import ModelRef
from llm4es.models.resolve import resolve
from llm4es.project import models_there as module
from llm4es.project.increments import Work
from llm4es.project.models_there import models_there
from llm4es_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True)


def set_up(ref: ModelRef, more: int) -> Work:
    """Loads nothing."""
    return lambda batches, advance: iter(())


def found(ref: ModelRef, store: Store) -> ModelRef:
    made = models_there(partial(set_up, ref, 3), store)
    assert isinstance(made, partial)
    assert made.args[1] == 3
    given: ModelRef = made.args[0]
    return given


def test_one_that_is_there_stays_and_one_that_is_not_is_found_by_name(
    model: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = resolve(str(model))
    assert found(ref, store) is ref
    elsewhere = replace(ref, folder=Path("/elsewhere/model"))
    monkeypatch.setattr("platform.node", lambda: "node7")
    with pytest.raises(ModelError, match=r"is not on node7: no folder /elsewhere/model, and .* workers need it"):
        found(elsewhere, store)
    asked: list[str] = []

    def by_name(_: Store, name: str) -> ModelRef:
        asked.append(name)
        return ref

    monkeypatch.setattr(module, "resolved", by_name)
    assert found(elsewhere, store) is ref
    assert asked == [ref.name]
    with pytest.raises(ModelError, match="is another model on node7"):
        found(replace(elsewhere, fingerprint="0" * 64), store)
