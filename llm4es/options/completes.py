"""What a shell may complete where a value is the name of something.

In: nothing. Out: words. Knows no name: those that there are stand in ``project.names_here``.
"""

from enum import StrEnum


class Completes(StrEnum):
    """What of this program, or of the store at hand, a value names."""

    RECIPES = "recipes"  # built-in ones, datasets of the store, TOML files
    DATASETS = "datasets"  # of the store
    MODELS = "models"  # built-in ones, and those of the store
    TASKS = "tasks"  # of the recipe that stands before it
    FEATURES = "features"  # baselines, and what was embedded, imported or probed
    PROMPTS = "prompts"  # of embed
    REWRITINGS = "rewritings"  # formats and prompts of enrich
