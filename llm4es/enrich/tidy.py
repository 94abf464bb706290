"""An answer without what a model puts around it.

In: an answer's words. Out: the rewriting in it. Judges nothing.
"""

import json
import re

_FENCED = re.compile(r"```[a-zA-Z]*\n(.*?)\n?```", re.DOTALL)
_PREAMBLE = re.compile(r"\A[^\W\d_][^\n|{\d]*:\s*\n")


def tidied(text: str) -> str:
    """An answer without 'Here it is:' and the fence around it; JSON with one object a line, however indented."""
    fenced = _FENCED.search(text)
    text = (fenced[1] if fenced else _PREAMBLE.sub("", text.strip())).strip()
    try:
        content = json.loads(text)
    except ValueError:
        return text
    objects = content if isinstance(content, list) else [content]
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in objects) + "\n]"
