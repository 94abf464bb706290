"""``enrich --by llm`` with forms: what a configuration counts, and what a recipe lets a model say in other words."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llm4es.enrich.form import VERSION
from llm4es.enrich.variants import fingerprint
from llm4es.options import Constrain, EngineName, EnrichBy, EnrichOptions
from llm4es.recipes import FieldSpec, load_recipe
from llm4es_cli.main import app
from llm4es_store import Store

from . import shop, tiny


def of(**settings: Any) -> EnrichOptions:
    return EnrichOptions(by=EnrichBy.LLM, **settings)


def test_a_form_is_part_of_the_configuration_where_there_is_one() -> None:
    assert fingerprint(of(formats=("table",)))["form"] == VERSION
    free = fingerprint(of(formats=("table",), constrain=Constrain.OFF))
    assert free == fingerprint(of(formats=("table",))) | {"form": "off"}
    prose = fingerprint(of(formats=("narrative",)))
    assert prose == fingerprint(of(formats=("narrative",), constrain=Constrain.OFF))
    assert "constrain" not in prose  # rows made before there were forms keep their name
    assert "form" not in fingerprint(EnrichOptions())
    assert "form" not in fingerprint(of(formats=("table",), engine=EngineName.OPENAI))  # it may take forms or not


def test_what_may_be_paraphrased_is_part_of_it_where_anything_may() -> None:
    assert "paraphrase" not in fingerprint(of())
    assert fingerprint(of(), paraphrase=("B", "A"))["paraphrase"] == ["A", "B"]


def test_a_recipe_that_says_nothing_of_it_is_the_same_recipe() -> None:
    recipe = load_recipe("movielens-100k")
    fields = [field.model_copy(update={"paraphrase": field.name == "genres"}) for field in recipe.fields]
    free = recipe.model_copy(update={"fields": tuple(fields)})
    assert '"paraphrase"' not in recipe.to_json()
    assert '"paraphrase":true' in free.to_json()
    assert free.fingerprint() == recipe.fingerprint()  # the raw texts are the same
    assert free.content_hash() != recipe.content_hash()


@pytest.mark.parametrize("says", [{"type": "number"}, {"derive": "weekday"}])
def test_only_words_are_paraphrased(says: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'paraphrase' is for fields of type 'text' that are not derived"):
        FieldSpec.model_validate({"name": "x", "paraphrase": True, **says})


def test_an_untrained_model_rewrites_every_event(tmp_path: Path) -> None:
    recipe, model, store = shop.write(tmp_path / "shop", customers=5), tiny.save(tmp_path / "base"), tmp_path / "store"
    config = json.loads((model / "config.json").read_text()) | {"max_position_embeddings": 8192}
    (model / "config.json").write_text(json.dumps(config))

    def run(*words: object) -> list[dict[str, Any]]:
        done = CliRunner().invoke(app, [*map(str, words), "--format", "json", "--store", str(store)])
        assert done.exit_code == 0, done.output + str(done.exception)
        made: list[dict[str, Any]] = json.loads(done.stdout)
        return made

    run("serialize", recipe)
    words = (
        "enrich",
        recipe,
        "--by",
        "llm",
        "--model",
        model,
        "--formats",
        "table",
        "--variants",
        1,
        "--device",
        "cpu",
    )
    assert run(*words, "--batch-size", 2)[0]["computed"] == 5
    query = """SELECT entity_id, t.n_events, t.fidelity, t.note, r.text, t.text FROM texts t
        JOIN texts r USING (entity_id) WHERE t.variant = 'llm_table' AND r.variant = 'raw'"""
    rows = Store(store).sql(query).fetchall()
    assert len(rows) == 5
    for _, events, fidelity, note, raw, text in rows:
        assert (fidelity, note) == (1.0, None)
        header, *lines = raw.split("\n")
        title, _, *cells = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in text.splitlines()]
        expected = [dict(zip(header.split(" | "), line.split(" | "), strict=True)) for line in lines]
        assert [dict(zip(title, row, strict=True)) for row in cells] == expected
        assert len(cells) == events
    assert run(*words)[0]["computed"] == 0
    assert run(*words, "--constrain", "off", "--dry-run")[0]["to compute"] == 5
