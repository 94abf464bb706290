"""What several commands take: how their common options were typed, and what they open.

In: typed words. Out: a project, a store, a screen. Knows no step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm4es.core.errors import StoreError
from llm4es.core.lean_arrow import lean_arrow

from .options import DEFAULT_STORE, OutputFormat

if TYPE_CHECKING:
    from llm4es import Project
    from llm4es.project.outcome import Outcome
    from llm4es.project.result import Result
    from llm4es_store import Store

    from .screen import Screen


@dataclass(frozen=True)
class Call:
    """The common options of one call; those that a command does not offer have their defaults."""

    store: str = DEFAULT_STORE
    """Where the store is, or will be."""
    quiet: bool = False
    """No progress and no messages."""
    debug: bool = False
    """Known errors show their traceback too; see ``options.debug_wanted``."""
    format: OutputFormat | None = None
    """How the result is printed; None: a table on a terminal, else csv but where the command says otherwise."""
    wide: bool = False
    """Every column and every text of a table, however wide it gets."""
    dry_run: bool = False
    """Plan only."""
    max_entities: int | None = None
    """Only so many entities; None: all."""
    data: Path | None = None
    """Folder of raw files; None: the recipe's own."""
    allow_outside: bool = False
    """Take raw files that lie outside that folder."""
    task: str | None = None
    """The recipe's task; None: every one."""
    subcommand: str | None = None
    """The command below this one that was typed; None: none."""

    @cached_property
    def screen(self) -> "Screen":
        """Where messages and progress go."""
        from .screen import Screen

        return Screen(self.quiet)

    def show(
        self, rows: "Result | Sequence[Mapping[str, Any]]", *, wrapped: bool = False, spare: Sequence[str] = ()
    ) -> None:
        """Print a result; ``wrapped`` and ``spare`` are those of a ``Look``."""
        from .screen import show
        from .table import MARKS, Look

        show(rows, self.format, look=Look(self.wide, wrapped, spare or MARKS))

    def show_outcomes(self, *outcomes: "Outcome") -> None:
        """Print what stages did, or would do."""
        from .screen import show_outcomes
        from .table import Look

        show_outcomes(outcomes, self.format, Look(self.wide, wrapped=True))

    def project(self, recipe: str) -> "Project":
        """The project of a recipe's name, file, or a dataset of the store."""
        screen = self.screen  # first: it shows what is imported
        lean_arrow()
        from llm4es import Project

        return Project(
            recipe,
            self.store,
            observer=screen,
            data=self.data,
            allow_outside=self.allow_outside,
            max_entities=self.max_entities,
        )

    def opened(self) -> "Store":
        """The store. Raises StoreError where there is none."""
        lean_arrow()
        from llm4es_store import Store

        return Store(self.store)

    def existing(self) -> "Store | None":
        """The store; None where there is none: a built-in model or a folder has a name all the same."""
        try:
            return self.opened()
        except StoreError:
            if Path(self.store).exists():
                raise
            return None
