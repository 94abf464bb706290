"""Answers from a server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, TGI, or OpenAI itself.

In: requests. Out: answers, in order, a bounded number on their way at once. The client waits and asks again on 429 and
5xx. The key comes from the environment ($OPENAI_API_KEY) and goes nowhere but into the request. Knows no events.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

try:
    import openai
except ImportError:  # the extra is not installed
    openai = None  # type: ignore[assignment]

from ..core.errors import ModelError
from ..options import EnrichOptions
from .engine import Answer, Request

KEY_VARIABLE = "OPENAI_API_KEY"
"""Environment variable of the key; local servers take any."""

TRIES = 6
"""Times a request is sent again after 429, 5xx or a lost connection, with growing pauses."""

TIMEOUT = 600.0
"""Seconds for one answer."""

CHARACTERS_PER_TOKEN = 2.5
"""A careful guess: a server says how many tokens a text has only afterwards."""


class OpenAIEngine:
    """A server."""

    def __init__(self, options: EnrichOptions) -> None:
        if openai is None:
            raise ModelError("--engine openai needs the client: pip install 'llm4es[openai]'")
        self.options, self.name = options, options.model
        self.room = options.context
        self._where = options.base_url or "https://api.openai.com/v1"
        key = os.environ.get(KEY_VARIABLE) or "none"
        self._client = openai.OpenAI(base_url=self._where, api_key=key, max_retries=TRIES, timeout=TIMEOUT)

    def count(self, text: str) -> int:
        """About how many tokens a text has, rather too many."""
        return int(len(text.encode()) / CHARACTERS_PER_TOKEN) + 1

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request, in order."""
        with ThreadPoolExecutor(self.options.concurrency) as pool:
            return list(pool.map(self._answer, requests))

    def _answer(self, request: Request) -> Answer:
        """One answer; a request that the server finds wrong is a refusal, a server that cannot be used an error."""
        try:
            made = self._client.chat.completions.create(
                model=self.options.model,
                messages=[{"role": "system", "content": request.system}, {"role": "user", "content": request.user}],
                temperature=self.options.temperature,
                top_p=self.options.top_p,
                max_tokens=self.options.max_new_tokens,  # some servers ignore max_completion_tokens
                seed=request.seed,
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise ModelError(f"{self._where} refuses the key: set ${KEY_VARIABLE} to one that it takes") from error
        except openai.NotFoundError as error:
            raise ModelError(f"{self._where} has no model {self.name!r}: check --model and --base-url") from error
        except openai.APIConnectionError as error:
            raise ModelError(f"cannot reach {self._where}: start the server, or mend --base-url") from error
        except openai.RateLimitError as error:
            raise ModelError(f"{self._where} has too much to do: lower --concurrency, or try again later") from error
        except openai.APIStatusError as error:
            if error.status_code < 500:
                return Answer("", finished=True, refusal=f"the server refused the request ({error.status_code})")
            raise ModelError(f"{self._where} fails with status {error.status_code}: look at the server") from error
        choice = made.choices[0]
        return Answer(choice.message.content or "", finished=choice.finish_reason != "length")
