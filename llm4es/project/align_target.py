"""Onto which vectors ``embed --align-to`` brings others: another version's, made with the same settings.

In: a context, a name as typed, what the vectors to be brought are made by. Out: a ``Target``. Reads the store.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import ModelError, OptionError
from ..core.hashing import canonical_json
from ..core.sql import Scope, where
from ..core.versions import kept_name, version_of, with_version
from .context import Context
from .made_alike import texts_alike
from .named_version import meant
from .recorded import runs_of
from .space_versions import versions_only
from .tuned_versions import tuned_names

ALIGNED = "align_to"
"""Key of a run's record: the vectors that its own were brought onto."""


@dataclass(frozen=True)
class Target:
    """The vectors that others are brought onto."""

    dataset: str
    model: str
    """What tables call it."""
    config_id: str
    """Of its vectors."""
    typed: str
    """As the option had it."""
    shown: str
    """Its name for people: with the version, where it is of the model that is brought there."""

    def scope(self, k: int) -> Scope:
        """Its rows of one k."""
        return {"dataset": self.dataset, "model": self.model, "k": k, "config_id": self.config_id}


def target_of(context: Context, typed: str, model: str, record: Mapping[str, Any], depths: Sequence[int]) -> Target:
    """The vectors of another version, or another model, that were made with the same settings.

    Parameters
    ----------
    context : Context
        Dataset and store.
    typed : str
        ``v1`` of the same model, or a name.
    model : str
        What tables call the model whose vectors are brought there.
    record : mapping
        What its run records: options, texts, events.
    depths : sequence of int
        Each k that is wanted.

    Returns
    -------
    Target
        Its vectors.

    Raises
    ------
    OptionError
        For a version without vectors, the model itself, and where it has none with these settings or of a k.
    """
    where_typed = f"--align-to {typed}"
    of_dataset = where({"dataset": context.dataset})
    there = [
        name for (name,) in context.store.sql(f"SELECT DISTINCT model FROM embeddings WHERE {of_dataset}").fetchall()
    ]
    family = version_of(model).family
    number = re.fullmatch(r"v([1-9]\d*)", typed)
    try:
        name = (
            kept_name(family, int(number[1]))
            if number
            else meant(typed, versions_only(there, tuned_names(context.store)))
        )
    except ModelError as error:
        raise OptionError(f"{where_typed}: {error}") from error
    if name == model:
        raise OptionError(f"{where_typed} is what is embedded: name another version")
    if name not in there:
        alike = sorted(version_of(each) for each in there if version_of(each).family == family and each != model)
        known = ", ".join(with_version(*version) for version in alike) or "none of another version"
        wanted = with_version(*version_of(name))
        raise OptionError(f"{where_typed}: no vectors of {wanted} in {context.dataset!r}: there are {known}")
    found = _made_alike(context, name, record)
    shown = with_version(*version_of(name)) if version_of(name).family == family else name
    lacking = list(depths) if found is None else _lacking(context, name, found, depths)
    if found is None or lacking:
        ks = f" and k {','.join(map(str, lacking))}" if found is not None else ""
        raise OptionError(
            f"{where_typed}: {shown} has no vectors with these settings{ks} in {context.dataset!r}: "
            f"`llm4es embed {context.dataset} --model {shown}` with the same options makes them"
        )
    return Target(context.dataset, name, found, typed, shown)


def _lacking(context: Context, model: str, made: str, depths: Sequence[int]) -> list[int]:
    """The k of which it has no vectors."""
    chosen = where({"dataset": context.dataset, "model": model, "config_id": made})
    there = {k for (k,) in context.store.sql(f"SELECT DISTINCT k FROM embeddings WHERE {chosen}").fetchall()}
    return [k for k in depths if k not in there]


def _made_alike(context: Context, model: str, record: Mapping[str, Any]) -> str | None:
    """The configuration of a model's vectors with these settings: of the same texts, else of texts made alike."""
    chosen = where({"dataset": context.dataset, "model": model})
    there = {
        made for (made,) in context.store.sql(f"SELECT DISTINCT config_id FROM embeddings WHERE {chosen}").fetchall()
    }
    alike = texts_alike(context.store, context.dataset)
    mine, exact = _settings(record), canonical_json(record["texts"])
    texts = canonical_json([(variant, alike.get(config)) for variant, config in record["texts"]])
    found: str | None = None
    for run in reversed(runs_of(context.store, context.dataset, "embed")):
        config = run.config
        is_of = config.get("config_id") in there and config.get("model_name") == model and ALIGNED not in config
        if not is_of or "texts" not in config or _settings(config) != mine:
            continue
        if canonical_json(config["texts"]) == exact:
            return str(config["config_id"])
        if found is None and canonical_json([(v, alike.get(made)) for v, made in config["texts"]]) == texts:
            found = str(config["config_id"])
    return found


def _settings(record: Mapping[str, Any]) -> str:
    """What was asked for but the model, the texts and the k."""
    events = {name: value for name, value in (record.get("events") or {}).items() if name != "config_id"}
    kept = {name: record.get(name) for name in ("options", "prompt", "learnt_of")}
    return canonical_json(kept | {"events": events})
