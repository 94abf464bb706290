"""The stage ``finetune`` between the store and the pure function: what is there, what is missing, who is seen.

In: texts of the store, a model's name, options. Out: a tuned model in the store, unless it is there already. Knows no
command line. Of several processes (``torchrun``, ``accelerate launch``) all train, and one alone writes and shows.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm4es.core.errors import OptionError
from llm4es.core.processes import writes
from llm4es.options import FinetuneOptions, LoadOptions

from .registry import stored_models
from .screen import steps as increments
from .selection import Texts, choose_texts, entities_sql, raw_config
from .work import Outcome, Work

if TYPE_CHECKING:
    import pyarrow as pa

    from llm4es.finetune.finetune import Tuned
    from llm4es_store import Run


def finetune_stage(
    work: Work, model_name: str, name: str | None, load: LoadOptions, options: FinetuneOptions
) -> Outcome:
    """Tune a model, unless the store has one of this name made the same way from the same texts."""
    from llm4es.core.hashing import combined_hash, config_id
    from llm4es.core.plan import Reason
    from llm4es.models.devices import number_format
    from llm4es.models.ref import check_length, space_fingerprint
    from llm4es.models.resolve import resolve

    began = time.monotonic()
    tuned_name = name or default_name(model_name, work.dataset)
    if tuned_name == model_name:
        raise OptionError(f"--name {name!r} is the base model's own name: choose another")
    chosen = choose_texts(work.store, work.dataset, options.texts)
    ref = resolve(model_name, stored_models(work.store))
    check_length(ref, options.max_length)
    train, held_out = _rows(work, chosen, "train"), _rows(work, chosen, "validation")
    if not len(train):
        raise OptionError(f"no train entities of {work.dataset!r} among those chosen: raise --max-entities")
    read = train.select(["entity_id", "variant", "text_hash"]).to_pylist()
    content = combined_hash([(f"{row['entity_id']}/{row['variant']}", row["text_hash"]) for row in read])
    config = {"base": space_fingerprint(ref, load), "options": options.fingerprint(), "texts": chosen.pairs}
    made_by = config_id(config)
    live = work.store.sql("SELECT model, config_id, source_hash FROM models").fetchall()
    reasons = {}
    if (tuned_name, made_by, content) not in live:
        same_config = any(row[:2] == (tuned_name, made_by) for row in live)
        known = any(row[0] == tuned_name for row in live)
        reasons = {str(Reason.CHANGED if same_config else Reason.CONFIG if known else Reason.NEW): 1}

    def outcome(seconds: float) -> Outcome:
        return Outcome("finetune", tuned_name, 1, len(reasons), 1 - len(reasons), reasons, seconds, made_by)

    def trained() -> "Tuned":
        return _train(work, train, held_out, model_name, load, options, folder)

    folder = f"{tuned_name.replace('/', '--')}-{made_by}-{content[:8]}"
    if work.dry_run:
        return outcome(0.0)
    if not writes():
        if reasons:
            trained()
        return outcome(time.monotonic() - began)
    record = {"config_id": made_by, "model_name": tuned_name, "base_name": model_name, "revision": ref.revision}
    with work.run("finetune", {**record, **config}) as run:
        run.record.rows_in = len(train)
        run.record.rows_reused = 1 - len(reasons)
        run.record.reasons = {"models": reasons}
        if reasons:
            run.begin()
            tuned = trained()
            made = {
                "model": tuned_name,
                "base": _from_anywhere(model_name),
                "base_fingerprint": ref.fingerprint,
                "load_in": str(load.load_in),
                "dtype": number_format(load),
                "path": f"models/{folder}",
                "source_hash": content,
            }
            _keep(work, run, tuned, made, made_by)
            run.record.message = tuned.verdict
            run.record.rows_computed = 1
            work.screen.say(f"finetune {tuned_name}: {tuned.verdict}")
        return outcome(time.monotonic() - began)


def default_name(model: str, dataset: str) -> str:
    """The tuned model's name where none is given: ``smollm2-135m-movielens-100k``."""
    return f"{model.rstrip('/').split('/')[-1].removesuffix('.gguf')}-{dataset}"


def _from_anywhere(model: str) -> str:
    """A model's name as it is found from any folder."""
    path = Path(model).expanduser()
    return str(path.resolve()) if path.exists() else model


def _rows(work: Work, chosen: Texts, split: str) -> "pa.Table":
    """The texts of a split's entities."""
    from llm4es.core.sql import where

    entities = entities_sql(work.dataset, raw_config(work.store, work.dataset), work.max_entities)
    of_split = where({"dataset": work.dataset, "split": split, "name": work.recipe.splits.default})
    return work.store.sql(
        f"""SELECT * FROM texts WHERE {chosen.condition} AND entity_id IN ({entities})
        AND entity_id IN (SELECT entity_id FROM splits WHERE {of_split}) ORDER BY entity_id, variant"""
    ).to_arrow_table()


def _train(
    work: Work,
    train: "pa.Table",
    held_out: "pa.Table",
    model_name: str,
    load: LoadOptions,
    options: FinetuneOptions,
    folder: str,
) -> "Tuned":
    from llm4es.finetune import finetune as tune
    from llm4es.models import load_model
    from llm4es.models.resolve import resolve

    work.screen.say(f"finetune: loading {model_name}")
    model = load_model(resolve(model_name, stored_models(work.store)), load)
    with work.screen.progress(f"finetune {model_name}", options.steps, "steps") as advance:
        so_far = increments(advance)
        target = work.store.layout.folder("models") / folder
        return tune(train, held_out, model, options, target, lambda step, total, loss: so_far(step))


def _keep(work: Work, run: "Run", tuned: "Tuned", made: dict[str, Any], made_by: str) -> None:
    """Enter the model, and whom it has seen, into the store; the model last, since its row makes it known."""
    import pyarrow as pa

    from llm4es.core.schemas import MODELS

    row = {
        **made,
        "method": str(tuned.method),
        "fingerprint": tuned.fingerprint,
        "n_layers": tuned.n_layers,
        "dim": tuned.dim,
        "dataset": work.dataset,
        "steps": tuned.steps,
        "n_entities": tuned.n_entities,
        "held_out_loss_before": tuned.held_out_loss_before,
        "held_out_loss_after": tuned.held_out_loss_after,
        "mean_cosine": tuned.mean_cosine,
        "verdict": tuned.verdict,
        "loss_curve": [{"step": s, "loss": loss, "held_out": held} for s, loss, held in tuned.loss_curve],
    }
    seen = tuned.exposures.append_column("fingerprint", pa.array([tuned.fingerprint] * len(tuned.exposures)))
    if (mirror := work.store.remote_folders()) is not None:
        mirror.upload(tuned.folder.name)  # a remote store: the weights are there before any row names them
    run.replace("exposures", {"model": made["model"], "dataset": work.dataset}, seen)
    kept = pa.Table.from_pylist([row], schema=MODELS).append_column("config_id", pa.array([made_by]))
    run.replace("models", {"model": made["model"]}, kept)
