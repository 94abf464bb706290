"""Answers from a model in this process: left-padded batches of similar length, with a cache of keys and values.

In: a loaded model and requests. Out: answers. Each row is sampled with its own generator, so that an answer does not
depend on the rows beside it (up to the last bits of the logits). A request with a form is answered in that form.
Knows nothing of events.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from ..core.errors import ModelError
from ..core.quiet import quiet
from ..models.load import Model
from ..options import EnrichOptions
from .chat import prompt_ids
from .engine import Answer, Request

if TYPE_CHECKING:
    from .constraint import Constraint

# B rows, T tokens, V vocabulary


TOO_LONG = "the question alone is longer than the model reads"
"""Why a request is not answered."""


class SeededSampling(LogitsProcessor):
    """Temperature, nucleus, and Gumbel noise of the row's own generator: the largest score is a draw."""

    def __init__(self, seeds: Sequence[int], temperature: float, top_p: float) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.temperature, self.top_p = temperature, top_p

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(B, V) to (B, V)."""
        scores = scores.float() / self.temperature  # (B, V)
        ordered, index = scores.sort(dim=-1, descending=True)  # (B, V)
        before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)  # (B, V) probability of what is likelier
        ordered = ordered.masked_fill(before >= self.top_p, -torch.inf)  # the likeliest always stays
        uniform = torch.stack(
            [torch.rand(scores.shape[-1], generator=generator) for generator in self.generators]
        )  # (B, V)
        noise = -(-uniform.clamp(1e-20, 1 - 1e-7).log()).log()  # Gumbel; arXiv 1411.0030
        noisy = ordered + noise.to(scores.device).gather(-1, index)  # noise belongs to a token, not to its rank
        return torch.empty_like(scores).scatter(-1, index, noisy)  # (B, V)


class TransformersEngine:
    """A model in this process."""

    keeps_forms = True

    def __init__(self, model: Model, options: EnrichOptions) -> None:
        model.require_head("asked")
        self.model, self.options, self.name = model, options, model.name
        self.room = int(model.ref.context)
        self._end = self._end_tokens()

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self.model.tokenizer(text, add_special_tokens=False)["input_ids"])

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request, in order; computed longest first, so that a batch has little padding."""
        prompts = [self._tokens(request) for request in requests]
        answers = {at: Answer("", finished=True, refusal=TOO_LONG) for at in range(len(requests))}
        fitting = [at for at in range(len(requests)) if len(prompts[at]) < self.room]
        order = sorted(fitting, key=lambda at: (-len(prompts[at]), at))
        for rows in self._batches(requests, order):
            batch = self._generate([prompts[at] for at in rows], [requests[at] for at in rows])
            answers.update(zip(rows, batch, strict=True))
        return [answers[at] for at in range(len(requests))]

    def _batches(self, requests: Sequence[Request], order: Sequence[int]) -> Iterator[Sequence[int]]:
        """Which requests are answered at once; those with a form have short answers, and wait for no others."""
        for formed in (True, False):
            rows = [at for at in order if (requests[at].form is not None) is formed]
            for begin in range(0, len(rows), self.options.batch_size):
                yield rows[begin : begin + self.options.batch_size]

    def _generate(self, prompts: Sequence[list[int]], requests: Sequence[Request]) -> list[Answer]:
        """One batch, whose requests all have a form, or none has."""
        longest = max(map(len, prompts))
        pad = self._end[0]
        ids = torch.tensor(
            [[pad] * (longest - len(prompt)) + prompt for prompt in prompts]
        )  # (B, T) padded on the left
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])  # (B, T)
        processors = LogitsProcessorList()
        forms = [request.form.pattern for request in requests if request.form is not None]
        if forms:
            processors.append(self._constraint.processor(forms, longest))
        if self.options.temperature > 0:
            seeds = [request.seed for request in requests]
            processors.append(SeededSampling(seeds, self.options.temperature, self.options.top_p))
        network: Any = self.model.network
        with torch.inference_mode(), quiet():
            tokens = network.generate(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                max_new_tokens=min(self.options.max_new_tokens, self.room - longest),
                do_sample=False,  # the noise is in the scores: greedy search draws
                logits_processor=processors,
                pad_token_id=pad,
                eos_token_id=self._end,
                use_cache=True,
            )  # (B, T + new)
        answers = tokens[:, longest:].tolist()
        return [self._answer(row, len(prompt), bool(forms)) for row, prompt in zip(answers, prompts, strict=True)]

    def _answer(self, tokens: list[int], read: int, formed: bool) -> Answer:
        """Words up to the first end token; those of a form to the letter, spaces included."""
        end = next((at for at, token in enumerate(tokens) if token in self._end), None)
        if formed:
            text = self._constraint.text(tokens[:end])
        else:
            text = self.model.tokenizer.decode(tokens[:end], skip_special_tokens=True)
        return Answer(text, finished=end is not None, read=read, written=len(tokens[:end]))

    @cached_property
    def _constraint(self) -> "Constraint":
        """What holds answers to their forms, made for the first of them."""
        from .constraint import Constraint

        config = self.model.network.config.get_text_config()
        return Constraint(self.model.tokenizer, int(config.vocab_size), self._end, self.name)

    def _tokens(self, request: Request) -> list[int]:
        """A request as the model reads it."""
        return prompt_ids(self.model.tokenizer, self.name, request.system, request.user)

    def _end_tokens(self) -> list[int]:
        """Tokens that end an answer."""
        eos = getattr(self.model.network.generation_config, "eos_token_id", None)
        ids = eos if isinstance(eos, list) else [eos]
        end = list(dict.fromkeys(i for i in [self.model.tokenizer.eos_token_id, *ids] if i is not None))
        if not end:
            raise ModelError(f"{self.name} has no token that ends an answer: take an instruction-tuned model")
        return end
