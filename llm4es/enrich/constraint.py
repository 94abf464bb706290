"""A form kept by the model in this process: tokens that would leave it cannot be drawn.

In: a tokenizer, regular expressions, scores. Out: scores in which such tokens are impossible. Knows no prompts and no
events. llguidance (https://github.com/guidance-ai/llguidance) follows the expressions, byte by byte.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from llguidance.hf import from_tokenizer
from torch import Tensor
from transformers import LogitsProcessor

from ..core.errors import ModelError, one_line

# B rows, T tokens, V vocabulary


class Constraint:
    """What is known of a model's tokens, once for all answers."""

    def __init__(self, tokenizer: Any, vocabulary: int, end: Sequence[int], name: str) -> None:
        self._name, self.end = name, end[0]
        try:
            plain = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(end))
            self._tokens = LLTokenizer(TokenizerWrapper(_ToTheLetter(plain)), n_vocab=vocabulary, eos_token=list(end))
        except Exception as error:  # the library says no narrower type
            raise ModelError(self._cannot(str(error))) from error

    def processor(self, patterns: Sequence[str], prompt: int) -> "Constrained":
        """For one batch: a regular expression a row, and how many tokens stand before the answers."""
        matchers = [self._matcher(pattern) for pattern in patterns]
        return Constrained(matchers, prompt, self.end)

    def text(self, tokens: list[int]) -> str:
        """The words of tokens, to the letter."""
        return self._tokens.decode_str(tokens)

    def _matcher(self, pattern: str) -> LLMatcher:
        made = LLMatcher(self._tokens, LLMatcher.grammar_from_regex(pattern), log_level=0)
        if made.is_error():
            raise ModelError(self._cannot(made.get_error()))
        return made

    def _cannot(self, why: str) -> str:
        return f"answers of {self._name} cannot be held to a form ({one_line(why, 120)}): give --constrain off"


class _ToTheLetter:
    """A tokenizer as llguidance takes it, whose tokens spell a text and nothing else.

    The model's own reads a control token where a value has its name (``</s>``), and may normalise what it reads: of
    such tokens llguidance first says that they must come, and then that they do not fit.
    """

    def __init__(self, plain: LLTokenizer) -> None:
        self._plain = plain
        every = range(plain.vocab_size)
        self.eos_token_id, self.bos_token_id = plain.eos_token, None
        self.special_token_ids = [token for token in every if plain.is_special_token(token)]
        self._control = frozenset(self.special_token_ids)
        self.tokens = [plain.decode_bytes([token]) for token in every]

    def __call__(self, text: bytes) -> list[int]:
        tokens = self._plain.tokenize_bytes(text)
        if self._control.isdisjoint(tokens) and self._plain.decode_bytes(tokens) == text:
            return tokens
        return self._plain.greedy_tokenize(text.decode())


class Constrained(LogitsProcessor):
    """Scores of one batch, as it goes on."""

    def __init__(self, matchers: Sequence[LLMatcher], prompt: int, end: int) -> None:
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
