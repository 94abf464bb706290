"""Words as bash gives them to whoever completes a line, and as it takes them back.

In: COMP_WORDS and COMP_CWORD, as Typer's script for bash hands them on, a word a line. Out: the same with whole words,
and answers of which bash is told what it replaces. Knows no name.

Bash parts words at signs that are none to this program (COMP_WORDBREAKS): ``m@8`` comes as three, and an answer is put
behind the last sign, or in the place of an ``@`` and what follows. ``__ltrim_colon_completions`` of the package
bash-completion, which need not be there, does this for colons.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

_SIGNS = re.compile("[@:=]+")
"""Those of names, addresses and ``--option=value``."""

_SPECIAL = re.compile(r"([^\w@%+=:,./*-])")
"""What bash would take for something else."""


@contextmanager
def whole_words() -> Iterator[None]:
    """Around what completes: it sees whole words, and its answers, a line each, become what bash replaces."""
    words, behind = joined(os.environ["COMP_WORDS"].split("\n")[: int(os.environ["COMP_CWORD"]) + 1])
    os.environ |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    in_quotes = words[-1].startswith(("'", '"'))
    try:
        with redirect_stdout(StringIO()) as answer:
            yield
    finally:
        for line in answer.getvalue().splitlines():
            replaced = line.removeprefix(behind)
            sys.stdout.write((replaced if in_quotes else _SPECIAL.sub(r"\\\1", replaced)) + "\n")


def joined(parts: list[str]) -> tuple[list[str], str]:
    r"""The words of a line, and how much of the last one's answer bash has already.

    >>> joined(["llm4es", "diff", "m", "@", "8", "n", "@"])
    (['llm4es', 'diff', 'm@8', 'n@'], 'n')
    >>> joined(["llm4es", "probe", "shop", "--features", "=", "tfidf,m", "@", r"8\ \["])
    (['llm4es', 'probe', 'shop', '--features=tfidf,m@8\\ \\['], 'tfidf,m')
    >>> joined(["llm4es", "run", "s3", ":", "//b"])
    (['llm4es', 'run', 's3://b'], 's3:')
    >>> joined(["llm4es", "diff", ""])
    (['llm4es', 'diff', ''], '')
    """
    words: list[str] = []
    behind, before = "", ""
    for part in parts:
        is_sign = _SIGNS.fullmatch(part) is not None
        if words and (is_sign or _SIGNS.fullmatch(before)):
            words[-1] += part
        else:
            words.append(part)
            behind = ""
        if is_sign:
            behind = words[-1].removesuffix("@")
        before = part
    if behind.startswith("-"):  # of an option the value is completed
        behind = behind.partition("=")[2]
    return words, re.sub(r"\\(.)", r"\1", behind)
