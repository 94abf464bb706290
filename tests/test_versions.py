"""A tuned model stays put: tuned once, kept from day to day, and tuned anew into a version beside the old one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm4es import Project
from llm4es.core.errors import ModelError, OptionError
from llm4es.options import RunOptions
from llm4es.project.feature_sources import feature_sources
from llm4es_store import Store

from . import encoders, shop
from .heard import Heard

pytestmark = pytest.mark.usefixtures("few_folds")

RUN: dict[str, Any] = {"k": 1, "max_length": 64, "variants": 0, "history": "newest", "finetune": 2}
TUNE: dict[str, Any] = {"steps": 2, "max_length": 64}


class Days:
    """A shop whose customers buy other things from day to day, and the daily job on it."""

    def __init__(self, place: Path, model: Path, **options: Any) -> None:
        self.place, self.model, self.options = place, model, {**RUN, **options}
        self.heard = Heard()
        self.project = Project(self.write({}), place / "store", observer=self.heard)

    def write(self, changed: dict[int, str]) -> Path:
        """The shop's files; a recipe without tasks, since nothing here is about probes."""
        recipe = shop.write(self.place / "shop", changed=changed)
        recipe.write_text(recipe.read_text().partition("[tasks.")[0])
        return recipe

    def day(self, changed: dict[int, str], **options: Any) -> dict[str, int]:
        """What the daily job computes, by step and model."""
        self.write(changed)
        self.heard.since()
        done = self.project.run(model=str(self.model), **{**self.options, **options})
        return {f"{each.stage} {each.what}": each.computed for each in done.outcomes}

    def models(self) -> list[str]:
        return [name for (name,) in self.project.store.sql("SELECT model FROM models ORDER BY version").fetchall()]

    def vectors(self) -> dict[str, int]:
        return dict(self.project.store.sql("SELECT model, count(*) FROM embeddings GROUP BY 1").fetchall())


@pytest.fixture
def days(place: Path, model: Path) -> Days:
    return Days(place, model)


def test_a_week_of_changed_customers_tunes_once(days: Days) -> None:
    assert days.day({}) == {
        "serialize shop": 20,
        "finetune tinyllama-shop": 1,
        "embed tinyllama": 20,
        "embed tinyllama-shop": 20,
    }
    trained = days.project.store.sql("SELECT entity_id FROM splits WHERE split = 'train'").fetchall()
    changed: dict[int, str] = {}
    for day in range(6):
        changed |= {day: "coffee", 6 + day: "cocoa"}
        made = days.day(changed)
        assert made == {
            "serialize shop": 2,
            "finetune tinyllama-shop": 0,
            "embed tinyllama": 2,
            "embed tinyllama-shop": 2,
        }
        (said,) = [line for line in days.heard.said if line.startswith("finetune: ")]
        new = sum((f"c{customer}",) in trained for customer in changed)
        assert "tinyllama-shop@v1 is kept: tuned 20" in said
        assert said.endswith(f" on {len(trained)} texts, {new} texts are new or changed since (--retune tunes it anew)")
    assert days.models() == ["tinyllama-shop"]


def test_retuning_makes_a_version_beside_the_old_one(days: Days) -> None:
    days.day({})
    (before,) = days.project.store.sql("SELECT fingerprint FROM models").fetchall()
    made = days.day({0: "coffee", 1: "coffee"}, retune=True)
    assert made["finetune tinyllama-shop@v2"] == 1
    assert made["embed tinyllama-shop@v2"] == 20
    assert days.models() == ["tinyllama-shop", "tinyllama-shop@v2"]
    assert days.vectors() == {"tinyllama": 20, "tinyllama-shop": 20, "tinyllama-shop@v2": 20}
    rows = days.project.store.sql("SELECT model, version, fingerprint FROM models ORDER BY 1").fetchall()
    assert [(name, version) for name, version, _ in rows] == [("tinyllama-shop", 1), ("tinyllama-shop@v2", 2)]
    assert rows[0][2] == before[0] != rows[1][2]
    again = days.day({0: "coffee", 1: "coffee"}, retune=True)  # nothing is new: it would be the same model
    assert again["finetune tinyllama-shop@v2"] == 0
    assert days.day({0: "coffee", 1: "tea"})["embed tinyllama-shop@v2"] == 1
    assert days.models() == ["tinyllama-shop", "tinyllama-shop@v2"]


