"""How likely answers are after a prompt: log probabilities of their first tokens as the next one.

In: a loaded model, windows that end where the answer begins, answers in words. Out: (1, N, A) log probabilities; a line
about answers of several tokens. The head is the network's own, with whatever it does to its logits (a scale, a soft
cap). Knows no events.

Letters: N windows, B lines of a pass, P places whose next token is asked for, V vocabulary, A answers.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..core.errors import OptionError
from ..core.input_device import input_device
from ..inputs.attention import with_layout
from ..inputs.control_tokens import control_tokens, spelled_out
from ..inputs.on_device import on_device
from ..inputs.packing import Layout
from .pooling import Span, Window, laid_out

OPENING = "\"'`([{<«“„\u2018"
"""Behind these an answer begins at once; behind a word, a space comes first."""

LOGITS = 1 << 26
"""Logits computed at once, at most."""


def answer_tokens(tokenizer: Any, answers: Sequence[str], space: bool) -> list[list[int]]:
    """The tokens of each answer as they follow a word (``space``), or a mark that opens it, such as a quote.

    Those that a tokenizer writes for the space alone are left out: what is looked for is the answer's first own token.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerFast
        Of the model.
    answers : sequence of str
        Words.
    space : bool
        Whether a space stands before them.

    Returns
    -------
    list of list of int
        At least one token an answer.

    Raises
    ------
    OptionError
        For an answer that has no token.
    """
    before = "x " if space else '"'
    found = []
    for answer in answers:
        own = _from(tokenizer, before + answer, len(before), space) or _from(tokenizer, answer, 0, False)
        if not own or not answer.strip():
            raise OptionError(f"--answers {answer!r} is nothing that this model could say: leave it out")
        found.append(own)
    return found


def _from(tokenizer: Any, text: str, at: int, space: bool) -> list[int]:
    """The tokens of a text that begin at a place of it, or at the space before; none where one lies over it."""
    read = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    ids, places = spelled_out(tokenizer, control_tokens(tokenizer), text, read["input_ids"], read["offset_mapping"])
    return [i for i, (start, end) in zip(ids, places, strict=True) if end > at and start >= at - space]


def told_answers(tokenizer: Any, answers: Sequence[str]) -> str:
    """A line about answers of several tokens, for which the first stands; '' where there are none.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerFast
        Of the model.
    answers : sequence of str
        Words.

    Returns
    -------
    str
        Names them, and those that begin alike and so have the same numbers.
    """
    tokens = answer_tokens(tokenizer, answers, space=True)
    several = [
        f"{answer!r} ({tokenizer.decode(own[:1]).strip()}…)"
        for answer, own in zip(answers, tokens, strict=True)
        if len(own) > 1
    ]
    first: dict[int, list[str]] = {}
    for answer, own in zip(answers, tokens, strict=True):
        first.setdefault(own[0], []).append(answer)
    alike = [" and ".join(words) for words in first.values() if len(words) > 1]
    said = f"of several tokens, the first stands for the answer: {', '.join(several)}" if several else ""
    return said + (f"; begin alike, and have the same numbers: {', '.join(alike)}" if alike else "")


def answer_log_probs(
    tokenizer: Any, answers: Sequence[str]
) -> Callable[[PreTrainedModel, int, Sequence[Window], Sequence[Span], Layout], Tensor]:
    """What makes of the windows of a pass the log probabilities of answers after each: as ``layer_sums``, (1, N, A)."""
    first = {
        space: torch.tensor([own[0] for own in answer_tokens(tokenizer, answers, space)]) for space in (True, False)
    }
    opens: dict[int, bool] = {}

    def behind(token: int) -> bool:
        """Whether an answer behind this token begins with a space."""
        if token not in opens:
            said = str(tokenizer.decode([token]))
            opens[token] = not said or said[-1].isspace() or said[-1] in OPENING
        return not opens[token]

    @torch.inference_mode()
    def log_probs(
        network: PreTrainedModel, n_layers: int, windows: Sequence[Window], spans: Sequence[Span], layout: Layout
    ) -> Tensor:
        logits = _next_logits(network, windows, [end - 1 for _, end in spans], layout)  # (N, V)
        wanted = torch.stack([first[behind(w[end - 1])] for w, (_, end) in zip(windows, spans, strict=True)])  # (N, A)
        return logits.float().log_softmax(-1).gather(1, wanted.to(logits.device))[None]  # (1, N, A)

    return log_probs


def _next_logits(network: PreTrainedModel, windows: Sequence[Window], last: Sequence[int], layout: Layout) -> Tensor:
    """The network's own logits of the token behind each window's last one that counts, (N, V)."""
    inputs, found = laid_out(windows, [(place, place + 1) for place in last], layout)
    at = [place for _, place, _ in found]
    places = {place: column for column, place in enumerate(sorted({*at}))}
    call: Any = network
    takes_places = "logits_to_keep" in inspect.signature(network.forward).parameters
    length = len(places) if takes_places else inputs["input_ids"].shape[1]
    n_logits = inputs["input_ids"].shape[0] * length * network.config.get_text_config().vocab_size
    if n_logits > LOGITS and len(windows) > 1:
        middle = len(windows) // 2
        halves = [(windows[:middle], last[:middle]), (windows[middle:], last[middle:])]
        return torch.cat([_next_logits(network, *half, layout) for half in halves])
    moved = on_device(inputs, input_device(network))
    with with_layout(network, layout):
        if takes_places:
            kept = torch.tensor(list(places), device=moved["input_ids"].device)
            logits = call(**moved, use_cache=False, logits_to_keep=kept).logits  # (B, P, V)
        else:
            logits = call(**moved, use_cache=False).logits  # (B, T, V)
    columns = [places[place] for place in at] if takes_places else at
    lines = [line for line, _, _ in found]
    return logits[torch.tensor(lines), torch.tensor(columns)]  # type: ignore[no-any-return]
