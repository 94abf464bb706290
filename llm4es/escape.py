"""Values in lines of text, so that a line is one event and ' | ' stands between fields, whatever the values hold.

In: values of any characters. Out: the same without line breaks, control characters and bare '|', reversibly: a
backslash stands before what was changed. Knows nothing of events.
"""

import re

import numpy as np
import pyarrow as pa

SEPARATOR = " | "
"""Between the fields of a line."""

SHORT = {"\\": "\\\\", "|": "\\|", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
"""Characters with an escape of their own."""

_UNSAFE = re.compile(r"[\\|\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))", re.DOTALL)
_BACK = {escaped[1]: character for character, escaped in SHORT.items()}

_SUSPECT = np.zeros(256, bool)
_SUSPECT[[*range(0x20), 0x7F, ord("\\"), ord("|"), 0xC2, 0xE2]] = True  # 0xC2, 0xE2 begin U+0080.. and U+2028 in UTF-8


def escape(value: str) -> str:
    """A value that is safe in a line."""
    return _UNSAFE.sub(_code, value)


def unescape(escaped: str) -> str:
    """The value that ``escape`` was given."""
    return _ESCAPED.sub(_character, escaped) if "\\" in escaped else escaped


def split(line: str) -> list[str]:
    """The fields of a line, still escaped."""
    return line.split(SEPARATOR)


def escape_array(values: pa.Array) -> pa.Array:
    """``escape`` of each value. Free where no byte of the array could need it."""
    data = values.buffers()[2]
    if data is None or not _SUSPECT[np.frombuffer(data, np.uint8)].any():
        return values
    distinct = values.dictionary_encode()
    safe = [None if value is None else escape(value) for value in distinct.dictionary.to_pylist()]
    return pa.array(safe, pa.string()).take(distinct.indices)


def _code(match: re.Match[str]) -> str:
    character = match[0]
    if character in SHORT:
        return SHORT[character]
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def _character(match: re.Match[str]) -> str:
    return _BACK.get(match[3], match[3]) if match[3] is not None else chr(int(match[1] or match[2], 16))
