"""Which probes of a task are looked at, of the several that there may be: one configuration, those that still hold.

In: a context, a task, a protocol. Out: rows of ``probes`` that belong side by side, what they are made of, and words
for what is left out. Writes nothing.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..core.errors import Llm4esError, ProbeError
from ..core.shell_words import shell_word
from ..core.sql import literal, where
from ..core.tasks import plain_protocol
from ..options import CompareOptions, ProbeOptions
from ..options.new_items import typed_items
from ..options.two_times import typed_times
from .cohorts import asked_for, made_for, other_cohorts
from .context import Context
from .evidence import UNREAD, Evidence
from .feature_source import FeatureSource
from .feature_sources import READ_ANEW, all_feature_sources, named
from .probe_again import probe_words
from .probe_choices import check_choices
from .stale_words import in_words, say_stale


@dataclass(frozen=True)
class ShownProbes:
    """The probes of one configuration of a task."""

    context: Context
    """Of the task; who hears of it."""

    task: str
    """Whose probes."""

    options: CompareOptions
    """Protocol, probe, reference."""

    chosen: Mapping[str, str | int]
    """Columns of ``probes`` and ``predictions`` with the values that the rows have."""

    @property
    def config_id(self) -> str:
        """The configuration."""
        return str(self.chosen["config_id"])

    @cached_property
    def probes(self) -> pa.Table:
        """All rows of it, also those that no longer hold."""
        return self.context.store.sql(f"SELECT * FROM probes WHERE {where(self.chosen)}").to_arrow_table()

    @cached_property
    def cohort(self) -> Context:
        """The means of the step that made them: on so many entities."""
        return self.context.with_(max_entities=self._made_for[0])

    @cached_property
    def _made_for(self) -> tuple[int | None, bool]:
        return made_for(self.context, self.probes["run_id"][0].as_py())

    @cached_property
    def sources(self) -> dict[str, FeatureSource]:
        """Name -> what can be probed now, of the same cohort."""
        return {source.name: source for source in all_feature_sources(self.cohort)}

    @cached_property
    def reference(self) -> str | None:
        """The features that differences are taken against, by the name that rows have: as ``--features`` takes them."""
        asked = self.options.reference
        if asked is None or asked in self.probes["features"].to_pylist():
            return asked
        try:
            return named(asked, self.sources).name
        except Llm4esError:
            return asked  # the comparison says which there are

    @cached_property
    def stale(self) -> dict[str, str]:
        """Features that are no longer what was probed -> why."""
        protocol, unseen_only = plain_protocol(self.options.protocol), self._made_for[1]
        evidence = Evidence.of(self.cohort, self.task, protocol, unseen_only=unseen_only)
        return evidence.stale(self.probes, self.sources)

    @cached_property
    def live(self) -> pa.Table:
        """The rows made of labels, split, texts and events as they are."""
        return self.probes.filter(
            pc.invert(pc.is_in(self.probes["features"], pa.array(sorted(self.stale), pa.string())))
        )

    def say_what_is_left_out(self) -> None:
        """Name what is stale, and what was probed on others only.

        Raises
        ------
        ProbeError
            Where nothing holds, or the reference does not.
        """
        task, stale, reference = self.task, self.stale, self.reference
        if reference in stale:
            why = stale[reference]
            raise ProbeError(f"--reference {reference!r} is stale: {why}: run {self._remedy([why])}")
        if not len(self.live):
            raise ProbeError(f"{task}: nothing to compare, {in_words(stale)}: run {self._remedy(stale.values())}")
        if stale:
            say_stale(self.context, task, stale, self._remedy)
        n = self.cohort.max_entities
        here = "everybody" if n is None else f"--max-entities {n}"
        for features, whom in other_cohorts(self.context, task, self.config_id).items():
            self.context.observer.warn(f"{task}: {features} was probed on {whom} and is not paired with these ({here})")

    def _remedy(self, reasons: Iterable[str]) -> str:
        """The commands that make such probes anew."""
        asked = {"task": self.task, "options": {"protocol": plain_protocol(self.options.protocol)}}
        made = _probe_config(self.context, self.config_id) or asked
        words = probe_words(self.context.dataset, made)
        first = f"{READ_ANEW} and then " if UNREAD in reasons else ""
        return f"{first}`{' '.join(map(shell_word, ['llm4es', *words]))}`"


def _probing(dataset: str, task: str) -> str:
    """The command that probes a task."""
    return f"llm4es probe {shell_word(dataset)} --task {shell_word(task)}"


def shown_probes(context: Context, task: str, options: CompareOptions, config_id: str | None = None) -> ShownProbes:
    """The probes of a task that are compared: of everybody before those of a part, of these the newest.

    A quick look at 50 entities does not take the place of what was probed on all. Where ``max_entities`` is asked for,
    it is that cohort. Where nothing of the first choice still holds, it is the next that does.

    Parameters
    ----------
    context : Context
        Recipe, store, and how many entities; of the task.
    task : str
        Whose.
    options : CompareOptions
        Protocol, probe.
    config_id : str, optional
        Their configuration.

    Returns
    -------
    ShownProbes
        Of one configuration.

    Raises
    ------
    ProbeError
        Where the task was not probed so.

    Examples
    --------
    >>> shown_probes(context, "loyal", CompareOptions()).stale
    {}
    """
    chosen: dict[str, str | int] = {"dataset": context.dataset, "task": task, "protocol": options.named_protocol}
    if options.probe is not None:
        chosen["probe"] = options.probe
    made = [config_id] if config_id else _by_cohort(context, task, options, chosen)
    several = [ShownProbes(context, task, options, {**chosen, "config_id": each}) for each in made]
    return next((each for each in several if len(each.live)), several[0]) if len(several) > 1 else several[0]


def _by_cohort(context: Context, task: str, options: CompareOptions, chosen: Mapping[str, str | int]) -> list[str]:
    """The configurations of a task's probes, those of the most entities first, of these the newest."""
    query = f"""SELECT config_id FROM probes WHERE {where(chosen)} AND {context.beside}
        GROUP BY config_id ORDER BY max(run_id) DESC"""
    found = {
        str(made): _probe_config(context, made).get("max_entities") for (made,) in context.store.sql(query).fetchall()
    }
    asked = asked_for(context)
    if asked is not None:
        found = {made: n for made, n in found.items() if n == asked}
    if not found:
        check_choices(context, options)
        of = f" of {context.cutoff}" if context.cutoff.key else ""
        by = "" if options.named_protocol == CompareOptions.protocol else f" by protocol {options.named_protocol!r}"
        by += "" if options.probe is None else f" by probe {options.probe!r}"
        base, _, size = options.protocol.partition("@")
        flags = "" if base == ProbeOptions.protocol else f" --protocol {base}"
        flags += "" if options.probe in (None, ProbeOptions.probe) else f" --probe {options.probe}"
        flags += f" --sizes {size}" if size else ""
        flags += "" if asked is None else f" --max-entities {asked}"
        flags += typed_times(options.train_as_of, options.test_as_of) + typed_items(options)
        on = "" if asked is None else f" of {asked} entities"
        raise ProbeError(
            f"no probes of {task!r}{by}{of}{on} in the store: run `{_probing(context.dataset, task)}{flags}` first"
        )
    return sorted(found, key=lambda made: float("-inf") if found[made] is None else -float(found[made] or 0))


def _probe_config(context: Context, config_id: str) -> dict[str, Any]:
    """What a probe of this configuration was asked for, as the record of its run keeps it."""
    query = f"""SELECT config FROM runs WHERE stage = 'probe' AND dataset = {literal(context.dataset)}
        AND config->>'$.config_id' = {literal(config_id)} LIMIT 1"""
    return next((json.loads(config) for (config,) in context.store.sql(query).fetchall()), {})
