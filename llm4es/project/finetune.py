"""The step ``finetune``: texts of train entities to a tuned model in the store.

In: a context, a model, options. Out: a row of ``models``, its weights, and in ``exposures`` whom it has seen, unless a
version of this name made the same way from the same texts is there. A tuning that differs is a new version beside it.
Knows no screen. Of several processes (``torchrun``, ``accelerate launch``) all train, and one alone writes.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..core.errors import OptionError
from ..core.hashing import combined_hash, config_id
from ..core.plan import Reason
from ..core.processes import several
from ..core.sql import where
from ..core.versions import kept_name, with_version
from ..models.architecture import check_predicts
from ..models.devices import number_format
from ..models.ref import ModelRef, check_length, load_fingerprint
from ..options import FinetuneOptions, LoadOptions
from .alone import alone
from .context import Context
from .costs import like_model
from .finetune_rehearsal import stand_in_model, stand_in_weights, tokens_to_train
from .incremental import Job, incremental
from .kept_in_words import in_words
from .kept_version import SAMPLE, kept_version, settings_of
from .moved_base import keep_new_place
from .outcome import Outcome
from .selection import Texts, choose_texts, entities_sql
from .stored_models import resolved
from .training import Committed, Training, ready
from .tuned_name import check_name, default_name, from_anywhere
from .tuned_versions import TunedVersion, tuned_names, tuned_versions

if TYPE_CHECKING:
    from llm4es_store import Run


def finetune(
    context: Context,
    model: str | ModelRef,
    name: str | None,
    load: LoadOptions,
    options: FinetuneOptions,
    *,
    keep: bool = False,
) -> Outcome:
    """Tune a model, unless the store has a version of this name that was made the same way from the same texts.

    A tuning never takes another one's place: it is a new version beside those that there are.

    Parameters
    ----------
    context : Context
        Recipe, store, how far, and who hears of it.
    model : str or ModelRef
        What is tuned.
    name : str or None
        What the tuned model is called; None: ``default_name``.
    load : LoadOptions
        How the base is loaded.
    options : FinetuneOptions
        How it is tuned, on which texts.
    keep : bool, default False
        A version that was tuned with these settings will do, whatever has become of the texts since.

    Returns
    -------
    Outcome
        One row is wanted, the model; ``what`` names the version.

    Raises
    ------
    OptionError
        For the base model's own name, and where there are no train entities.
    StoreError
        Where there are no texts.
    ModelError
        For a model that is not found or cannot be loaded, and a training that broke it.

    Examples
    --------
    >>> from llm4es.options import FinetuneOptions, LoadOptions
    >>> options = FinetuneOptions.of(steps="dry_run", max_length=64)
    >>> finetune(context.with_(dry_run=True), folder, "tuned", LoadOptions(), options)
    finetune tuned: 1 to compute, 0 reused (1 new), about 566 tokens, ...
    """
    store, dataset = context.store, context.dataset
    base_name = model.name if isinstance(model, ModelRef) else model
    family = name or default_name(base_name, dataset)
    context.say_cutoff("finetune")
    chosen = choose_texts(store, dataset, options.texts, context.which)
    ref = resolved(store, model)
    check_name(store, family, (base_name, ref.name))
    check_predicts(ref, "tuned")
    check_length(ref, options.max_length)
    read = store.sql(_texts(context, chosen, "train", "entity_id, variant, text_hash")).fetchall()
    if not read:
        raise OptionError(f"no train entities of {dataset!r} among those chosen: raise --max-entities")
    content = combined_hash([(f"{entity}/{variant}", text_hash) for entity, variant, text_hash in read])
    config = {"base": load_fingerprint(ref, load), "options": options.fingerprint(), "texts": chosen.pairs}
    base = ref.name if ref.name in tuned_names(store) else from_anywhere(base_name)
    asked = _Asked(context, ref, base_name, base, load, options, chosen, family, config, content, len(read))
    if context.dry_run or context.rehearses or several() or asked.target(keep).kept:
        return asked.outcome(keep)
    with alone(store, family, context.observer):  # what another process has tuned meanwhile is found then
        return asked.outcome(keep)


@dataclass(frozen=True)
class _Target:
    """The version that is wanted: one that there is, or the next."""

    name: str
    number: int
    config_id: str
    content: str
    kept: TunedVersion | None
    """None: it is to be made."""
    because: Reason


@dataclass(frozen=True)
class _Asked:
    """What one call asks for."""

    context: Context
    ref: ModelRef
    base_name: str
    base: str
    """The base as it is found from any folder, a model of the store by its version."""
    load: LoadOptions
    options: FinetuneOptions
    chosen: Texts
    family: str
    config: dict[str, Any]
    """What the configuration is made of."""
    content: str
    """Hash of the texts."""
    n_texts: int

    def target(self, keep: bool) -> _Target:
        """The version that was made so; none: the next one."""
        versions, made = tuned_versions(self.context.store, self.family), config_id(self.config)
        kept = kept_version(self.context, versions, self.config) if keep else None
        same = [each for each in versions if (each.config_id, each.content) == (made, self.content)]
        if there := [kept] if kept else same[:1]:
            (version,) = there
            return _Target(version.name, version.number, version.config_id, version.content, version, Reason.NEW)
        number = versions[0].number + 1 if versions else 1
        why = Reason.CHANGED if any(each.config_id == made for each in versions) else Reason.CONFIG
        return _Target(
            kept_name(self.family, number), number, made, self.content, None, why if versions else Reason.NEW
        )

    def outcome(self, keep: bool) -> Outcome:
        """Tune where that is wanted."""
        target, context = self.target(keep), self.context
        folder = f"{target.name.replace('/', '--').replace('@', '-')}-{target.config_id}-{target.content[:8]}"
        row = {
            "model": target.name,
            "version": target.number,
            "base": self.base,
            "base_fingerprint": self.ref.fingerprint,
            "load_in": str(self.load.load_in),
            "dtype": number_format(self.load),
            "path": f"models/{folder}",
            "source_hash": target.content,
            "dataset": context.dataset,
            "config_id": target.config_id,
        }
        names = {"model_name": target.name, "base_name": self.base_name, "revision": self.ref.revision}
        sample = {} if context.max_entities is None else {SAMPLE: context.max_entities}
        asked = (settings_of(context, target.kept) if target.kept else None) or {**self.config, **sample}
        record = {**asked, **names, "config_id": target.config_id}
        wanted = pa.table({"model": [target.name], "source_hash": [target.content]})
        committed, weights = Committed(context, row), context.store.layout.folder("models") / folder
        job = Job(
            stage="finetune",
            what=target.name,
            config_id=target.config_id,
            record=record,
            table="models",
            scope={"model": target.name, "config_id": target.config_id},
            key=("model",),
            wanted=wanted,
            rows_in=self.n_texts,
            because=target.because,
            replaces=True,
            unit="steps",
            total=lambda _: self.options.steps,
            setup=partial(ready, self._training(target, folder, row)),
            committers={"exposures": committed.keep_exposures, "models": committed.keep_model},
            finish=lambda run: self._verdict(run, committed),
            amount=lambda _: tokens_to_train(self.options, self._characters()),
            like=like_model(self.ref, self.load, method=self.options.method.value),
            stand_ins=stand_in_model(row, self.ref),
            besides=lambda run, plan: stand_in_weights(self.ref, weights) if len(plan.todo) else None,
        )
        self._say_what_is_there(target, keep)
        keep_new_place(context, row, job.record)
        return incremental(context, job)

    def _training(self, target: "_Target", folder: str, row: dict[str, Any]) -> Training:
        """What is trained; no text is read where nothing is."""
        planned = self.context.dry_run or self.context.rehearses
        nothing = " WHERE false" if target.kept or planned else ""
        train, held_out = (
            self.context.store.sql(f"FROM ({_texts(self.context, self.chosen, split)}){nothing}").to_arrow_table()
            for split in ("train", "validation")
        )
        models = self.context.store.layout.folder("models")
        return Training(self.ref, self.load, self.options, train, held_out, models / folder, row)

    def _characters(self) -> int:
        """Of the texts that are trained on."""
        texts = _texts(self.context, self.chosen, "train", "length(text) AS n")
        ((n,),) = self.context.store.sql(f"SELECT sum(n) FROM ({texts})").fetchall()
        return int(n or 0)

    def _say_what_is_there(self, target: "_Target", keep: bool) -> None:
        """Which version stays; of ``finetune`` itself only where the bare name means another."""
        if target.kept is None:
            return
        if keep:
            texts = _texts(self.context, self.chosen, "train")
            self.context.observer.say(f"finetune: {in_words(self.context, target.kept, texts)}")
        elif target.name != (newest := tuned_versions(self.context.store, self.family)[0].name):
            self.context.observer.say(
                f"finetune: {with_version(self.family, target.number)} was made so; the name {self.family} stands for "
                f"{newest}, the newest"
            )

    def _verdict(self, run: "Run", committed: Committed) -> str:
        """What tuning did, where this run has tuned."""
        if not run.record.rows_computed:
            return ""
        query = f"SELECT verdict FROM models WHERE {where({'model': committed.name})}"
        ((verdict,),) = self.context.store.sql(query).fetchall()
        return str(verdict)


def _texts(context: Context, chosen: Texts, split: str, columns: str = "*") -> str:
    """SELECT of the texts of a split's entities."""
    entities = entities_sql(context.dataset, context.cutoff.config_id, context.max_entities)
    of_split = where({"dataset": context.dataset, "split": split, "name": context.recipe.splits.default})
    return f"""SELECT {columns} FROM texts WHERE {chosen.condition} AND entity_id IN ({entities})
        AND entity_id IN (SELECT entity_id FROM splits WHERE {of_split}) ORDER BY entity_id, variant"""
