"""What a language model's vectors are worth on two real tables with labels, against what a sceptic would try first.

Films rated (MovieLens-100K: gender, age under 30) and baseball seasons (recipe ``baseball``: elected to the Hall of
Fame, manager afterwards), by ``llm4es.Project`` alone. Each event is read once on its own (``--history events``), in
several readings; films, and positions at clubs, are asked about (``benchmarks/prompts``). Two protocols: ``cv``, and
``new-items``, where nobody is scored by an item that was learnt from. Same lists of features for both tables and
protocols, no one of them chosen by looking at a result; ``best(...)`` chooses anew inside every fold, once among
baselines alone and once with the model's vectors and votes, and is paired with the best baseline and with that choice.

Every step resumes: only what the store lacks is computed.

    python benchmarks/study.py                                             # both tables
    python benchmarks/study.py --tables baseball --tasks managed --protocols new-items
    python benchmarks/study.py --readings-only                             # vectors alone: tokens and seconds of each
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import parser
from llm4es import Project

MODEL, ENCODER = "smollm2-135m", "all-minilm-l6-v2"
PROMPTS = Path(__file__).parent / "prompts"
GROUPS = 6


@dataclass(frozen=True)
class Table:
    """A real table, and what its items are asked."""

    recipe: str
    prompt: str
    """A file of ``PROMPTS``, by its name."""
    answers: str
    """First words of an answer whose probabilities are kept: what a viewer, or a player, can be."""


TABLES = {
    "movielens-100k": Table(
        "movielens-100k",
        "films",
        "man,woman,boy,girl,men,women,boys,girls,father,mother,husband,wife,kids,children,child,family,parents,students,"
        "student,teenagers,teenager,adults,adult,young,old,elderly,retired,single,married,college,school,teacher,doctor,"
        "engineer,writer,artist,scientist,programmer,fans,fan,funny,sad,scary,violent,romantic,dark,sweet,clever,silly,"
        "exciting,boring,beautiful,classic,modern,popular,strange,serious,emotional,famous,important,"
        "0,1,2,3,4,5,6,7,8,9",
    ),
    "baseball": Table(
        "baseball",
        "seasons",
        "star,legend,hero,great,champion,leader,manager,coach,captain,scout,teacher,businessman,broadcaster,announcer,"
        "politician,actor,farmer,worker,player,pitcher,hitter,catcher,fielder,winner,loser,member,professional,rookie,"
        "veteran,failure,success,good,bad,poor,strong,fast,powerful,famous,popular,forgotten,unknown,best,worst,first,"
        "last,very,solid,average,key,part",
    ),
}

BASELINES = ("tfidf", "aggregates", "words", "words-aligned", "recency")
"""What stands beside the model, and what a choice among baselines chooses from."""


def main() -> None:
    """Serialize, read, probe, compare."""
    args = _arguments()
    for name in args.tables.split(","):
        table = TABLES[name]
        project = Project(table.recipe, args.store, max_entities=args.users or None, observer="bar")
        print(project.serialize(), flush=True)
        for model, how in readings(table):
            print(project.embed(model, history="events", **how), flush=True)
        if args.readings_only:
            continue
        for task in args.tasks.split(",") if args.tasks else project.recipe.tasks:
            for protocol in args.protocols.split(","):
                _evaluate(project, table, task, protocol, args.workers)


def readings(table: Table) -> Iterator[tuple[str, dict[str, Any]]]:
    """(model, options of ``embed``) of everything that is read: what an event says, and what is asked about it."""
    prompt = str(PROMPTS / f"{table.prompt}.toml")
    white, aligned = {"weights": "tfidf", "whiten": 256}, {"weights": "tfidf", "align": 64}
    yield MODEL, {"k": (1, 8)}
    for learnt in (white, aligned):
        yield MODEL, {"groups": GROUPS, **learnt}
        yield MODEL, {"groups": GROUPS, "prompt": prompt, **learnt}
    yield MODEL, {"prompt": prompt, "answers": table.answers, "weights": "tfidf"}
    yield ENCODER, {"k": 1, "weights": "tfidf"}
    yield ENCODER, {"k": 1, **aligned}


def features(table: Table) -> tuple[str, str, list[str]]:
    """The choice among baselines, the choice among everything, and every feature set that stands beside them."""
    prompt, groups = table.prompt, f"{GROUPS} groups"
    white = f"{MODEL}@30 [events, tfidf, whiten 256, {groups}]"
    aligned = f"{MODEL}@30 [events, tfidf, align 64, {groups}]"
    asked = f"{MODEL}@30 [events, {prompt}, tfidf, whiten 256, {groups}]"
    asked_aligned = f"{MODEL}@30 [events, {prompt}, tfidf, align 64, {groups}]"
    answers = f"{MODEL} [events, {prompt}, {len(table.answers.split(','))} answers, tfidf]"
    encoder, encoder_aligned = f"{ENCODER}@1 [events, tfidf]", f"{ENCODER}@1 [events, tfidf, align 64]"
    votes = [
        f"vote(tfidf, {answers})",
        f"vote(tfidf, aggregates, {answers})",
        f"vote(tfidf, aggregates, {asked})",
        f"vote(words-aligned, {asked_aligned})",
        f"vote(words-aligned, {asked_aligned}, {encoder_aligned})",
    ]
    control = "vote(tfidf, aggregates)"
    alone = [white, asked, answers, asked_aligned, encoder_aligned]
    of_baselines = f"best({', '.join([*BASELINES, control])})"
    of_all = f"best({', '.join([*BASELINES, control, *alone, *votes])})"
    plain = [f"{MODEL}@{k} [events]" for k in (1, 8)]
    return of_baselines, of_all, [*BASELINES, "majority", *plain, *alone, aligned, encoder, control, *votes]


def _evaluate(project: Project, table: Table, task: str, protocol: str, workers: int) -> None:
    """Probe everything under one protocol; two tables, and what the choice adds to the choice without a model."""
    of_baselines, of_all, others = features(table)
    names = [*others, of_baselines, of_all]
    print(project.probe(task, protocol=protocol, features=names, workers=workers or None), flush=True)
    for reference in (None, of_baselines):
        rows = project.compare(task, protocol=protocol, reference=reference).to_pylist()
        print(f"\n{table.recipe}, {task}, {protocol}: {rows[0]['n']} entities, against {rows[0]['reference']}\n")
        print(
            "| features | ROC-AUC (95 % interval) | difference | p alone | p corrected | tokens |\n" + "|---" * 6 + "|"
        )
        for row in rows:
            print(_line(row, {of_baselines: "chosen: baselines", of_all: "chosen: all"}))
        chosen = {row["features"]: row["chosen"] for row in rows}
        print(f"\nchosen in so many folds: {chosen[of_all]}", flush=True)


def _line(row: dict[str, Any], short: dict[str, str]) -> str:
    """A row of a table."""
    cells = [short.get(row["features"], row["features"])]
    cells += [f"{row['value']:.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"]
    if row["difference"] is None:
        cells += ["reference", "", ""]
    else:
        gap = f"{row['difference']:+.3f} ({row['diff_low']:+.3f} to {row['diff_high']:+.3f})"
        cells += [gap, f"{row['p_value']:.3f}", f"{row['p_adjusted']:.3f}"]
    cells += [f"{row['tokens'] or 0:,}"]
    return f"| {' | '.join(cells)} |"


def _arguments() -> argparse.Namespace:
    own = {"store": "study-store", "tables": ",".join(TABLES), "tasks": "", "protocols": "cv,new-items"}
    options = parser(__doc__, **own, users=0, workers=0)
    options.add_argument("--readings-only", action="store_true", help="vectors alone, nothing is probed")
    return options.parse_args()


if __name__ == "__main__":
    main()
