"""The encoding of delimited text, where its first bytes say it.

In: first bytes, and what a recipe says. Out: the name of a Python codec. Reads nothing.
"""

import codecs

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""The marks at the start of a file, which say more than anybody else."""


def encoding_of(start: bytes, said: str) -> str:
    """The codec of a text that begins so: by its mark, else as ``said``; UTF-16 without a mark by its zero bytes.

    Examples
    --------
    >>> encoding_of(b"\\xfe\\xff\\x00a", "utf-8"), encoding_of(b"\\x00a\\x00,", "utf-16")
    ('utf-16-be', 'utf-16-be')
    """
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return name
    name = codecs.lookup(said).name
    return _endian(start) or "utf-16-le" if name == "utf-16" else name


def guess_encoding(start: bytes) -> str | None:
    """The codec of an unknown text: by its mark, by zero bytes, UTF-8 where it is; None: some other one."""
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return name
    if name := _endian(start):
        return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # the last character may be cut
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _endian(start: bytes) -> str:
    """UTF-16 of one end or the other, where every second byte of many is zero; '' else."""
    low, high = start[1::2].count(0), start[0::2].count(0)
    most = 0.6 * len(start) / 2
    if most and low > most > high:
        return "utf-16-le"
    return "utf-16-be" if most and high > most > low else ""
