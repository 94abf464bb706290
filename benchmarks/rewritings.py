"""Does rewriting help? Raw texts against the same events written by rules and by a language model, in one window.

    python benchmarks/rewritings.py [--users 150] [--max-length 192] [--k 8] [--task gender] [--store FOLDER]

Users of MovieLens-100K, one text each of three kinds: raw; a table, a list or JSON by rule; the same held to its events
and written by the model. Each kind is embedded in its newest window and probed over the same folds; differences to raw
are paired. What was made before in the store is reused. Prints what each step cost, and the table of ``compare``.
"""

import pyarrow.compute as pc

import llm4es
from benchmarks.measure import parser
from llm4es.project.outcome import Outcome

RULES = ("markdown_table", "bullet_list", "json")
PROMPTS = ("table", "bullets", "json")
"""The same formats in the same order: the seed draws the same one for a user."""


def main() -> None:
    """Make, probe, compare and print."""
    own = {"users": 150, "max_length": 192, "k": 8, "task": "gender", "store": "llm4es-store"}
    asked = parser(__doc__, "model", **own).parse_args()
    project = llm4es.Project("movielens-100k", asked.store, max_entities=asked.users)

    def told(outcome: Outcome) -> None:
        print(f"{outcome} {outcome.message}", flush=True)

    told(project.serialize())
    told(project.enrich(by="rules", formats=RULES, variants=1))
    told(project.enrich(by="llm", formats=PROMPTS, variants=1, model=asked.model))
    for texts in (("raw",), RULES, tuple(f"llm_{prompt}" for prompt in PROMPTS)):
        told(project.embed(asked.model, k=asked.k, max_length=asked.max_length, texts=texts))
    project.probe(asked.task)
    names = pc.unique(project.compare(asked.task).to_arrow()["features"]).to_pylist()
    raw = next(name for name in names if "@" in name and "json" not in name)
    table = project.compare(asked.task, reference=raw).to_arrow()
    wanted = ["features", "value", "ci_low", "ci_high", "difference", "diff_low", "diff_high", "detectable", "n"]
    print(table.select(wanted).to_pandas().to_string(index=False))


if __name__ == "__main__":
    main()
