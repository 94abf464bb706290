"""The baseline that knows time alone: days counted by hand, the moment they are counted from, and what has no times."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from llm4es import Project
from llm4es.core.errors import ProbeError
from llm4es.features.recency import recency

from .shell import Shell


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, number, hour, tzinfo=UTC)


EVENTS = pa.table(
    {
        "entity_id": ["b", "a", "a", "a", "c"],
        "event_time": [day(31), day(21), day(11), day(29), day(30, 12)],
        "as_of": [None, day(31), day(31), day(31), day(30, 18)],
    }
)


def test_days_are_counted_to_the_last_event_of_all() -> None:
    features = recency(EVENTS.select(["entity_id", "event_time"]).to_batches(max_chunksize=2))
    assert (features.name, features.model, features.entity_ids) == ("recency", None, ["a", "b", "c"])
    # a: 2 and 20 days before the 31st, 3 events in 20 days; b and c: one event counts as one in a day
    assert np.expm1(features.matrix) == pytest.approx(np.array([[2, 20, 3 / 20], [0, 0, 1], [0.5, 0.5, 1]]))


def test_an_entity_with_a_cutoff_is_counted_to_it() -> None:
    later = pa.concat_tables([EVENTS, EVENTS.slice(0, 1).set_column(0, "entity_id", [["d"]])])
    found = np.expm1(recency(later, "as_of").matrix)
    assert found[:, 0] == pytest.approx([2, 0, 0.25, 0])  # b and d have none: the last event of all, of the 31st


def test_the_hash_follows_the_moment() -> None:
    whole = recency(EVENTS, "as_of")
    assert whole.source_hash == recency(EVENTS.take([4, 3, 2, 1, 0]), "as_of").source_hash
    assert whole.source_hash != recency(EVENTS).source_hash


def test_events_without_times() -> None:
    with pytest.raises(ProbeError, match="events of entity 'a' have no time: recency needs one of each event"):
        recency(pa.table({"entity_id": ["a"], "event_time": pa.array([None], pa.timestamp("us"))}))
    with pytest.raises(ProbeError, match="events have no column 'event_time': choose one of entity_id"):
        recency(pa.table({"entity_id": ["a"]}))


def test_it_is_probed_with_every_other_baseline(project: Project) -> None:
    project.serialize()
    project.probe("loyal", folds=2, repeats=1, bootstrap=20)
    rows = {row["features"]: row for row in project.compare("loyal").to_pylist()}
    assert sorted(rows) == ["counts", "majority", "recency", "tfidf", "words", "words-aligned"]
    assert rows["recency"]["dimensions"] == 3
    first = next(row for row in project.export(features="recency").to_pylist() if row["entity_id"] == "c0")
    # c0 buys on the 1st, 2nd and 3rd of January, and the last purchase of all is on the 6th
    assert np.expm1([value for value in first.values() if isinstance(value, float)]) == pytest.approx([3, 5, 3 / 5])


def test_no_times_no_recency(shell: Shell) -> None:
    recipe = Path(shell.recipe)
    recipe.write_text(recipe.read_text().replace('time = { from = "bought_at" }\n', ""))
    shell.stage("serialize")
    code, _, err = shell("probe", recipe, "--folds", "2", "--repeats", "1", "--bootstrap", "20")
    assert code == 0
    assert "shop: events have no times, so there is no baseline 'recency'" in err
    probed = {name for (name,) in shell.sql("SELECT features FROM probes")}
    assert probed == {"tfidf", "words", "words-aligned", "counts", "majority"}
    line = shell.fails("probe", recipe, "--features", "recency")
    assert "--features 'recency' needs events.time in the recipe: there is none" in line


def test_it_stands_at_the_cutoff_of_the_texts(project: Project) -> None:
    """With a cut-off on the 3rd of January, days are counted to it, and later events are not there."""
    project.serialize(as_of="2026-01-03")
    first = next(row for row in project.export(features="recency").to_pylist() if row["entity_id"] == "c0")
    days = [value for value in first.values() if isinstance(value, float)]
    # purchases at 10 o'clock of the 1st and the 2nd: 14 and 38 hours before midnight
    assert np.expm1(days) == pytest.approx([14 / 24, 38 / 24, 2 / (38 / 24)])
