"""Which layout gives a network's pieces the states of its own plain pass: found by trying.

In: a network, and how long pieces and rows will be. Out: the best ``Layout`` in which every layer's states of every
piece are those that transformers gives for that piece as one unpadded text. Knows no texts.

The pieces tried are twice as long as the longest sliding window, attention chunk or first context that the
configuration names, as far as pieces in use are longer than it at all; a row tried is longer than the context where
rows in use are. A layout must give the plain states to ``EXACT``, and a piece's states must not move when its
neighbour's tokens change, to ``STILL`` (or a few times what lines of one length move, which cannot see each other:
kernels that sort tokens by expert round by the company). The second shows a leak however coarse the number format is.
In sixteen bits the first becomes: what packing changes is no more than a few times what padding alone does; and the
second is asked of the neighbours' lengths and of what stands in padding, too.

Letters: T tokens of a piece, L layers, D width.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..core.errors import ModelError
from ..core.phases import phase
from ..core.quiet import quiet
from .attention import with_layout
from .packing import LAYOUTS, Layout, Row, beginning
from .states import NOT_UNDERSTOOD, each_layer, layers_to_hook, plain_states, plain_tokens
from .trial_lengths import context_of, trial_lengths

EXACT = 1e-4
"""Largest difference in float32, a token's as a share of its state and the mean over a piece: far below any leak."""

STILL = 1e-5
"""Largest difference of a piece's states when the tokens of its neighbour change: kernels are the same in both."""

ROUNDING = {torch.bfloat16: 1e-1, torch.float16: 2e-2}
"""What rounding to sixteen bits may make of states that are computed with other kernels."""

MARGIN = 4
"""How often what padding changes by rounding alone, packing may change."""

PLAIN = (Layout.SEGMENTS, Layout.FLAT, Layout.PADDED, Layout.EQUAL, Layout.ALONE)
"""Layouts of pieces that have nothing in common, best first."""

BEGINNING = 4
"""Tokens that all pieces begin with, where a layout shares them."""

States = list[list[Tensor]]
"""Of each piece, of each layer, (T, D)."""

KNOWN: "WeakKeyDictionary[PreTrainedModel, dict[Any, Layout]]" = WeakKeyDictionary()
"""What was found, so that a network is tried once a process."""


@dataclass(frozen=True)
class _Tried:
    """How far a layout's states are from what they should be, as shares of a token's state."""

    plain: float
    """From those of the plain pass."""

    moved: float
    """From themselves, when other pieces' tokens change."""


def best_layout(
    network: PreTrainedModel,
    n_layers: int,
    longest: int,
    row_tokens: int = 0,
    layouts: Sequence[Layout] = PLAIN,
) -> Layout:
    """The first of ``layouts`` that gives every layer's states of every piece as the plain pass gives them.

    Parameters
    ----------
    network : PreTrainedModel
        Any network of transformers with hidden states.
    n_layers : int
        Its layers.
    longest : int
        Tokens of the longest piece that will be read.
    row_tokens : int
        Tokens of a row of several pieces that will be read.
    layouts : sequence of Layout
        Which to try, best first.

    Returns
    -------
    Layout
        What was found; the same network is tried once a process.

    Raises
    ------
    ModelError
        Where the plain pass fails or gives no states of every layer, and where no layout gives its states.
    """
    lengths = trial_lengths(network, longest)
    known = KNOWN.setdefault(network, {})
    key = (n_layers, lengths, min(row_tokens, context_of(network) + 1), tuple(layouts))
    if key not in known:
        with _evaluating(network), quiet(), phase("trying how it reads"):
            begin = BEGINNING if Layout.SHARED in layouts else 0
            known[key] = _Trial(network, n_layers, lengths, row_tokens, begin).best(layouts)
    return known[key]


def takes_padding(network: PreTrainedModel, n_layers: int, longest: int) -> bool:
    """Whether texts padded to the longest of a pass keep the states of the plain pass."""
    return best_layout(network, n_layers, longest, 0, (Layout.PADDED, Layout.EQUAL, Layout.ALONE)) == Layout.PADDED


