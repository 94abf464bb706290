"""A form as servers take it: llama.cpp's grammar notation, and the regular expression that vLLM takes.

In: a ``Form``. Out: parameters of a request. Whether a server keeps to them is seen in its answers alone.
https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md,
https://docs.vllm.ai/en/latest/features/structured_outputs.html
"""

from typing import Any

from .form import Form, Way
from .paraphrase import SHUT

PARAMETERS = ("grammar", "structured_outputs")
"""What a request with a form has besides: each server reads its own, and most leave the other alone."""


def form_parameters(form: Form | None) -> dict[str, Any]:
    """What a request is sent with so that its answer keeps to a form."""
    return {} if form is None else {"grammar": gbnf(form), "structured_outputs": {"regex": form.pattern}}


def gbnf(form: Form) -> str:
    """A form in llama.cpp's notation.

    Examples
    --------
    >>> from llm4es.serialize.formats import ParsedHistory, TextFormat
    >>> from llm4es.enrich.form import form_of
    >>> print(gbnf(form_of(ParsedHistory(("What", "Price"), (("tea", "3"),)), TextFormat.BULLET_LIST)))
    root ::= "- What: tea" | "- Price: 3"
    """
    return "root ::= " + " | ".join(map(_way, form.ways))


def _way(way: Way) -> str:
    first, *others = map(_literal, way.asked)
    spans = (f" [^- {SHUT}] [^{SHUT}]{{0,{most - 1}}} " for _, _, most in way.free)
    return first + "".join(map(str.__add__, spans, others))


def _literal(text: str) -> str:
    for character, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(character, escaped)
    return f'"{text}"'
