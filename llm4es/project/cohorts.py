"""On how many entities a step was asked to work: probes of different cohorts are kept apart.

In: a context, a run. Out: a number of entities, None for everybody; who else was probed. Writes nothing.
"""

import json
from typing import Any

from ..core.sql import literal, where
from ..options import ProbeOptions
from .context import Context
from .selection import entities_sql


def asked_for(context: Context) -> int | None:
    """``--max-entities`` where it leaves anybody out.

    Parameters
    ----------
    context : Context
        What was asked for, and the store.

    Returns
    -------
    int or None
        Entities; None: everybody.

    Examples
    --------
    >>> asked_for(context.with_(max_entities=5)), asked_for(context.with_(max_entities=100))
    (5, None)
    """
    if context.max_entities is None:
        return None
    everybody = entities_sql(context.dataset, context.cutoff.config_id, None)
    ((n,),) = context.store.sql(f"SELECT count(*) FROM ({everybody})").fetchall()
    return context.max_entities if context.max_entities < n else None


def configuration(context: Context, task: str, options: ProbeOptions) -> dict[str, Any]:
    """What the ``config_id`` of probes is made from.

    Parameters
    ----------
    context : Context
        Of the task, for as many entities as ``asked_for`` says.
    task : str
        One of the recipe's.
    options : ProbeOptions
        As they are probed.

    Returns
    -------
    dict
        Plain values.

    Examples
    --------
    >>> from llm4es.options import ProbeOptions
    >>> list(configuration(context.with_(max_entities=5), "loyal", ProbeOptions()))
    ['task', 'options', 'max_entities']
    """
    config: dict[str, Any] = {"task": task, "options": options.fingerprint()}
    if context.max_entities is not None:  # cohorts are kept apart
        config["max_entities"] = context.max_entities
    if context.cutoff.key:  # and so are cut-offs; probes of whole histories have the keys that they always had
        config["as_of"] = context.cutoff.key
    if positive := context.recipe.tasks[task].positive:  # rows made before there was the key stay
        config["positive"] = positive
    return config


def made_for(context: Context, run_id: str) -> tuple[int | None, bool]:
    """``--max-entities`` and ``--unseen-only`` of the run that made probes.

    Parameters
    ----------
    context : Context
        Whose store has the record.
    run_id : str
        The run.

    Returns
    -------
    tuple of int or None, bool
        Entities, None: everybody; and whether those that a model has met were left out.

    Examples
    --------
    >>> ((newest,),) = context.store.sql("SELECT max(run_id) FROM probes").fetchall()
    >>> made_for(context, newest)
    (None, False)
    """
    query = f"SELECT config FROM runs WHERE run_id = {literal(run_id)}"
    config: dict[str, Any] = next((json.loads(config) for (config,) in context.store.sql(query).fetchall()), {})
    return config.get("max_entities"), bool(config.get("options", {}).get("unseen_only", False))


def other_cohorts(context: Context, task: str, config_id: str) -> dict[str, str]:
    """Features that were probed by the same options on other entities, and not on these.

    Parameters
    ----------
    context : Context
        Dataset and store.
    task : str
        Whose probes.
    config_id : str
        The configuration of the probes that are looked at.

    Returns
    -------
    dict of str to str
        Features -> whom they were probed on, in words.

    Examples
    --------
    >>> ((newest,),) = context.store.sql("SELECT any_value(config_id) FROM probes").fetchall()
    >>> other_cohorts(context, "loyal", newest)
    {}
    """
    of_task = where({"dataset": context.dataset, "task": task})
    probed: dict[str, set[str]] = {}
    for config, features in context.store.sql(
        f"SELECT DISTINCT config_id, features FROM probes WHERE {of_task}"
    ).fetchall():
        probed.setdefault(config, set()).add(features)
    query = f"SELECT DISTINCT config FROM runs WHERE stage = 'probe' AND dataset = {literal(context.dataset)}"
    runs = [json.loads(config) for (config,) in context.store.sql(query).fetchall()]
    known = {run["config_id"]: run for run in runs if run.get("task") == task}
    mine = known.get(config_id)
    found: dict[str, str] = {}
    for config, run in known.items():
        same = mine is not None and all(run.get(key) == mine.get(key) for key in ("options", "as_of"))
        if same and config != config_id:
            n = run.get("max_entities")
            whom = "everybody" if n is None else f"--max-entities {n}"
            found |= dict.fromkeys(probed.get(config, set()) - probed.get(config_id, set()), whom)
    return found
