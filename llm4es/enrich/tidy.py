"""An answer without what a model puts around it.

In: an answer's words. Out: the rewriting in it. Judges nothing. Each step looks at a text once.
"""

import json
from typing import Any

FENCE = "```"


LOOKED_AT = 256
"""Characters behind an object in which the next one begins."""


class _Number(str):
    """A number as it was written."""


class _Object(tuple[tuple[str, Any], ...]):
    """Names and values of a JSON object as they came, doubles too."""


_DECODER = json.JSONDecoder(object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number, parse_constant=_Number)


def tidied(text: str) -> str:
    """An answer without 'Here it is:' and the fence around it; JSON with one object a line, however indented."""
    text = _unfenced(text.strip().removeprefix("\ufeff")).strip()
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


def _unfenced(text: str) -> str:
    """What stands in the first fence; where it was never closed, all behind it."""
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if line.lstrip().startswith(FENCE)]
    if not fences or lines[fences[0]].strip() == FENCE * 2:
        return text
    return "\n".join(lines[fences[0] + 1 : fences[1] if len(fences) > 1 else None])


def _objects(text: str) -> list[_Object] | None:
    """The flat objects of a JSON list, alone or as the only value of an object, or one behind another; None: none."""
    try:
        content, end = _DECODER.raw_decode(text)
        items = content if isinstance(content, list) else [content]
        while rest := text[end : end + LOOKED_AT].lstrip(", \n\r\t"):  # objects that stand in no list
            if isinstance(content, list):
                return None
            content, end = _DECODER.raw_decode(text, text.index(rest[0], end))
            items.append(content)
    except (ValueError, RecursionError):
        return None
    if len(items) == 1 and isinstance(items[0], _Object) and len(items[0]) == 1 and isinstance(items[0][0][1], list):
        items = items[0][0][1]
    flat = all(isinstance(item, _Object) and not any(isinstance(v, list | _Object) for _, v in item) for item in items)
    return items if flat else None


def _line(item: _Object) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {_quoted(value)}" for name, value in item) + "}"


def _quoted(value: Any) -> str:
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
