"""One file a command, and the list of them: what ``llm4es --help`` shows without loading any.

In: nothing. Out: the commands in the order they are shown. Knows no command's work.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """One command of the program."""

    name: str
    """What is typed."""
    panel: str
    """The heading that it stands under."""
    short: str
    """What it does, in one line; its own ``--help`` says more."""
    typed_most: str = ""
    """Its options that stand first in its ``--help``."""

    @property
    def often(self) -> tuple[str, ...]:
        """The options of ``typed_most``."""
        return tuple(self.typed_most.split())

    @property
    def module(self) -> str:
        """Its module here, which holds a function of the same name, or ``app`` where it has commands of its own."""
        return "import_" if self.name == "import" else self.name


_STAGES = "Stages, in order (each computes only what is missing)"
_RESULTS = "Results"
_KEEPING = "The store and what is in it"

COMMANDS = (
    Command(
        "run",
        _STAGES,
        "every stage where something is missing, then the comparison",
        "--model --dry-run --max-entities",
    ),
    Command(
        "serialize", _STAGES, "raw files to events, labels, splits and one text an entity", "--data --as-of --dry-run"
    ),
    Command(
        "enrich",
        _STAGES,
        "more texts an entity: other formats, or a model's rewriting, checked",
        "--by --formats --variants",
    ),
    Command("finetune", _STAGES, "train entities' texts to a tuned model in the store", "--model --steps --method"),
    Command(
        "embed", _STAGES, "texts to one vector an (entity, model, k), every k from one pass", "--model --history --k"
    ),
    Command(
        "probe",
        _STAGES,
        "embeddings and baselines to metrics and per-entity predictions",
        "--task --features --protocol",
    ),
    Command(
        "predict", _STAGES, "scores of everybody, by a probe that is fitted once and kept", "--task --features --as-of"
    ),
    Command(
        "compare",
        _RESULTS,
        "everything probed side by side: metric, interval, paired difference",
        "--task --reference --format",
    ),
    Command("diff", _RESULTS, "what changed between two versions, models or k", "--dataset -n --format"),
    Command("sql", _RESULTS, "a read-only query over the store's views, or a prompt", "--at --format --out"),
    Command("similar", _RESULTS, "the nearest entities, and the events that make them alike", "--model --k -n"),
    Command("report", _RESULTS, "one self-contained HTML page with the pictures", "--task --out --features"),
    Command("init", _KEEPING, "a first recipe for tables that nobody has described", "--out --yes --table"),
    Command("recipes", _KEEPING, "the built-in recipes"),
    Command("models", _KEEPING, "what models there are; pull one, export one"),
    Command("status", _KEEPING, "the store at a glance: what it holds, what is out of date, what mends it"),
    Command("doctor", _KEEPING, "this machine: versions, devices, memory, cache, tokens a second"),
    Command("runs", _KEEPING, "what was done, when and why; one run with its lineage", "--limit --format --wide"),
    Command("import", _KEEPING, "vectors made elsewhere, kept and compared like our own", "--name --dataset --id"),
    Command("export", _KEEPING, "features of any kind as one file for other tools", "--features --out --layout"),
    Command("check", _KEEPING, "every file, checksum and key looked at; what is safe put right"),
    Command("copy", _KEEPING, "a consistent copy, also while others write: a backup"),
    Command("optimize", _KEEPING, "fewer, larger files"),
    Command("gc", _KEEPING, "drop what nobody needs any more, never what a live row needs"),
)
