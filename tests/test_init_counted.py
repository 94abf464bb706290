"""What baselines count where nobody has said it: things that users share, not papers, places of living and rows."""

import random
from pathlib import Path

import pandas as pd
import pytest

from llm4es.recipes import load_recipe, recipe_from_frame
from llm4es.recipes.init.draft import Draft, draft_recipe
from llm4es.recipes.model import Recipe


def purchases() -> pd.DataFrame:
    """Forty users, with every column that was once taken for the item or the amount."""
    draw = random.Random(0)
    rows: list[dict[str, object]] = []
    for basket in range(400):
        user = draw.randrange(40)
        for _ in range(3):
            product = min(int(draw.expovariate(0.1)), 59)
            rows.append(
                {
                    "Unnamed: 0": len(rows) * 3,
                    "age": 20 + user,
                    "user_id": f"u{user}",
                    "session_id": 5000 + basket,
                    "basket": f"b{basket}",
                    "bought_at": f"2026-01-{basket % 28 + 1:02d} 10:00:{draw.randrange(60):02d}",
                    "postal_code": 10000 + 7 * user,
                    "country": ["de", "fr"][user % 2],
                    "product_id": 1000 + product,
                    "category": f"k{product % 6}",
                    "quantity": draw.randrange(1, 4),
                    "price": round(draw.expovariate(0.05), 2),
                }
            )
    return pd.DataFrame(rows)


def drafted(folder: Path, frame: pd.DataFrame) -> tuple[Recipe, Draft]:
    frame.to_csv(folder / "shop.csv", index=False)
    draft = draft_recipe(folder / "shop.csv", folder=folder)
    (folder / "shop.toml").write_text(draft.toml)
    return load_recipe(str(folder / "shop.toml")), draft


def test_a_file_of_purchases(tmp_path: Path) -> None:
    recipe, draft = drafted(tmp_path, purchases())
    assert (recipe.events.entity, recipe.item, recipe.amount) == ("user_id", "product_id", "price")
    n_products = purchases()["product_id"].nunique()
    assert recipe.categories == {"product_id": n_products + 1, "category": 7, "country": 3}
    assert "item = \"product_id\" # what an event is about: TF-IDF counts it. It could be 'category'" in draft.toml
    assert "amount = \"price\" # what aggregates add up. It could be 'quantity'" in draft.toml
    assert "category = 7 # 6 values in the rows that were looked at" in draft.toml
    assert any(each.startswith("item: 'product_id' is taken for what an event is about") for each in draft.unsure)
    assert any(each.startswith("amount: 'price' is taken for what aggregates add up") for each in draft.unsure)
    shown = {field.name for field in recipe.text_fields()}
    assert not shown & {"session_id", "unnamed_0"}
    assert {"product_id", "category", "price", "quantity"} <= shown


def test_a_frame_of_purchases_is_read_alike() -> None:
    recipe = recipe_from_frame("shop", purchases(), entity="user_id", time="bought_at")
    assert (recipe.item, recipe.amount) == ("product_id", "price")
    assert set(recipe.categories) == {"product_id", "category", "country"}


@pytest.mark.parametrize(
    ("left_out", "item", "amount"),
    [
        (["product_id"], "category", "price"),
        (["price"], "product_id", "quantity"),
        (["product_id", "category"], None, "price"),  # never the basket, nor where somebody lives
        (["price", "quantity"], "product_id", None),  # never the age, the row, the session
    ],
)
def test_what_is_left_when_the_best_is_not_there(
    tmp_path: Path, left_out: list[str], item: str | None, amount: str | None
) -> None:
    recipe, draft = drafted(tmp_path, purchases().drop(columns=left_out))
    assert (recipe.item, recipe.amount) == (item, amount)
    if amount is None:
        assert "# no amount: no column seems to be what aggregates add up; name one" in draft.toml


def test_names_that_nobody_knows_go_by_repetition(tmp_path: Path) -> None:
    """The same table under names that say nothing: what users share, and what changes with their events."""
    names = {name: f"c{at}" for at, name in enumerate(purchases().columns) if name not in ("user_id", "bought_at")}
    table = purchases().drop(columns=["age", "postal_code"]).rename(columns=names)
    recipe, _ = drafted(tmp_path, table)
    assert recipe.item == names["category"]  # the products' numbers look like amounts to one who knows no names
    assert recipe.amount == names["price"]


def test_numbers_that_are_codes_by_their_name(tmp_path: Path) -> None:
    """MCCs are whole numbers of many values, as amounts are."""
    table = purchases().rename(columns={"product_id": "mcc"})[["user_id", "bought_at", "mcc", "price"]]
    recipe, _ = drafted(tmp_path, table)
    assert (recipe.item, recipe.amount) == ("mcc", "price")
    assert "mcc" in recipe.categories
    assert next(field.type for field in recipe.fields if field.name == "mcc") == "text"
