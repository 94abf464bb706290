"""Rewritings of an earlier check, compared anew before they are reused: answers may cost money.

In: a step's settings and configuration, the store. Out: which rows do not pass today's check and are asked for again;
those that do stay as they are. Knows no engine.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.sql import Scope, literal
from ..enrich.recheck import still_good
from .context import Context
from .kept_variants import CHECK, FORM, same_settings
from .recorded import runs_of

if TYPE_CHECKING:
    from llm4es_store import Run

_AT_ONCE = 1024


@dataclass
class Rechecked:
    """What became of the rewritings of an earlier check."""

    passed: int = 0
    """Rows that are as good as they were taken for."""

    refused: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Variant -> (entity, text_hash) of the rows that are not."""

    @property
    def conditions(self) -> Iterator[str]:
        """SQL conditions of the refused rows, some at a time."""
        for variant, rows in self.refused.items():
            for begin in range(0, len(rows), _AT_ONCE):
                some = zip(*rows[begin : begin + _AT_ONCE], strict=True)
                entities, hashes = (", ".join(map(literal, column)) for column in some)
                yield f"variant = {literal(variant)} AND entity_id IN ({entities}) AND text_hash IN ({hashes})"

    @property
    def others(self) -> str:
        """SQL condition of all other rows."""
        return " AND ".join(f"NOT ({condition})" for condition in self.conditions) or "true"

    def drop(self, run: "Run", scope: Scope) -> None:
        """Remove the refused rows, in one commit; older versions of the store keep them."""
        if not self.refused:
            return
        # The hash is named too: a row that another run has asked for anew in the meantime stays.
        rows = [(entity, variant, hash_) for variant, each in self.refused.items() for entity, hash_ in each]
        names = ["entity_id", "variant", "text_hash"]
        run.drop("texts", scope, pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], names))

    def __str__(self) -> str:
        refused = sum(map(len, self.refused.values()))
        passed = f"{self.passed} rewritings of an earlier check pass this one and are kept"
        return passed + (f"; {refused} do not, and are asked for again" if refused else "")


def rechecked(context: Context, made: str, config: Mapping[str, Any], raw: str) -> Rechecked:
    """Compare the rows of an earlier check with their events.

    Parameters
    ----------
    context : Context
        Its store is read.
    made : str
        The configuration of the rows.
    config : mapping
        ``base`` and ``options`` as the step has them now, its check among them.
    raw : str
        SQL condition of the raw texts.

    Returns
    -------
    Rechecked
        Nothing where a run that ended has looked at them by today's check, or no model wrote them.
    """
    options, dataset = config["options"], context.dataset
    if CHECK not in options:
        return Rechecked()
    alike = [run for run in runs_of(context.store, dataset, "enrich") if same_settings(run, config, (CHECK, FORM))]
    alike = [run for run in alike if run.config["config_id"] == made]
    checks = {run.config["options"].get(CHECK) for run in alike}
    done = {run.config["options"].get(CHECK) for run in alike if run.status == "done"}
    if options[CHECK] in done or checks <= {options[CHECK]}:
        return Rechecked()
    found, refused = Rechecked(), defaultdict[str, list[tuple[str, str]]](list)
    query = f"""SELECT entity_id, variant, text, text_hash, note, raw FROM texts
        JOIN (SELECT entity_id, text AS raw, text_hash AS source_hash FROM texts WHERE {raw})
        USING (entity_id, source_hash)
        WHERE dataset = {literal(dataset)} AND config_id = {literal(made)} AND fidelity IS NOT NULL
        ORDER BY entity_id, variant"""
    with context.store.connect() as connection:
        for batch in connection.sql(query).to_arrow_reader(_AT_ONCE):
            for row in batch.to_pylist():
                text, variant, note = row["text"], row["variant"], row["note"]
                if still_good(row["raw"], text, variant, note, options["min_fidelity"], options.get("paraphrase", ())):
                    found.passed += 1
                else:
                    refused[row["variant"]].append((row["entity_id"], row["text_hash"]))
    found.refused = dict(refused)
    if found.passed or found.refused:
        context.observer.say(f"enrich: {found}")
    return found