def test_an_older_version_is_probed_where_it_was_asked_for_alone(days: Days) -> None:
    days.day({})
    days.day({0: "coffee"}, retune=True)
    query = "SELECT DISTINCT config_id FROM embeddings WHERE model = 'tinyllama-shop'"
    context, ((config,),) = days.project._context(), days.project.store.sql(query).fetchall()

    def versions(*also: tuple[str, str]) -> set[str]:
        return {str(source.model) for source in feature_sources(context, also=also) if source.k}

    newest = {"tinyllama", "tinyllama-shop@v2"}
    assert versions() == versions(("tinyllama-shop@v2", config)) == newest  # one of the same weights has its config
    assert versions(("tinyllama-shop", config)) == {*newest, "tinyllama-shop@v1"}


def test_a_changed_setting_tunes_anew_and_going_back_finds_the_version(days: Days) -> None:
    days.day({})
    settings: list[dict[str, Any]] = [{"finetune": 3}, {"method": "full"}, {"seed": 1}, {"max_length": 63}]
    for number, setting in enumerate(settings, 2):
        made = days.day({}, **setting)
        assert made[f"finetune tinyllama-shop@v{number}"] == 1, setting
        assert made[f"embed tinyllama-shop@v{number}"] == 20
    made = days.day({0: "coffee"})
    assert made["finetune tinyllama-shop"] == 0
    assert made["embed tinyllama-shop"] == 1  # the version of these settings, not the newest
    assert len(days.models()) == 5


def test_a_dry_run_says_that_the_model_stays(days: Days) -> None:
    days.day({})
    made = days.day({0: "coffee"}, dry_run=True)
    assert made == {
        "serialize shop": 1,
        "finetune tinyllama-shop": 0,
        "embed tinyllama": 1,
        "embed tinyllama-shop": 1,
    }
    assert days.day({0: "coffee"}) == made


def test_a_later_cut_off_keeps_the_model_and_an_earlier_one_does_not(days: Days) -> None:
    assert days.day({}, as_of="2026-01-04")["finetune tinyllama-shop"] == 1
    assert days.day({}, as_of="2026-01-05")["finetune tinyllama-shop"] == 0
    assert days.day({}, as_of="2026-01-03")["finetune tinyllama-shop@v2"] == 1
    assert days.day({}, as_of="none")["finetune tinyllama-shop@v2"] == 0  # the newest whose histories end before


def test_further_variants_keep_the_model(days: Days) -> None:
    days.day({})
    days.project.enrich(variants=1)
    assert days.day({})["finetune tinyllama-shop"] == 0
    assert "16 texts are new or changed since" in days.heard.since()


def test_a_model_of_a_sample_is_not_kept_for_everybody(days: Days) -> None:
    """And everybody's model is kept where a sample is looked at."""

    def sample(n: int) -> str:
        project = Project(days.write({}), days.place / "store", observer="silent", max_entities=n)
        done = project.run(model=str(days.model), **RUN)
        return next(f"{each.what}: {each.computed}" for each in done.outcomes if each.stage == "finetune")

    assert sample(12) == "tinyllama-shop: 1"
    assert sample(10) == "tinyllama-shop: 0"
    assert days.day({})["finetune tinyllama-shop@v2"] == 1
    assert sample(12) == "tinyllama-shop@v2: 0"


def test_finetune_itself_is_asked_and_tunes_anew_where_texts_changed(days: Days) -> None:
    project, model = days.project, str(days.model)
    project.serialize()
    project.finetune(model, name="mine", **TUNE)
    assert project.finetune(model, name="mine", **TUNE).computed == 0
    days.write({0: "coffee", 1: "coffee"})
    project.serialize()
    planned = project.finetune(model, name="mine", dry_run=True, **TUNE)
    done = project.finetune(model, name="mine", **TUNE)
    assert (planned.what, planned.computed, planned.reasons) == ("mine@v2", 1, {"text changed": 1})
    assert (done.what, done.computed, done.reasons) == ("mine@v2", 1, {"text changed": 1})
    other = project.finetune(model, name="mine", **{**TUNE, "steps": 3})
    assert (other.what, other.reasons) == ("mine@v3", {"other settings (steps 2 \u2192 3)": 1})
    days.heard.since()
    assert project.finetune(model, name="mine", **TUNE).what == "mine@v2"
    assert days.heard.since() == ("finetune: mine@v2 was made so; the name mine stands for mine@v3, the newest")