class _Trial:
    """A network's plain states of some pieces, against which layouts are held."""

    def __init__(
        self, network: PreTrainedModel, n_layers: int, lengths: tuple[int, ...], row_tokens: int, begin: int
    ) -> None:
        self.network, self.layers = network, layers_to_hook(network, n_layers)
        self.begin = plain_tokens(network, min(begin, min(lengths) - 1), 13)
        self.pieces = [self._piece(length, step) for length, step in zip(lengths, (5, 7, 11), strict=True)]
        self.plain = [plain_states(network, n_layers, piece) for piece in self.pieces]
        self.dtype = self.plain[0][0].dtype
        self.half = self.dtype in ROUNDING
        self.tried: dict[Layout, _Tried | None] = {}
        context = context_of(network)
        self.filling = context + 1 - sum(lengths) if row_tokens > context else 0
        if not all(bool(state.isfinite().all()) for piece in self.plain for state in piece):
            raise ModelError(
                f"this {network.config.model_type} model gives NaN or infinity on plain tokens: use --dtype float32"
            )

    def best(self, layouts: Sequence[Layout]) -> Layout:
        for layout in layouts:
            if self.right(layout):
                return layout
        tried = self.of(layouts[-1])
        share = f"differ by {tried.plain:.1%}" if tried is not None else "cannot be taken"
        raise ModelError(
            f"the states of this {self.network.config.model_type} model, read {layouts[-1].value}, {share} from those"
            " of transformers' own pass: this architecture cannot be read, give another model"
        )

    def right(self, layout: Layout) -> bool:
        """Whether the layout gives the plain states."""
        tried = self.of(layout)
        if tried is None:
            return False
        if tried.plain > ROUNDING.get(self.dtype, EXACT):
            return False
        if layout in (Layout.EQUAL, Layout.ALONE):
            return True
        equal = self.of(Layout.EQUAL) if tried.moved > STILL or self.half else None
        if tried.moved > max(STILL, MARGIN * equal.moved if equal else 0):
            return False
        if not self.half or layout == Layout.PADDED:
            return True
        padded = self.of(Layout.PADDED) if self.right(Layout.PADDED) else equal
        return padded is not None and tried.plain <= max(EXACT, MARGIN * padded.plain)

    def of(self, layout: Layout) -> _Tried | None:
        """The layout tried; None where the network does not take it."""
        if layout not in self.tried:
            self.tried[layout] = self._try(layout)
        return self.tried[layout]

    def _try(self, layout: Layout) -> _Tried | None:
        try:
            with with_layout(self.network, layout):
                states = self._states(layout, 7)
                plain = max(_distance(ours, theirs) for ours, theirs in zip(states, self.plain, strict=True))
                moved = 0.0
                if layout != Layout.ALONE:
                    again = self._states(layout, 17)  # the long piece is another: its neighbours stay what they are
                    moved = max(_distance(again[place], states[place]) for place in (0, 2))
                    if self.half and layout != Layout.EQUAL:
                        moved = max(moved, self._stretched(layout, states))
        except NOT_UNDERSTOOD:
            return None
        return _Tried(plain, moved)

    def _states(self, layout: Layout, step: int) -> States:
        """Every piece's states; in company, the long piece (or the line beside each) has tokens of this step."""
        if layout == Layout.ALONE:
            return [self._read(layout, [piece])[0] for piece in self.pieces]
        if layout == Layout.EQUAL:
            beside = [self._piece(len(piece), step + 6) for piece in self.pieces]
            return [self._read(layout, [piece, b])[0] for piece, b in zip(self.pieces, beside, strict=True)]
        return self._read(layout, self._row(layout, step))[:3]

    def _row(self, layout: Layout, step: int) -> list[list[int]]:
        """The pieces in company, the long one of tokens of this step."""
        first, long, last = self.pieces
        row = [first, self._piece(len(long), step), last]
        if self.filling > 0 and layout != Layout.PADDED:
            row.append(self._piece(self.filling + len(self.begin), 3))
        return row

    def _piece(self, length: int, step: int) -> list[int]:
        """So many tokens, the first of them those that all pieces begin with."""
        return [*self.begin, *plain_tokens(self.network, length - len(self.begin), step)]

    def _stretched(self, layout: Layout, states: States) -> float:
        """How far the first piece moves when what shares its pass has other lengths, in tensors of the same sizes.

        Kernels are the same then, so what acts is seen below the rounding: the longest position of a pass, padding.
        """
        first, *others = self._row(layout, 7)
        if layout != Layout.PADDED:
            begin = len(self.begin)
            tokens, short = [token for piece in others for token in piece[begin:]], len(first) - begin
            pieces = [[*self.begin, *tokens[start : start + short]] for start in range(0, len(tokens), short)]
            return _distance(self._read(layout, [first, *pieces])[0], states[0])
        row = [first, *others]
        filled = LAYOUTS[layout].tensors(row)
        filling = torch.tensor([plain_tokens(self.network, filled["input_ids"].shape[1], 3)])  # (1, T)
        ids = torch.where(filled["attention_mask"] == 1, filled["input_ids"], filling)  # (B, T)
        moved = _distance(self._read(layout, row, input_ids=ids)[0], states[0])
        places = torch.arange(ids.shape[1]).expand(ids.shape)  # (B, T)
        try:
            far = self._read(layout, row, position_ids=places)[0]
            near = self._read(layout, row, position_ids=places.clamp(max=len(first) - 1))[0]
        except NOT_UNDERSTOOD:  # it takes no positions
            return moved
        return max(moved, _distance(near, far))

    def _read(self, layout: Layout, row: Row, **others: Tensor) -> States:
        """The states of a row's pieces; ``others``: what the network is called with in place of the layout's own."""
        inputs = {**LAYOUTS[layout].tensors(row), **others}
        del inputs["labels"]
        common = beginning(row) if layout == Layout.SHARED else 0
        starts = list(accumulate((len(piece) - common for piece in row), initial=common))
        states: States = [[] for _ in row]

        def take(state: Tensor) -> None:  # (B, T, D)
            for place, piece in enumerate(row):
                one_line = layout in (Layout.SHARED, Layout.SEGMENTS, Layout.FLAT)
                line, start = (0, starts[place]) if one_line else (place, 0)
                own = state[line, start : start + len(piece) - common]
                states[place].append(torch.cat([state[line, :common], own]))  # (T, D)

        each_layer(self.network, self.layers, inputs, take)
        return states


def _distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Of the farthest layer, the mean over tokens of how far a state is, as a share of its length.

    Infinite where there is no number.
    """
    worst = 0.0
    for mine, right in zip(ours, theirs, strict=True):  # (T, D)
        length = right.float().norm(dim=-1)  # (T)
        share = (mine.float() - right.float()).norm(dim=-1) / length.clamp_min(1e-3 * float(length.mean()) + 1e-30)
        mean = float(share.mean())
        worst = max(worst, mean) if mean == mean else float("inf")
    return worst


@contextmanager
def _evaluating(network: PreTrainedModel) -> Iterator[None]:
    """Without dropout, which would tell two passes apart, and without gradients."""
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)
