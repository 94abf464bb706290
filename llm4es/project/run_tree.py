"""A run as a tree for people: its stages, what each has to do or did, and where that lies.

In: outcomes. Out: a tree, drawn or in plain lines. Knows no store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.printable import printable_line
from .costs import Estimate, summed
from .outcome import Outcome
from .text_table import folded
from .underway import duration

if TYPE_CHECKING:
    from rich.tree import Tree

_DEEP = 4
"""Characters that a level is moved in by."""


@dataclass(frozen=True)
class Branch:
    """A line, and what stands below it."""

    text: str
    parts: tuple["Branch", ...] = ()

    def lines(self, width: int | None = None, depth: int = 0) -> list[str]:
        """It and all below it in plain lines, each level moved in; None: however long they are.

        Parameters
        ----------
        width : int, optional
            Characters of a line: longer ones go on in the next, parted between words.
        depth : int, default 0
            Of the tree above it.

        Returns
        -------
        list of str
            For screen readers and logs.

        Examples
        --------
        >>> Branch("embed", (Branch("m: 2 computed"),)).lines()
        ['embed', '    m: 2 computed']
        """
        own = folded(printable_line(self.text), None if width is None else width - _DEEP * depth)
        return [
            *(" " * _DEEP * depth + line for line in own),
            *(line for part in self.parts for line in part.lines(width, depth + 1)),
        ]

    def drawn(self, width: int) -> "Tree":
        """It and all below it with rich's lines between them."""
        from rich.text import Text
        from rich.tree import Tree

        def label(branch: Branch, depth: int) -> Text:
            return Text(
                "\n".join(folded(printable_line(branch.text), width - _DEEP * depth)), no_wrap=True, overflow="ignore"
            )

        def add(tree: Tree, parts: Sequence[Branch], depth: int) -> None:
            for part in parts:
                add(tree.add(label(part, depth)), part.parts, depth + 1)

        tree = Tree(label(self, 0), guide_style="dim")
        add(tree, self.parts, 1)
        return tree


def plan_tree(dataset: str, outcomes: Sequence[Outcome]) -> Branch:
    """What a run would do.

    Parameters
    ----------
    dataset : str
        Of what.
    outcomes : sequence of Outcome
        Of a dry run, in order.

    Returns
    -------
    Branch
        The sum, below it the stages.

    Examples
    --------
    >>> two = {"rows": 2, "computed": 2, "reused": 0, "reasons": {"new": 2}, "dry_run": True}
    >>> of = [Outcome("serialize", "shop", cost=Estimate(seconds=4.0), **two), Outcome("embed", "m", **two)]
    >>> print("\\n".join(plan_tree("shop", of).lines()))
    plan for shop: about 4 s and what this machine has no record of yet: embed
        serialize shop: 2 to compute, 0 reused (2 new), about 4 s
        embed m: 2 to compute, 0 reused (2 new)
    """
    todo = [(outcome.stage, outcome.cost or Estimate()) for outcome in outcomes if outcome.computed]
    stages = tuple(Branch(repr(outcome)) for outcome in outcomes)
    return Branch(f"plan for {dataset}: {summed(todo) if todo else 'nothing to do'}", stages)


def done_tree(dataset: str, root: str, outcomes: Sequence[Outcome], lies: Sequence[Mapping[str, int]]) -> Branch:
    """What a run did.

    Parameters
    ----------
    dataset : str
        Of what.
    root : str
        Where the store is.
    outcomes : sequence of Outcome
        In order.
    lies : sequence of mappings
        Of each outcome: view -> rows.

    Returns
    -------
    Branch
        The store and how long it took, below it the stages, each with the views that hold what it made.

    Examples
    --------
    >>> done = Outcome("serialize", "shop", rows=2, computed=2, reused=0, reasons={"new": 2}, seconds=1.5)
    >>> print("\\n".join(done_tree("shop", "/data/store", [done], [{"texts": 2, "labels": 1}]).lines()))
    shop is in /data/store, done in 1.5s
        serialize shop: 2 computed, 0 reused (2 new), 1.5s
            in texts (2 rows), labels (1 row)
    """
    took = duration(sum(outcome.seconds for outcome in outcomes))
    stages = tuple(
        Branch(repr(outcome), (Branch(_places(views)),) if views else ())
        for outcome, views in zip(outcomes, lies, strict=True)
    )
    return Branch(f"{dataset} is in {root}, done in {took}", stages)


def _places(views: Mapping[str, int]) -> str:
    return "in " + ", ".join(f"{view} ({rows:,} row{'s' * (rows != 1)})" for view, rows in views.items())
