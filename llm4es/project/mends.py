"""Which vectors of a dataset are stale, and what is typed to bring them up to date.

In: a context. Out: rows for ``status``: names, counts, states, and commands, or why there is none. Writes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from .again import line, told
from .context import Context
from .embed_again import embed_again
from .feature_source import FeatureSource
from .feature_sources import all_feature_sources

AS_THEY_ARE = "up to date"
"""What is made of files, texts and labels as they are now."""

Row = tuple[str, str, int | None, str, str]


@dataclass(frozen=True)
class Mends:
    """What is there of one set of a dataset's texts: those of all tasks, or of tasks with cut-offs of their own."""

    context: Context
    """Recipe and store; of a task, where tasks have cut-offs of their own."""

    @cached_property
    def sources(self) -> list[FeatureSource]:
        """All that can be probed."""
        return all_feature_sources(self.context)

    def vectors(self) -> Iterator[Row]:
        """A row for the vectors of each name."""
        task = f" for {self.context.which.task}" if self.context.which.task else ""
        for source in self.sources:
            if source.n_live is not None and source.embedded:
                state = f"{source.n_stale} of texts that have changed" if source.n_stale else AS_THEY_ARE
                mend = told(partial(self.embed, source.config_id)) if source.n_stale else ""
                yield "vectors", f"{self.context.dataset} {source.name}{task}", source.n_live, state, mend

    def embed(self, made: str) -> list[str]:
        """The commands that bring every k of a configuration up to date. Raises UntoldError."""
        of_it = [source for source in self.sources if source.config_id == made]
        depths = {source.k for source in of_it if source.k and source.embedded}
        if made not in self._made:
            commands = embed_again(self.context, made, depths, layers=any(source.layer for source in of_it))
            self._made[made] = [line(words, self.root) for words in commands]
        return self._made[made]

    @cached_property
    def _made(self) -> dict[str, list[str]]:
        """Configuration -> its commands, looked for once."""
        return {}

    @property
    def root(self) -> str:
        """Where the store lies."""
        return str(self.context.store.layout.root)


def cuts(context: Context) -> list[Mends]:
    """One for each set of texts that the tasks have: one, unless a task has cut-offs of its own.

    Parameters
    ----------
    context : Context
        Recipe and store.

    Returns
    -------
    list of Mends
        In the order of the tasks.

    Examples
    --------
    >>> [mends.context.which.task for mends in cuts(context)]
    [None]
    """
    found: dict[str, Context] = {}
    for task in context.recipe.tasks:
        of_task = context.of_task(task)
        found.setdefault(of_task.cutoff.config_id, of_task)
    return [Mends(each) for each in found.values()] if len(found) > 1 else [Mends(context)]