def test_names_of_versions(days: Days) -> None:
    project, model = days.project, str(days.model)
    project.serialize()
    for steps in (1, 2):
        project.finetune(model, name="mine", steps=steps, max_length=64)
    assert [project.embed(name, k=1, max_length=64).what for name in ("mine", "mine@v1", "mine@v2")] == [
        "mine@v2",
        "mine",
        "mine@v2",
    ]
    with pytest.raises(ModelError, match=r"^mine has no version v9: there are v1, v2$"):
        project.embed("mine@v9", k=1, max_length=64)
    with pytest.raises(
        OptionError, match=r"--name 'mine@v2' cannot name a model: .* \(versions are counted by themsel"
    ):
        project.finetune(model, name="mine@v2", **TUNE)
    with pytest.raises(OptionError, match="--name 'mine' is the base model's own name"):
        project.finetune("mine@v1", name="mine", **{**TUNE, "method": "full"})
    assert project.finetune("mine@v1", dry_run=True, **{**TUNE, "method": "full"}).what == "mine-v1-shop"


def test_nothing_to_retune_is_refused(days: Days, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--retune with --finetune none: no model is tuned; leave one of the two out"):
        days.day({}, finetune="none", retune=True)
    with pytest.raises(OptionError, match="--retune with --engine openai: no model is tuned"):
        RunOptions.of(engine="openai", base_url="http://127.0.0.1:9/v1", retune=True)
    encoder = encoders.save(tmp_path / "mini", "bert")
    with pytest.raises(OptionError, match=r"^--retune: .*mini is an encoder, which is not tuned; leave it out$"):
        days.project.run(model=str(encoder), **{**RUN, "finetune": None}, retune=True)
    assert not (days.place / "store").exists() or Store(days.place / "store").sql("FROM runs").fetchall() == []


def test_two_retunings_at_once_make_one_version(days: Days) -> None:
    days.day({})
    days.write({0: "coffee", 1: "coffee"})
    words = f"run {days.place / 'shop/shop.toml'} --model {days.model} --store {days.place / 'store'} --k 1"
    words += " --max-length 64 --variants 0 --history newest --finetune 2 --retune --quiet"
    command = [sys.executable, "-m", "llm4es_cli.main", *words.split()]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(each.communicate(timeout=600)[1], each.returncode) for each in both] == [(b"", 0)] * 2
    assert days.models() == ["tinyllama-shop", "tinyllama-shop@v2"]
    assert days.vectors() == {"tinyllama": 20, "tinyllama-shop": 20, "tinyllama-shop@v2": 20}
    computed = "SELECT sum(rows_computed)::INT FROM runs WHERE stage = 'finetune'"
    assert days.project.store.sql(computed).fetchall() == [(2,)]


def test_a_tuning_that_ends_half_way_leaves_no_version_and_the_next_goes_on(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.day({})
    project, changed = days.project, {0: "coffee", 1: "coffee"}

    def failing(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("llm4es.project.training.Committed.keep_model", failing)  # whom it saw is entered, it is not
        with pytest.raises(KeyboardInterrupt):
            days.day(changed, retune=True)
    assert days.models() == ["tinyllama-shop"]
    assert project.embed("tinyllama-shop", k=1, max_length=64).what == "tinyllama-shop"
    assert days.day(changed, retune=True)["finetune tinyllama-shop@v2"] == 1
    assert days.models() == ["tinyllama-shop", "tinyllama-shop@v2"]
    config = project.store.sql("SELECT config FROM runs WHERE stage = 'finetune' ORDER BY version DESC LIMIT 1")
    assert json.loads(config.fetchall()[0][0])["model_name"] == "tinyllama-shop@v2"
