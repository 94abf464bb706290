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

    @property
    def module(self) -> str:
        """Its module here, which holds a function of the same name, or ``app`` where it has commands of its own."""
        return "import_" if self.name == "import" else self.name


_STAGES = "Stages, in order (each computes only what is missing)"
_RESULTS = "Results"
_KEEPING = "The store and what is in it"

COMMANDS = (
    Command("run", _STAGES, "every stage where something is missing, then the comparison"),
    Command("serialize", _STAGES, "raw files to events, labels, splits and one text an entity"),
    Command("enrich", _STAGES, "more texts an entity: other formats, or a model's rewriting, checked"),
    Command("finetune", _STAGES, "train entities' texts to a tuned model in the store"),
    Command("embed", _STAGES, "texts to one vector an (entity, model, k), every k from one pass"),
    Command("probe", _STAGES, "embeddings and baselines to metrics and per-entity predictions"),
    Command("predict", _STAGES, "scores of everybody, by a probe that is fitted once and kept"),
    Command("compare", _RESULTS, "everything probed side by side: metric, interval, paired difference"),
    Command("diff", _RESULTS, "what changed between two versions, models or k"),
    Command("sql", _RESULTS, "a read-only query over the store's views, or a prompt"),
    Command("similar", _RESULTS, "the nearest entities, and the events that make them alike"),
    Command("report", _RESULTS, "one self-contained HTML page with the pictures"),
    Command("init", _KEEPING, "a first recipe for tables that nobody has described"),
    Command("recipes", _KEEPING, "the built-in recipes"),
    Command("models", _KEEPING, "what models there are; pull one, export one"),
    Command("status", _KEEPING, "the store at a glance: what it holds, what is out of date, what mends it"),
    Command("doctor", _KEEPING, "this machine: versions, devices, memory, cache, tokens a second"),
    Command("runs", _KEEPING, "what was done, when and why; one run with its lineage"),
    Command("import", _KEEPING, "vectors made elsewhere, kept and compared like our own"),
    Command("export", _KEEPING, "features of any kind as one file for other tools"),
    Command("check", _KEEPING, "every file, checksum and key looked at; what is safe put right"),
    Command("copy", _KEEPING, "a consistent copy, also while others write: a backup"),
    Command("optimize", _KEEPING, "fewer, larger files"),
    Command("gc", _KEEPING, "drop what nobody needs any more, never what a live row needs"),
)
