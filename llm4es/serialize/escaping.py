"""Values in lines of text, so that a line is one event and ' | ' stands between fields, whatever the values hold.

In: values of any characters. Out: the same without line breaks, control characters and bare '|', reversibly: a
backslash stands before what was changed. Knows nothing of events.
"""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SEPARATOR = " | "
"""Between the fields of a line."""

SHORT = {"\\": "\\\\", "|": "\\|", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
"""Characters with an escape of their own."""

_UNSAFE = re.compile(r"[\\|\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))", re.DOTALL)
_BACK = {escaped[1]: character for character, escaped in SHORT.items()}


def escape(value: str) -> str:
    """A value that is safe in a line.

    Examples
    --------
    >>> print(escape("tea | milk"), escape("two\\nlines"))
    tea \\| milk two\\nlines
    """
    return _UNSAFE.sub(_code, value)


def unescape(escaped: str) -> str:
    """The value that ``escape`` was given.

    Examples
    --------
    >>> unescape(escape("tea | milk\\t")) == "tea | milk\\t"
    True
    """
    return _ESCAPED.sub(_character, escaped) if "\\" in escaped else escaped


def split(line: str) -> list[str]:
    """The fields of a line, still escaped."""
    return line.split(SEPARATOR)


def escape_array(values: pa.Array) -> pa.Array:
    """``escape`` of each value. Nearly free where no byte of the array could need it."""
    _, offsets, data = values.buffers()
    if data is None:
        return values
    begin, end = np.frombuffer(offsets, np.int32)[[values.offset, values.offset + len(values)]]
    if not _suspect(np.frombuffer(data, np.uint8)[begin:end]):
        return values
    distinct = values.dictionary_encode()
    safe = [None if value is None else escape(value) for value in distinct.dictionary.to_pylist()]
    return pa.array(safe, pa.string()).take(distinct.indices)


def _suspect(data: npt.NDArray[np.uint8]) -> bool:
    """Whether bytes of UTF-8 could hold something to escape: 0xC2 begins U+0080 to U+009F, 0xE2 begins U+2028."""
    if (data < 0x20).any():
        return True
    return any((data == byte).any() for byte in (0x7C, 0x5C, 0x7F, 0xC2, 0xE2))


def _code(match: re.Match[str]) -> str:
    character = match[0]
    if character in SHORT:
        return SHORT[character]
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def _character(match: re.Match[str]) -> str:
    return _BACK.get(match[3], match[3]) if match[3] is not None else chr(int(match[1] or match[2], 16))
