"""Answers from a model in this process: left-padded batches of similar length, with a cache of keys and values.

In: a loaded model and requests. Out: answers. Each row is sampled with its own generator, so that an answer does not
depend on the rows beside it (up to the last bits of the logits). Knows nothing of events.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from ..core.errors import ModelError
from ..core.quiet import quiet
from ..models.load import Model
from ..options import EnrichOptions
from .engine import Answer, Request

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
        for begin in range(0, len(order), self.options.batch_size):
            rows = order[begin : begin + self.options.batch_size]
            batch = self._generate([prompts[at] for at in rows], [requests[at].seed for at in rows])
            answers.update(zip(rows, batch, strict=True))
        return [answers[at] for at in range(len(requests))]

    def _generate(self, prompts: Sequence[list[int]], seeds: Sequence[int]) -> list[Answer]:
        """One batch."""
        longest = max(map(len, prompts))
        pad = self._end[0]
        ids = torch.tensor(
            [[pad] * (longest - len(prompt)) + prompt for prompt in prompts]
        )  # (B, T) padded on the left
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])  # (B, T)
        sampling = SeededSampling(seeds, self.options.temperature, self.options.top_p)
        network: Any = self.model.network
        with torch.inference_mode(), quiet():
            tokens = network.generate(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                max_new_tokens=min(self.options.max_new_tokens, self.room - longest),
                do_sample=False,  # the noise is in the scores: greedy search draws
                logits_processor=LogitsProcessorList([sampling] if self.options.temperature > 0 else []),
                pad_token_id=pad,
                eos_token_id=self._end,
                use_cache=True,
            )  # (B, T + new)
        return [self._answer(row) for row in tokens[:, longest:].tolist()]

    def _answer(self, tokens: list[int]) -> Answer:
        """Words up to the first end token."""
        end = next((at for at, token in enumerate(tokens) if token in self._end), None)
        text = self.model.tokenizer.decode(tokens[:end], skip_special_tokens=True)
        return Answer(text, finished=end is not None)

    def _tokens(self, request: Request) -> list[int]:
        """A request as the model's chat template has it; plain paragraphs for a model without one."""
        tokenizer = self.model.tokenizer
        if getattr(tokenizer, "chat_template", None):
            messages = [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}]
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            return list(tokenizer(text, add_special_tokens=False)["input_ids"])
        return list(tokenizer(f"{request.system}\n\n{request.user}\n\n")["input_ids"])

    def _end_tokens(self) -> list[int]:
        """Tokens that end an answer."""
        eos = getattr(self.model.network.generation_config, "eos_token_id", None)
        ids = eos if isinstance(eos, list) else [eos]
        end = list(dict.fromkeys(i for i in [self.model.tokenizer.eos_token_id, *ids] if i is not None))
        if not end:
            raise ModelError(f"{self.name} has no token that ends an answer: take an instruction-tuned model")
        return end
