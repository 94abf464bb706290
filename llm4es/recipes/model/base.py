"""What every part of a recipe is made of: strict models, and names that are safe in paths and SQL.

In: plain values. Out: the same, checked. Knows no part of a recipe.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""A name that is also a column of a table: letters, digits and underscores."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
"""The name of a dataset: lower-case letters, digits, dots, dashes and underscores."""


def _one_or_more(value: Any) -> Any:
    """A single string stands for a list of one; TOML's lists become tuples."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]


class Strict(BaseModel):
    """No key that is not known, and no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
