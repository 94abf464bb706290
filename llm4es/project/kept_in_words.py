"""What is said of a tuned model that stays: which version, from when, of how many texts, and how many have come since.

In: a context, a version. Out: a sentence. Trains nothing.
"""

from ..core.sql import literal
from ..core.times import shown
from ..core.versions import version_of, with_version
from .context import Context
from .tuned_versions import TunedVersion


def in_words(context: Context, version: TunedVersion, texts: str) -> str:
    """Which version is kept, when and on how many texts it was tuned, and how many have come or changed since.

    Parameters
    ----------
    context : Context
        Store.
    version : TunedVersion
        The one that stays.
    texts : str
        SELECT of the texts that a tuning would read now.

    Returns
    -------
    str
        A sentence.
    """
    ((when, n_texts, at),) = context.store.sql(
        f"""SELECT started_at, rows_in, version FROM runs WHERE stage = 'finetune' AND rows_computed > 0
        AND config->>'$.model_name' = {literal(version.name)} ORDER BY version DESC LIMIT 1"""
    ).fetchall() or [(None, None, 0)]
    since = f"run_id IN (SELECT run_id FROM runs WHERE version > {at})"
    ((n_new,),) = context.store.sql(f"SELECT count(*) FROM ({texts}) WHERE {since}").fetchall()
    told = [f"tuned {shown(when.replace(microsecond=0))} on {n_texts:,} texts"] if when is not None else []
    told += [f"{n_new:,} texts are new or changed since" + (" (--retune tunes it anew)" if n_new else "")]
    return f"{with_version(version_of(version.name).family, version.number)} is kept: {', '.join(told)}"
