"""What a language model's embedding is worth on MovieLens-100K, against strong baselines on the same users.

Three steps, each resumable: texts and vectors by the ``llm4es`` commands into a store; every feature set probed
(5x3 repeated stratified folds, logistic regression) and kept in ``OUT``; one table a task, paired against TF-IDF over
all events. Layers: every k is embedded in one pass, so layer l's own mean is k * v_k - (k - 1) * v_(k-1).

What is tried, for each way of reading the history: k last layers; single layers; six groups of layers standardised and
joined; the k = 8 vectors whitened; the groups joined with the baselines. ``chosen`` picks among them anew in every
outer fold, by cross-validation of that fold's training part alone: the one figure that choosing has not flattered.

    python benchmarks/movielens.py --users 200                 # about half an hour on two cores
    python benchmarks/movielens.py                             # all 943 users, hours
    python benchmarks/movielens.py --tuned-steps 200 --texts raw,all
"""

import argparse
import dataclasses
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from llm4es.aggregates import Columns, aggregates, counts
from llm4es.baselines import majority, tfidf
from llm4es.compare import compare
from llm4es.config import ProbeOptions
from llm4es.features import FeatureSet, Preprocess, join, result_hash
from llm4es.fingerprint import canonical_json, text_hash
from llm4es.probe import probe
from llm4es_store import Store

DATASET = "movielens-100k"
BASE = "smollm2-135m"
LAYERS = 30
GROUPS = 6
READINGS = (("newest", 256), ("newest", 512), ("full", 512))
"""(history, tokens a window)."""

CANDIDATE_K = (1, 2, 4, 8, 16, 30)
SINGLE = (1, 6, 12, 18, 24)
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
    tries = list(_tries(store, models, ids, baselines))
    for task in TASKS:
        labels = store.sql(
            f"SELECT entity_id, label FROM labels WHERE dataset = '{DATASET}' AND task = '{task}' ORDER BY entity_id"
        ).to_arrow_table()
        labels = labels.filter(pc.is_in(labels["entity_id"], pa.array(sorted(ids))))
        results = [_probed(each, labels, task, args) for each in [*baselines, *tries]]
        if tries and not args.no_choice:
            results += [_chosen(name, kept, results, labels, task, args) for name, kept in _families(tries)]
        table = compare(
            pa.concat_tables([metrics for metrics, _ in results]),
            pa.concat_tables([predictions for _, predictions in results]),
            reference="tfidf",
        )
        path = Path(args.out) / f"{task}-{len(ids)}.csv"
        table.to_pandas().to_csv(path, index=False)
        print(f"\n{task}, {len(ids)} users, {len(results)} feature sets; all columns in {path}\n")
        print("| features | ROC-AUC (95 % interval) | against TF-IDF | p (Holm) |\n|---|---|---|---|")
        for row in table.to_pylist():
            gap = (
                ""
                if row["difference"] is None
                else f"{row['difference']:+.3f} ({row['diff_low']:+.3f} to {row['diff_high']:+.3f})"
            )
            p = "" if row["difference"] is None else f"{row['p_adjusted']:.3f}"
            print(
                f"| {row['features']} | {row['value']:.3f} ({row['ci_low']:.3f}-{row['ci_high']:.3f}) | {gap} | {p} |"
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="movielens-store")
    parser.add_argument("--out", default="movielens-results")
    parser.add_argument("--users", type=int, default=943)
    parser.add_argument("--texts", default="raw", help="'raw', or 'raw,all' to embed enriched texts as well")
    parser.add_argument(
        "--tuned-steps", type=int, default=0, help="fine-tune for so many steps and embed that model too"
    )
    parser.add_argument("--readings", default=",".join(f"{h}:{n}" for h, n in READINGS))
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--no-embedding", action="store_true", help="only evaluate what the store has")
    parser.add_argument("--no-choice", action="store_true", help="leave out the nested choice, which takes longest")
    args = parser.parse_args()
    Path(args.out).mkdir(parents=True, exist_ok=True)
    return args


