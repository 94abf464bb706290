"""What a language model's embedding is worth on MovieLens-100K, against strong baselines on the same users.

Three steps, each resumable: texts and vectors by ``llm4es.Project`` into a store; every feature set probed
(5x3 repeated stratified folds, logistic regression) and kept in ``OUT``; one table a task, paired against TF-IDF over
all events. Layers: every k is embedded in one pass, so layer l's own mean is k * v_k - (k - 1) * v_(k-1).

Histories are read in three ways: as texts (READINGS), event by event (``movielens_events.py``), which reads whole
histories for a tenth of the tokens, and as films that the model is asked about (``movielens_films.py``). What is made
of them is listed in ``movielens_tries.py`` and in those two. ``chosen`` picks among them anew in every outer fold, by
cross-validation of that fold's training part alone: the figures that choosing has not flattered.

    python benchmarks/movielens.py --users 200                 # about half an hour on two cores
    python benchmarks/movielens.py                             # all 943 users, hours
    python benchmarks/movielens.py --readings newest:256 --preset lean --max-events 150 --dtype bfloat16
    python benchmarks/movielens.py --tuned-steps 200 --texts raw,all
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measure import parser
from benchmarks.movielens_choice import (
    FUSED,
    FUSED_BASELINES,
    Result,
    chosen,
    families,
    fused,
)
from benchmarks.movielens_events import VIEW, event_vectors
from benchmarks.movielens_events import features as of_events
from benchmarks.movielens_films import asked
from benchmarks.movielens_films import features as of_films
from benchmarks.movielens_tries import (
    DATASET,
    LAYERS,
    beside,
    windows,
)
from llm4es import Project
from llm4es.features.aggregates import Columns, aggregates, counts
from llm4es.features.baselines import majority, tfidf
from llm4es.features.feature_set import FeatureSet, join
from llm4es.features.result_hash import result_hash
from llm4es.options import ProbeOptions, SerializeOptions
from llm4es.probe import probe
from llm4es.probe.compare import compare
from llm4es.recipes import entity_ids, load_recipe, locate
from llm4es_store import Store

BASE = "smollm2-135m"
READINGS = (("newest", 256), ("newest", 512), ("full", 512))
"""(history, tokens a window)."""

BESIDE = ("events mean layer 12", "events mean six groups", "events six groups whitened")
"""Event-by-event features that baselines are put beside."""

SHORT = (
    "tfidf", "aggregates", "aggregates+tfidf", "counts", *FUSED, "256 k=8", "256 six groups", "512 k=8",
    "512 six groups", "events mean k=8", "events mean six groups", "events mean six groups+tfidf",
    "events mean six groups+aggregates+tfidf", "films answers", "films states whitened",
    "films states whitened, with likes", "films answers+tfidf",
)  # fmt: skip
"""What the short table shows beside the choices, behind the '@' of a name: what the literature names, and fusions.
These were added after single feature sets had been seen; nothing in them is fitted or chosen."""

TASKS = ("gender", "age_bucket")


def main() -> None:
    """Embed, probe, compare."""
    args = _arguments()
    models = [BASE, *([f"movielens-tuned-{args.tuned_steps}"] if args.tuned_steps else [])]
    if not args.no_embedding:
        _make_vectors(args, models)
    store = Store(args.store)
    baselines = list(_baselines(store, args.users))
    ids = frozenset(baselines[0].entity_ids)
    spaces = [model + ("" if args.dtype == "float32" else f"+{args.dtype}") for model in models]
    tries = list(windows(store, spaces, ids, baselines))
    if not args.no_events:
        for each in of_events(
            store, event_vectors(store, BASE, args.dtype, Path(args.out)), BASE, sorted(ids), "events"
        ):
            tries.append(each)
            if each.name in BESIDE:
                tries += beside(each, baselines)
        for each in of_films(store, asked(store, BASE, args.dtype, Path(args.out)), BASE, sorted(ids), "films"):
            tries += [each, *beside(each, baselines)]
    for task in args.tasks.split(","):
        labels = store.sql(
            f"SELECT entity_id, label FROM labels WHERE dataset = '{DATASET}' AND task = '{task}' ORDER BY entity_id"
        ).to_arrow_table()
        labels = labels.filter(pc.is_in(labels["entity_id"], pa.array(sorted(ids))))
        results = [_probed(each, labels, task, args) for each in [*baselines, *tries]]
        results += fused(results)
        choices = families(tries) if tries and not args.no_choice else {}
        features = {each.name: each for each in [*baselines, *tries]}
        results += [chosen(name, each, features, results, labels, args) for name, each in choices.items()]
        path = Path(args.out) / f"{task}-{len(ids)}"
        _show(results, "tfidf", f"{task}, {len(ids)} users, everything that was tried", path.with_suffix(".csv"))
        few = [each for each in results if each[0]["features"][0].as_py().split("@")[-1] in {*SHORT, *choices}]
        for against in ("tfidf", FUSED_BASELINES):
            _show(few, against, f"{task}, {len(ids)} users, the short list", None)


def _show(results: Sequence[Result], reference: str, title: str, path: Path | None) -> None:
    """One table, best first, paired against ``reference``."""
    table = compare(
        pa.concat_tables([metrics for metrics, _ in results]),
        pa.concat_tables([predictions for _, predictions in results]),
        reference=reference,
    )
    if path is not None:
        table.to_pandas().to_csv(path, index=False)
    print(f"\n{title} ({len(results)} feature sets)\n")
    print(f"| features | ROC-AUC (95 % interval) | against {reference} | p (corrected) |\n|---|---|---|---|")
    for row in table.to_pylist():
        gap, p = "", ""
        if row["difference"] is not None:
            gap = f"{row['difference']:+.3f} ({row['diff_low']:+.3f} to {row['diff_high']:+.3f})"
            p = f"{row['p_adjusted']:.3f}"
        print(f"| {row['features']} | {row['value']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f}) | {gap} | {p} |")


def _arguments() -> argparse.Namespace:
    readings = ",".join(f"{history}:{tokens}" for history, tokens in READINGS)
    own = {"store": "movielens-store", "out": "movielens-results", "users": 943, "tasks": ",".join(TASKS)}
    options = parser(__doc__, readings=readings, **own)
    add = options.add_argument
    add("--texts", default="raw", help="'raw', or 'raw,all' to embed enriched texts as well")
    add("--tuned-steps", type=int, default=0, help="fine-tune for so many steps and embed that model too")
    add("--preset", default="raw", help="text preset of the recipe; 'lean' halves the tokens")
    add("--max-events", type=int, help="newest events of a text; None: all")
    add("--dtype", default="float32", help="bfloat16 is another space, and faster on some CPUs")
    add("--workers", type=int, help="processes that probe; None: one a core")
    add("--no-events", action="store_true", help="leave out events and films read on their own")
    add("--no-embedding", action="store_true", help="only evaluate what the store has")
    add("--no-choice", action="store_true", help="leave out the nested choice, which takes longest")
    args = options.parse_args()
    Path(args.out).mkdir(parents=True, exist_ok=True)
    return args


def _make_vectors(args: argparse.Namespace, models: Sequence[str]) -> None:
    """The steps, in order; each computes only what the store lacks."""
    everybody = Project(DATASET, args.store, observer="bar")
    some = Project(DATASET, args.store, max_entities=args.users, observer="bar")
    cut = {} if args.max_events is None else {"max_events": args.max_events}
    print(everybody.serialize(preset=args.preset, **cut), flush=True)
    if args.texts != "raw":
        print(everybody.enrich(by="rules"), flush=True)
    if args.tuned_steps:
        tuning = {"steps": args.tuned_steps, "texts": "raw", "dtype": args.dtype}
        print(everybody.finetune(BASE, name=models[1], **tuning), flush=True)
    every = tuple(range(1, LAYERS + 1))
    for reading in args.readings.split(","):
        history, tokens = reading.split(":")
        for texts in args.texts.split(","):
            for model in models:
                how = {"k": every, "history": history, "max_length": int(tokens), "texts": texts, "dtype": args.dtype}
                print(some.embed(model, **how), flush=True)


def _baselines(store: Store, users: int) -> Iterator[FeatureSet]:
    """Of the users that ``Project(max_entities=...)`` takes: the sample has to be the program's own."""
    recipe = load_recipe(DATASET)
    ids = entity_ids(recipe, locate(recipe), SerializeOptions(), users)
    chosen = ", ".join(f"'{entity}'" for entity in ids.to_pylist())
    sql = f"SELECT entity_id, item_id, rating, stars FROM {VIEW} WHERE entity_id IN ({chosen})"

    def events() -> pa.RecordBatchReader:
        return store.sql(sql).to_arrow_reader(100_000)

    bag = tfidf(events(), "item_id")
    wide = aggregates(events(), Columns(("stars",), {"item_id": 200, "rating": 6}))
    yield bag
    yield wide
    yield join([wide, bag])
    yield counts(events(), ["item_id", "rating"])
    yield majority(bag.entity_ids)


def _probed(features: FeatureSet, labels: pa.Table, task: str, args: argparse.Namespace) -> Result:
    """The probe of one feature set, from ``OUT`` where it is there."""
    path = Path(args.out) / f"{task}-{result_hash(features.name + features.source_hash, labels)[:16]}"
    metrics, predictions = path.with_suffix(".probes.parquet"), path.with_suffix(".predictions.parquet")
    if not metrics.exists():
        print(f"probe {task}: {features.name}", flush=True)
        result = probe(features, labels, task, "binary", ProbeOptions(bootstrap=1, workers=args.workers), DATASET)
        pq.write_table(result.predictions, predictions)
        pq.write_table(result.probes, metrics)  # last: its presence says that both are there
    return pq.read_table(metrics), pq.read_table(predictions)


if __name__ == "__main__":
    main()
