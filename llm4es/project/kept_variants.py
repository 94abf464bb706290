"""Under which configuration variants are kept, whatever their number: more of them keep the fewer ones.

In: what a step was asked for, the record of past runs. Out: a config_id. Until 0.1 the number of variants was part of
the configuration: such rows stay where they are, and are added to. So do those of before there were forms.
"""

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..core.hashing import config_id
from ..core.sql import literal
from .recorded import PastRun, runs_of

if TYPE_CHECKING:
    from llm4es_store import Store

NUMBER = "variants"
"""The option that says how many."""

CHECK = "check"
"""The option that names the check's version. It changes no configuration where there are rows: what an earlier check
let pass is checked anew."""

FORM = "form"
"""The option that says which form a model was held to; without it rows were made before anybody could say."""


def variants_config(store: "Store", dataset: str, config: Mapping[str, Any]) -> str:
    """The configuration of the rows that a step adds to.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose texts.
    config : mapping
        ``base``, the configuration of the raw texts, and ``options``, without the number of variants.

    Returns
    -------
    str
        That of an earlier run with the same settings, whatever its number of variants; of several the one with the
        most rows. Where there was none, that of a run that was asked the same before there were forms, else a new one.

    Examples
    --------
    >>> variants_config(project.store, "shop", {"base": "c1", "options": {"by": "rules"}})
    '07b08f2dec1a'
    """
    runs = runs_of(store, dataset, "enrich")
    alike = [run for run in runs if same_settings(run, config, (CHECK,))]
    if not alike:
        before = (run for run in runs if FORM not in run.config["options"])
        alike = [run for run in before if same_settings(run, config, (CHECK, FORM))]
    for run in reversed(alike):
        if NUMBER not in run.config["options"]:
            return str(run.config["config_id"])
    known = list(dict.fromkeys(str(run.config["config_id"]) for run in alike))
    if not known:
        return config_id(config)
    of_them = f"dataset = {literal(dataset)} AND config_id IN ({', '.join(map(literal, known))})"
    rows = dict(store.sql(f"SELECT config_id, count(*) FROM texts WHERE {of_them} GROUP BY ALL").fetchall())
    return max(reversed(known), key=lambda made: rows.get(made, 0))


def same_settings(run: PastRun, config: Mapping[str, Any], but: Collection[str]) -> bool:
    """Whether a run had the same settings but for their number and some others."""
    ours, theirs = (
        {name: value for name, value in options.items() if name not in {NUMBER, *but}}
        for options in (json.loads(json.dumps(config["options"])), run.config["options"])
    )
    return bool(run.config["base"] == config["base"] and ours == theirs)