def _make_vectors(args: argparse.Namespace, models: Sequence[str]) -> None:
    """The commands, in order; each computes only what the store lacks."""
    _run("serialize", DATASET, store=args.store)
    if args.texts != "raw":
        _run("enrich", DATASET, "--by", "rules", store=args.store)
    if args.tuned_steps:
        _run(
            "finetune",
            DATASET,
            "--model",
            BASE,
            "--steps",
            str(args.tuned_steps),
            "--name",
            models[1],
            store=args.store,
        )
    k = ",".join(str(layer) for layer in range(1, LAYERS + 1))
    for reading in args.readings.split(","):
        history, tokens = reading.split(":")
        for texts in args.texts.split(","):
            for model in models:
                _run(
                    "embed", DATASET, "--model", model, "--k", k, "--history", history, "--max-length", tokens,
                    "--texts", texts, "--max-entities", str(args.users), store=args.store,
                )  # fmt: skip


def _run(*words: str, store: str) -> None:
    """One command of the installed program."""
    print("$ llm4es", *words, flush=True)
    subprocess.run([sys.executable, "-m", "llm4es_cli.main", *words, "--store", store], check=True)


def _baselines(store: Store, users: int) -> Iterator[FeatureSet]:
    """Of the users that the store would embed: labelled, in the order that ``--max-entities`` takes them."""
    from llm4es_cli.selection import entities_sql, raw_config  # the sample has to be the program's own

    chosen = entities_sql(DATASET, raw_config(store, DATASET), users)
    view = next(name for name in store.views() if name.startswith("events") and DATASET.split("-")[0] in name)
    sql = f'SELECT entity_id, item_id, rating, stars FROM "{view}" WHERE entity_id IN ({chosen})'

    def events() -> pa.RecordBatchReader:
        return store.sql(sql).to_arrow_reader(100_000)

    bag = tfidf(events(), "item_id")
    yield bag
    yield aggregates(events(), Columns(("stars",), {"item_id": 200, "rating": 6}))
    yield counts(events(), ["item_id", "rating"])
    yield majority(bag.entity_ids)


def _tries(
    store: Store, models: Sequence[str], ids: frozenset[str], baselines: Sequence[FeatureSet]
) -> Iterator[FeatureSet]:
    """Every feature set that is made from the store's vectors."""
    by_name = {each.name: each for each in baselines}
    rows = store.sql(
        f"""SELECT DISTINCT model, config_id, history, max_length, texts FROM embeddings
        WHERE dataset = '{DATASET}' AND model IN ({", ".join(repr(m) for m in models)}) ORDER BY ALL"""
    ).fetchall()
    for model, config, history, tokens, texts in rows:
        prefix = f"{model} {history}@{tokens}" + ("" if texts == "raw" else f" {texts}")
        seen = frozenset(
            e
            for (e,) in store.sql(
                f"SELECT entity_id FROM exposures WHERE dataset = '{DATASET}' AND model = '{model}'"
            ).fetchall()
        )
        entities, stack, content = _stack(store, model, config, ids)
        if entities is None or stack is None:
            print(f"left out: {prefix} lacks some of the {len(ids)} users")
            continue

        def made(
            name: str, matrix: NDArray[np.float32], k: int | None = None, how: Preprocess = Preprocess.STANDARD
        ) -> FeatureSet:
            label = f"{prefix} {name}"  # noqa: B023  # called before the loop goes on
            return FeatureSet(label, entities, matrix, model, k, seen, f"{content} {name}", how)  # noqa: B023

        for k in CANDIDATE_K:
            yield made(f"k={k}", stack[k - 1], k)
        layer = {LAYERS: stack[0]}
        for k in range(2, LAYERS + 1):
            layer[LAYERS + 1 - k] = k * stack[k - 1] - (k - 1) * stack[k - 2]  # (N, D)
        for one in SINGLE:
            yield made(f"layer {one}", layer[one])
        each = LAYERS // GROUPS
        parts = [
            made(f"layers {first}-{first + each - 1}", np.mean([layer[i] for i in range(first, first + each)], axis=0))
            for first in range(1, LAYERS, each)
        ]
        groups = dataclasses.replace(join(parts), name=f"{prefix} six groups", model=model)
        yield groups
        yield made("k=8 whitened", stack[7], 8, Preprocess.WHITEN)
        for extra in (["aggregates"], ["tfidf"], ["aggregates", "tfidf"]):
            joined = join([groups, *(by_name[name] for name in extra)])
            yield dataclasses.replace(joined, name="+".join([groups.name, *extra]), model=model)


