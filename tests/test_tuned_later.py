"""A model that was tuned on later events than it is scored on says so, wherever its figures stand."""

from pathlib import Path
from typing import Any

from llm4es import Project

from . import shop
from .heard import Heard


def test_a_model_tuned_on_whole_histories_may_know_what_came_after(place: Path, model: Path) -> None:
    heard = Heard()
    project = Project(shop.write(place / "shop"), place / "store", observer=heard)
    tuning: dict[str, Any] = {"steps": 2, "max_length": 64, "method": "full"}
    project.serialize(as_of="2026-01-03")
    project.finetune(str(model), name="early", **tuning)
    project.serialize()
    project.finetune(str(model), name="whole", **tuning)
    project.serialize(as_of="2026-01-03")
    for name in ("early", "whole"):
        project.embed(name, k=1, max_length=64)
    heard.since()
    said = (
        "whole was tuned on whole histories, and is scored on histories before 2026-01-03: it may know what came after"
    )
    for name in ("early@1", "whole@1+counts"):
        project.probe("loyal", features=name, folds=2, repeats=1, bootstrap=20)
        assert (said in heard.since()) == ("whole" in name)
    project.compare("loyal", common=True)
    told = heard.since()
    assert said in told
    assert "early was" not in told
    project.serialize()
    for name in ("early", "whole"):
        project.embed(name, k=1, max_length=64)
    project.probe("loyal", features="early@1,whole@1", folds=2, repeats=1, bootstrap=20)
    assert "was tuned on" not in heard.since()
