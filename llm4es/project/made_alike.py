"""Which vectors were made alike, of histories that may end at different times.

In: a store's record of runs, a dataset. Out: what made each configuration, without its cut-off. Knows no vectors.
"""

from typing import TYPE_CHECKING, Any

from ..core.hashing import config_id
from .recorded import runs_of

if TYPE_CHECKING:
    from llm4es_store import Store


def made_alike(store: "Store", dataset: str) -> dict[str, str]:
    """Configuration of vectors -> hash of the model, the options and the texts behind it, but for where texts end.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose vectors.

    Returns
    -------
    dict of str to str
        Imported vectors are in it under no configuration: nobody knows what made them.

    Examples
    --------
    >>> len(made_alike(project.store, "shop"))
    1
    """
    texts, found = texts_alike(store, dataset), {}
    for run in runs_of(store, dataset, "embed"):
        if "texts" in run.config:
            read = [(variant, texts.get(config)) for variant, config in run.config["texts"]]
            events = {"events": run.config["events"]} if "events" in run.config else {}  # what is read of one
            turned = {"align_to": run.config["align_to"]} if "align_to" in run.config else {}
            made = {"model": run.config.get("model"), "options": run.config.get("options"), "texts": read}
            found[str(run.config["config_id"])] = config_id(made | events | turned)
    return found


def texts_alike(store: "Store", dataset: str) -> dict[str, Any]:
    """Configuration of texts -> what made them, but for where they end.

    Parameters
    ----------
    store : Store
        Whose record is read.
    dataset : str
        Whose texts.

    Returns
    -------
    dict of str to dict
        Plain values, equal for texts made alike.

    Examples
    --------
    >>> list(*texts_alike(project.store, "shop").values())
    ['recipe', 'options']
    """
    texts: dict[str, Any] = {}
    for run in runs_of(store, dataset, "serialize", "enrich"):  # what a run is made from was made before it
        options = run.config.get("options")
        if run.stage == "serialize":
            kept = {name: value for name, value in (options or {}).items() if name != "as_of"}
            made = {"recipe": run.config.get("recipe"), "options": kept}
            texts |= {cut["config_id"]: made for cut in (run.config, *run.config.get("cutoffs", ()))}
        else:
            texts[run.config["config_id"]] = {"options": options, "base": texts.get(run.config["base"])}
    return texts