def _stack(
    store: Store, model: str, config: str, ids: frozenset[str]
) -> tuple[list[str] | None, list[NDArray[np.float32]] | None, str]:
    """Entities, and for k = 1, 2, ... (N, D) vectors; None where someone lacks one."""
    stack, entities, content = [], None, ""
    for k in range(1, LAYERS + 1):
        table = store.sql(
            f"""SELECT entity_id, vector, source_hash FROM embeddings WHERE dataset = '{DATASET}' AND model = '{model}'
            AND config_id = '{config}' AND k = {k} ORDER BY entity_id"""
        ).to_arrow_table()
        table = table.filter(pc.is_in(table["entity_id"], pa.array(sorted(ids))))
        if table.num_rows != len(ids):
            return None, None, ""
        entities = table["entity_id"].to_pylist()
        content = f"{config} {text_hash(canonical_json(table['source_hash'].to_pylist()))}"
        stack.append(np.asarray(table["vector"].combine_chunks().flatten(), dtype=np.float32).reshape(len(ids), -1))
    return entities, stack, content


def _probed(features: FeatureSet, labels: pa.Table, task: str, args: argparse.Namespace) -> tuple[pa.Table, pa.Table]:
    """The probe of one feature set, from ``OUT`` where it is there."""
    path = Path(args.out) / f"{task}-{result_hash(features.name + features.source_hash, labels)[:16]}"
    metrics, predictions = path.with_suffix(".probes.parquet"), path.with_suffix(".predictions.parquet")
    if not metrics.exists():
        print(f"probe {task}: {features.name}", flush=True)
        result = probe(features, labels, task, "binary", ProbeOptions(workers=args.workers), DATASET)
        pq.write_table(result.predictions, predictions)
        pq.write_table(result.probes, metrics)  # last: its presence says that both are there
    return pq.read_table(metrics), pq.read_table(predictions)


def _families(tries: Sequence[FeatureSet]) -> list[tuple[str, list[FeatureSet]]]:
    """What ``chosen`` may choose from: vectors alone, vectors with aggregates, anything."""
    alone = [each for each in tries if "+" not in each.name]
    return [
        ("chosen: vectors alone", alone),
        ("chosen: vectors+aggregates", [each for each in tries if each.name.endswith("+aggregates")]),
        ("chosen: anything", list(tries)),
    ]


def _chosen(
    name: str,
    candidates: Sequence[FeatureSet],
    results: Sequence[tuple[pa.Table, pa.Table]],
    labels: pa.Table,
    task: str,
    args: argparse.Namespace,
) -> tuple[pa.Table, pa.Table]:
    """Predictions of the first repeat, each fold's from the candidate that its training part alone prefers."""
    path = (
        Path(args.out)
        / f"{task}-chosen-{result_hash(name + ' '.join(c.name + c.source_hash for c in candidates), labels)[:16]}"
    )
    if path.with_suffix(".predictions.parquet").exists():
        predictions = pq.read_table(path.with_suffix(".predictions.parquet"))
    else:
        scored = {metrics["features"][0].as_py(): found for metrics, found in results}
        first = next(iter(scored.values()))
        first = first.filter(pc.equal(first["repeat"], 0))
        parts = []
        for fold in sorted(set(first["fold"].to_pylist())):
            held = first.filter(pc.equal(first["fold"], fold))["entity_id"]
            train = labels.filter(pc.invert(pc.is_in(labels["entity_id"], held.combine_chunks())))
            options = ProbeOptions(folds=3, repeats=1, bootstrap=1, workers=args.workers)
            inner = [
                probe(each, train, task, "binary", options, DATASET).probes["value"][0].as_py() for each in candidates
            ]
            best = candidates[int(np.argmax(inner))].name
            print(f"{task} {name}, fold {fold}: {best} ({max(inner):.3f} inside the training part)", flush=True)
            mine = scored[best]
            parts.append(mine.filter(pc.and_(pc.equal(mine["repeat"], 0), pc.equal(mine["fold"], fold))))
        predictions = pa.concat_tables(parts)
        predictions = predictions.set_column(2, "features", pa.array([name] * predictions.num_rows))
        pq.write_table(predictions, path.with_suffix(".predictions.parquet"))
    row = {
        "dataset": DATASET,
        "task": task,
        "features": name,
        "model": "chosen",
        "probe": "logistic",
        "metric": "roc_auc",
    }
    return pa.Table.from_pylist([row], schema=results[0][0].schema), predictions


if __name__ == "__main__":
    main()
