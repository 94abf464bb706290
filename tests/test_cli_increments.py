"""The second day from the command line: what has changed is computed again, and nothing else."""

from . import shop
from .shell import Shell


def test_a_changed_entity_is_the_only_one_computed_again(shell: Shell) -> None:
    embed = ("--model", shell.model, "--max-length", "64", "--k", "1,2")
    shell.stage("serialize")
    shell.stage("enrich", "--variants", "1")
    assert shell.stage("embed", *embed)[0]["computed"] == 40
    shop.write(shell.folder / "shop", changed={7: "coffee"})
    (plan,) = shell.stage("serialize", "--dry-run")
    assert (plan["rows"], plan["to compute"], plan["why"]) == (20, 1, "1 text changed")
    for command, words, computed in (("serialize", (), 1), ("enrich", ("--variants", "1"), 1), ("embed", embed, 2)):
        (done,) = shell.stage(command, *words)
        assert done["computed"] == computed, command
        assert "text changed" in done["why"]
    assert shell.sql("SELECT count(*), count(DISTINCT (entity_id, k)) FROM embeddings") == [(40, 40)]
    assert shell.sql("SELECT entity_id FROM texts WHERE text LIKE '%coffee%' AND variant = 'raw'") == [("c7",)]
    assert shell.sql("SELECT count(*) FROM events_shop WHERE product = 'coffee'") == [(1,)]


def test_vanished_entities_leave_every_live_view(shell: Shell) -> None:
    shell.stage("serialize")
    shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1")
    shop.write(shell.folder / "shop", customers=18)
    (done,) = shell.stage("serialize")
    assert done["why"] == "2 vanished"
    shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1")
    for view in ("texts", "embeddings", "events_shop", "splits"):
        assert shell.sql(f"SELECT count(DISTINCT entity_id) FROM {view}") == [(18,)], view


def test_another_setting_is_another_configuration(shell: Shell) -> None:
    shell.stage("serialize")
    shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1")
    (plan,) = shell.stage("embed", "--model", shell.model, "--max-length", "32", "--k", "1", "--dry-run")
    assert (plan["to compute"], plan["why"]) == (20, "20 other settings (max length 64 → 32)")
    (plan,) = shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1", "--batch-tokens", "128")
    assert plan["computed"] == 0  # how the work is done changes nothing
    (done,) = shell.stage("embed", "--model", shell.model, "--max-length", "64", "--k", "1,3")
    assert (done["computed"], done["reused"]) == (20, 20)  # one k was there


def test_a_sample_is_part_of_a_larger_one_and_of_the_whole(shell: Shell) -> None:
    assert shell.stage("serialize", "--max-entities", "5")[0]["computed"] == 5
    assert shell.stage("serialize", "--max-entities", "4")[0]["computed"] == 0
    assert shell.stage("serialize", "--max-entities", "8")[0]["computed"] == 3
    assert shell.stage("serialize")[0]["computed"] == 12


def test_a_model_tuned_anew_is_a_version_beside_the_old_one(shell: Shell) -> None:
    tune = ("--model", shell.model, "--max-length", "64", "--texts", "raw", "--name", "mine")
    embed = ("--model", "mine", "--max-length", "64", "--k", "1")
    shell.stage("serialize")
    shell.stage("finetune", *tune, "--steps", "1")
    shell.stage("embed", *embed)
    shell.stage("finetune", *tune, "--steps", "2")
    (done,) = shell.stage("embed", *embed)
    assert (done["computed"], done["why"]) == (20, "20 model changed")
    counts = "SELECT model, count(*), count(DISTINCT fingerprint) FROM embeddings GROUP BY 1 ORDER BY 1"
    assert shell.sql(counts) == [("mine", 20, 1), ("mine@v2", 20, 1)]
