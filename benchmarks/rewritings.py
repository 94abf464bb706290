"""Does rewriting help? Raw texts against the same events written by rules and by a language model.

    python benchmarks/rewritings.py [--users 150] [--max-length 192] [--k 8] [--task gender] [--store FOLDER]
    python benchmarks/rewritings.py --each 4 [--readers smollm2-135m,all-minilm-l6-v2] ...

Users of MovieLens-100K, texts of three kinds: raw; a table, a list or JSON by rule; the same held to its events and
written by the model. Without ``--each`` a user is one text of each kind, read in its newest window; with it, the mean
over so many newest events, each rewritten and read on its own, equal ones once. Probed over the same folds; differences
to raw are paired. What was made before in the store is reused, but for single events. Prints what each step cost, and
the table of ``compare``.
"""

import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import llm4es
from benchmarks.measure import parser
from llm4es.core.hashing import text_hash
from llm4es.core.schemas import TEXTS
from llm4es.embed import embed
from llm4es.enrich import enrich, open_engine
from llm4es.models import load_model, resolve
from llm4es.options import EmbedOptions, EnrichBy, EnrichOptions, LoadOptions
from llm4es.project.outcome import Outcome
from llm4es.serialize.escaping import SEPARATOR
from llm4es.serialize.formats import parse

RULES = ("markdown_table", "bullet_list", "json")
PROMPTS = ("table", "bullets", "json")
"""The same formats in the same order: the seed draws the same one for a user, or an event."""

SHOWN = ["features", "value", "ci_low", "ci_high", "difference", "diff_low", "diff_high", "detectable", "n"]


def windows(project: llm4es.Project, model: str, k: int, max_length: int) -> None:
    """Each kind of text in its newest window."""
    told(project.enrich(by="rules", formats=RULES, variants=1))
    told(project.enrich(by="llm", formats=PROMPTS, variants=1, model=model))
    for texts in (("raw",), RULES, tuple(f"llm_{prompt}" for prompt in PROMPTS)):
        told(project.embed(model, k=k, max_length=max_length, texts=texts))


def single_events(project: llm4es.Project, model: str, k: int, each: int, readers: Sequence[str]) -> list[str]:
    """Each kind of text of single events, users as their means; the names under which their vectors are kept."""
    texts = project.sql("SELECT entity_id, text FROM texts WHERE variant = 'raw' ORDER BY entity_id").to_arrow()
    histories = {row["entity_id"]: parse(row["text"]) for row in texts.to_pylist()}
    newest = {
        entity: [f"{SEPARATOR.join(history.headers)}\n{SEPARATOR.join(event)}" for event in history.events[-each:]]
        for entity, history in histories.items()
    }
    distinct = sorted({text for events in newest.values() for text in events})
    print(f"{sum(map(len, newest.values()))} events, {len(distinct)} distinct", flush=True)
    about = {"dataset": "events", "variant": "raw", "n_events": 1, "n_events_dropped": 0}
    rows = [{"entity_id": text_hash(text), "text": text, "text_hash": text_hash(text), **about} for text in distinct]
    raw = pa.Table.from_pylist(rows, schema=TEXTS)
    by_rule = EnrichOptions(formats=RULES, variants=1)
    by_model = EnrichOptions(by=EnrichBy.LLM, formats=PROMPTS, variants=1, model=model)
    kinds = {"raw": raw}
    began = time.process_time()
    kinds["rules"] = pa.Table.from_batches(enrich(raw.to_batches(), by_rule))
    middle = time.process_time()
    engine = open_engine(by_model, LoadOptions(), resolve(model))
    kinds["llm"] = pa.Table.from_batches(enrich(raw.to_batches(), by_model, engine))
    print(f"rules {middle - began:.1f} s, model {time.process_time() - middle:.1f} s of processor time")
    print(
        f"fidelity of the model's {pc.mean(kinds['llm']['fidelity'])}, events by rule "
        f"{pc.sum(kinds['llm']['n_events_by_rule'])}",
        flush=True,
    )
    names = []
    for reader in readers:
        loaded = load_model(resolve(reader), LoadOptions())
        for kind, table in kinds.items():
            began = time.process_time()
            variants = tuple(pc.unique(table["variant"]).to_pylist())
            vectors: dict[str, list[float]] = {}
            for batch in embed(table.to_batches(), loaded, EmbedOptions(k=(k,), texts=variants)):
                vectors.update(zip(batch["entity_id"].to_pylist(), batch["vector"].to_pylist(), strict=True))
            names.append(f"{reader}-{kind}-{each}-events")
            print(f"{names[-1]}: {time.process_time() - began:.1f} s of processor time", flush=True)
            means = [np.mean([vectors[text_hash(text)] for text in events], axis=0) for events in newest.values()]
            users = pa.table({"id": list(newest), "vector": [mean.tolist() for mean in means]})
            told(project.import_vectors(users, names[-1], seen="none"))
    return names


def told(outcome: Outcome) -> None:
    """What a step did."""
    print(f"{outcome} {outcome.message}", flush=True)


def main() -> None:
    """Make, probe, compare and print."""
    own = {"users": 150, "max_length": 192, "k": 8, "task": "gender", "store": "llm4es-store", "each": 0}
    asked = parser(__doc__, "model", **own, readers="smollm2-135m,all-minilm-l6-v2").parse_args()
    project = llm4es.Project("movielens-100k", asked.store, max_entities=asked.users)
    told(project.serialize())
    references = []
    if asked.each:
        kept = single_events(project, asked.model, asked.k, asked.each, asked.readers.split(","))
        references = [name for name in kept if "-raw-" in name]
    else:
        windows(project, asked.model, asked.k, asked.max_length)
    project.probe(asked.task)
    if not references:
        names = pc.unique(project.compare(asked.task).to_arrow()["features"]).to_pylist()
        references = [next(name for name in names if "@" in name and "json" not in name)]
    for reference in references:
        table = project.compare(asked.task, reference=reference).to_arrow()
        print(table.select(SHOWN).to_pandas().to_string(index=False))


if __name__ == "__main__":
    main()
