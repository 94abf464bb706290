"""An answer without what a model puts around it.

In: an answer's words. Out: the rewriting in it. Judges nothing. Each step looks at a text once.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

FENCE = "```"


_END = re.compile(r"\s*(?:</s>|<\|(?:im_end|eot_id|end_of_text|endoftext|end)\|>|<end_of_turn>)$")
"""The mark of a model's own at the end of all that it writes, where a server hands it on."""

LOOKED_AT = 256
"""Characters behind an object in which the next one begins."""


class _Number(str):
    """A number as it was written."""


class _Object(tuple[tuple[str, Any], ...]):
    """Names and values of a JSON object as they came, doubles too."""


_DECODER = json.JSONDecoder(object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number, parse_constant=_Number)


def tidied(text: str) -> str:
    """An answer without 'Here it is:' and the fence around it; JSON with one object a line, however indented."""
    text = _unfenced(_unquoted(_END.sub("", text.strip().removeprefix("\ufeff")))).strip()
    for begin, end in (("[", "]"), ("{", "}")):
        first, last = text.find(begin), text.rfind(end)
        if 0 <= first < last and text[:first].rstrip(" ")[-1:] in ("", "\n") and _alone(text, last):
            objects = _objects(text[first : last + 1])
            if objects is not None:
                return "[\n" + ",\n".join(map(_line, objects)) + "\n]"
    first_line, _, rest = text.partition("\n")
    is_preamble = (
        first_line.rstrip().endswith(":") and first_line[:1].isalpha() and not set(first_line) & set("|{0123456789")
    )
    return rest.strip() if is_preamble and rest.strip() else text


def _alone(text: str, last: int) -> bool:
    """Whether nothing stands behind a character on its line."""
    end = text.find("\n", last)
    return not text[last + 1 : end if end >= 0 else None].strip(" ,\r\t]")


def _unquoted(text: str) -> str:
    """A text without Markdown's '>' where it stands before every line."""
    lines = text.split("\n")
    if not all(line.startswith(">") or not line.strip() for line in lines):
        return text
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)


def _unfenced(text: str) -> str:
    """What stands in the first fence; where it was never closed, all behind it."""
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if line.lstrip().startswith(FENCE)]
    if not fences or lines[fences[0]].strip() == FENCE * 2:
        return text
    return "\n".join(lines[fences[0] + 1 : fences[1] if len(fences) > 1 else None])


def _objects(text: str) -> list[_Object] | None:
    """The records of JSON values, one behind another; None: they are none."""
    try:
        content, end = _DECODER.raw_decode(text)
        items = list(_records(content))
        while rest := text[end : end + LOOKED_AT].lstrip(", \n\r\t"):  # further ones
            content, end = _DECODER.raw_decode(text, text.index(rest[0], end))
            items += _records(content)
    except (ValueError, RecursionError):
        return None
    return items or None


def _records(content: Any) -> Iterator[_Object]:
    """The objects that hold no others; what else stands beside those that do is words around the records."""
    if isinstance(content, _Object):
        within = [value for _, value in content if isinstance(value, list | _Object)]
        if not within:
            yield content
        elif any(isinstance(value, list) and not any(isinstance(each, _Object) for each in value) for value in within):
            raise ValueError("lists of plain values are no records")
        for value in within:
            yield from _records(value)
    elif isinstance(content, list):
        for value in content:
            if not isinstance(value, list | _Object):
                raise ValueError("plain values are no records")
            yield from _records(value)


def _line(item: _Object) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {_quoted(value)}" for name, value in item) + "}"


def _quoted(value: Any) -> str:
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
