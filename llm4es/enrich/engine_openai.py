"""Answers from a server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, TGI, or OpenAI itself.

In: requests. Out: answers, in order, a bounded number on their way at once. After one that ends the run no more go
out, and what was answered is handed on. A form is asked for as servers take it, until one refuses it. Knows no events;
what can go wrong with a server stands in ``llm4es.servers``.
"""

from collections.abc import Sequence

from ..options import EnrichOptions
from ..servers import at_once, open_server
from ..servers.chat import completion, without_folder
from ..servers.failures import FailureKind, ServerError, with_words
from ..servers.parameters import Parameters
from .engine import Answer, Request
from .gbnf import PARAMETERS, form_parameters

CHARACTERS_PER_TOKEN = 2.5
"""A careful guess: a server says how many tokens a text has only afterwards."""

OPTIONAL = ("temperature", "top_p", "seed", *PARAMETERS)
"""Parameters that some models refuse, and answer without."""


class OpenAIEngine:
    """A server."""

    keeps_forms = False

    def __init__(self, options: EnrichOptions) -> None:
        self.options, self.name = options, without_folder(options.model)
        self.room = options.context
        self._forms = True
        """Whether no form was refused yet."""
        self._server = open_server(options.base_url, options.timeout)
        self._parameters = Parameters(
            {
                "model": options.model,
                "temperature": options.temperature,
                "top_p": options.top_p,
                "max_tokens": options.max_new_tokens,  # some servers ignore max_completion_tokens
            },
            OPTIONAL,
        )

    def count(self, text: str) -> int:
        """About how many tokens a text has, rather too many."""
        return int(len(text.encode()) / CHARACTERS_PER_TOKEN) + 1

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request, in order; those that a failure left without one carry it."""
        answers, failure = at_once(self._answer, requests, self.options.concurrency)
        return [answer or Answer("", finished=False, failure=failure) for answer in answers]

    def _answer(self, request: Request) -> Answer:
        """One answer. Raises ServerError where the run ends with it."""
        messages = [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}]
        while True:
            form = form_parameters(request.form) if self._forms else {}
            body = self._parameters.of(messages=messages, seed=request.seed, **form)
            try:
                answer = self._server.post("/chat/completions", body)
            except ServerError as error:
                if error.kind is FailureKind.TOO_LONG:
                    return Answer("", finished=False, too_long=str(error))
                if error.is_of_content:
                    return Answer("", finished=False, unanswered=str(error))
                if error.kind is FailureKind.REFUSED and self._parameters.yields(error.said, body):
                    continue
                if error.kind is FailureKind.REFUSED and form:
                    self._forms = False  # a grammar that it cannot read is refused in many words
                    continue
                raise
            found = completion(answer)
            if found is None or found.lost:
                what = f"{self._server.address.url} {found.lost if found else 'answers with no choice'}"
                return Answer("", finished=False, unanswered=with_words(what, self._server.words(answer)))
            return Answer(
                found.text,
                finished=found.finished,
                refusal=found.refusal,
                served_by=found.served_by,
                without=self._parameters.left_out,
                read=found.read,
                written=found.written,
            )
