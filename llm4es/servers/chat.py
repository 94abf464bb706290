"""A chat completion as servers really send it: the words in it, and whether they are whole.

In: the JSON object of ``/chat/completions``, or the pieces of a stream. Out: a ``Completion``, or None where there is
none. Judges no words.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import one_line

CUT = ("length", "max_tokens", "model_length", "content_filter")
"""Reasons to end that leave an answer in the middle."""

LOST = ("error", "abort", "aborted", "cancelled", "insufficient_system_resource")
"""Reasons to end that are the server's, and say nothing of the model."""

THOUGHT = ("reasoning_content", "reasoning")
"""Where servers put a model's thinking."""

_FILE = re.compile(r"(?i)^(?:[/~\\]|\.{1,2}/|[a-z]:\\)|\.(?:gguf|safetensors|bin)$")


@dataclass(frozen=True)
class Completion:
    """What a model said."""

    text: str
    """Its words, without what came as its thinking."""

    finished: bool
    """Whether it came to an end by itself."""

    refusal: str | None
    """Why there are no words, or not all."""

    served_by: str
    """The model that the server says it was, and the server's fingerprint; '' where it says none."""

    read: int = 0
    """Tokens of the question, as the server counts them; 0 where it does not say."""

    written: int = 0
    """Tokens of the answer."""

    lost: str = ""
    """What became of the answer, where the server did not bring it to its end."""


def completion(answer: Mapping[str, Any]) -> Completion | None:
    """The first choice of an answer; None where it has no choice.

    Examples
    --------
    >>> said = {"message": {"content": [{"type": "thinking"}, {"type": "text", "text": "tea"}]}}
    >>> completion({"model": "m", "choices": [said]})
    Completion(text='tea', finished=True, refusal=None, served_by='m', read=0, written=0, lost='')
    >>> completion({"choices": None}) is None
    True
    """
    choice = _joined(answer["stream"], answer.get("done")) if "stream" in answer else _first(answer)
    if choice is None:
        return None
    message = _mapping(choice.get("message"))
    text = _words(message.get("content", choice.get("text")))
    reason = choice.get("finish_reason")
    reason = reason.lower() if isinstance(reason, str) else None
    lost = "broke off its answer" + (f" ({reason})" if reason else "") if reason in LOST or choice.get("open") else ""
    refusal = None
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        refusal = f"the model declined: {one_line(message['refusal'], 100)}"
    elif reason == "content_filter":
        refusal = "cut off by the server's content filter"
    elif not text.strip() and (message.get("tool_calls") or message.get("function_call")):
        refusal = "the model called a tool in place of an answer"
    elif not text.strip() and reason not in CUT and any(message.get(name) for name in THOUGHT):
        refusal = "thinking alone, and no answer"
    head = next((piece for piece in answer["stream"] if "model" in piece), {}) if "stream" in answer else answer
    names = [without_folder(str(head[name])) for name in ("model", "system_fingerprint") if head.get(name)]
    served_by = one_line(" ".join(names), 100) if names else ""
    usage = _mapping(answer.get("usage"))
    read, written = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    return Completion(text, reason not in CUT, refusal, served_by, read, written, lost)


def without_folder(model: str) -> str:
    """A model's name without the folder of its file, which is nobody else's business.

    Examples
    --------
    >>> [without_folder(name) for name in ("/home/ann/qwen.gguf", "Qwen/Qwen2.5-7B")]
    ['qwen.gguf', 'Qwen/Qwen2.5-7B']
    """
    return re.split(r"[/\\]", model.rstrip("/\\"))[-1] if _FILE.search(model) else model


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _first(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The choice of index 0, wherever it stands."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        return None
    own = (choice for choice in choices if isinstance(choice, Mapping) and not choice.get("index"))
    return next(own, {})


def _joined(pieces: Iterable[Mapping[str, Any]], done: Any) -> Mapping[str, Any] | None:
    """The choice that the pieces of a stream make; it is open where nobody says that it came to an end."""
    text, reason, any_choice = "", None, False
    for choice in filter(None, map(_first, pieces)):
        any_choice = True
        text += _words(_mapping(choice.get("delta")).get("content"))
        reason = choice.get("finish_reason") or reason
    whole = {"message": {"content": text}, "finish_reason": reason, "open": not (reason or done)}
    return whole if any_choice else None


def _words(content: Any) -> str:
    """The words of a content: text, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list):
        return ""
    parts = [part if isinstance(part, Mapping) else {"type": "text", "text": part} for part in content]
    return "".join(
        str(part["text"])
        for part in parts
        if part.get("type") in ("text", "output_text", None) and isinstance(part.get("text"), str)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
