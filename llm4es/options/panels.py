"""The headings that options stand under in ``--help``, in the order they are shown.

In: nothing. Out: words. Knows no option: each field says its heading itself.
"""

from enum import StrEnum


class Panel(StrEnum):
    """A heading of ``--help``."""

    OFTEN = "Most used"  # of each command, the three that are typed most
    WHAT = "What"  # which rows, texts, model, task
    HOW = "How"  # what changes what comes out
    EVENTS = "How single events are read (--history events)"
    LLM = "How a language model rewrites (--by llm)"
    LEARNING = "How it learns"
    COST = "How much memory and time"
    LOADING = "How the model is loaded"
    HALVES = "How items are halved (--protocol new-items)"
    WHERE = "Where"  # files, machines, processes
    SERVER = "Where: a server (--engine openai)"
    LIMITS = "Where: limits of this machine"
    OUTPUT = "Output"  # what is shown or written, and how
