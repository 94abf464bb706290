"""A form kept by the model in this process: tokens that would leave it cannot be drawn.

In: a tokenizer, regular expressions, scores. Out: scores in which such tokens are impossible. Knows no prompts and no
events. llguidance (https://github.com/guidance-ai/llguidance) follows the expressions, byte by byte.
"""

from collections.abc import Sequence
from typing import Any

import llguidance
import numpy as np
import torch
from llguidance.hf import from_tokenizer
from torch import Tensor
from transformers import LogitsProcessor

from ..core.errors import ModelError, one_line

# B rows, T tokens, V vocabulary


class Constraint:
    """What is known of a model's tokens, once for all answers."""

    def __init__(self, tokenizer: Any, vocabulary: int, end: Sequence[int], name: str) -> None:
        self._name, self._end = name, end[0]
        try:
            self._tokens = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(end))
        except Exception as error:  # the library says no narrower type
            raise ModelError(self._cannot(str(error))) from error

    def processor(self, patterns: Sequence[str], prompt: int) -> "Constrained":
        """For one batch: a regular expression a row, and how many tokens stand before the answers."""
        matchers = [self._matcher(pattern) for pattern in patterns]
        return Constrained(matchers, prompt, self._end)

    def text(self, tokens: list[int]) -> str:
        """The words of tokens, to the letter."""
        return self._tokens.decode_str(tokens)

    def _matcher(self, pattern: str) -> llguidance.LLMatcher:
        made = llguidance.LLMatcher(self._tokens, llguidance.LLMatcher.grammar_from_regex(pattern))
        if made.is_error():
            raise ModelError(self._cannot(made.get_error()))
        return made

    def _cannot(self, why: str) -> str:
        return f"answers of {self._name} cannot be held to a form ({one_line(why, 120)}): give --constrain off"


class Constrained(LogitsProcessor):
    """Scores of one batch, as it goes on."""

    def __init__(self, matchers: Sequence[llguidance.LLMatcher], prompt: int, end: int) -> None:
        self._matchers, self._read, self._end = matchers, prompt, end

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(B, V) to (B, V)."""
        new = input_ids[:, self._read :].tolist()  # (B, tokens since the last call)
        self._read = input_ids.shape[1]
        allowed = torch.zeros(scores.shape, dtype=torch.bool)  # (B, V)
        for row, matcher in enumerate(self._matchers):
            for token in new[row]:
                if not matcher.is_stopped():
                    matcher.consume_token(token)
            if matcher.is_stopped():
                allowed[row, self._end] = True
            else:
                bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
                n = min(len(bits), scores.shape[1])
                allowed[row, :n] = torch.from_numpy(bits[:n].astype(bool))
        return scores.masked_fill(~allowed.to(scores.device), -torch.inf)
