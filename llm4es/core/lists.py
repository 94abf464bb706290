"""Lists as people type them: parts between commas, where a name may hold commas of its own between brackets.

In: text. Out: its parts. Knows no option.
"""

import re

_PIECE = re.compile(r"\[[^\]]*\]|.", re.DOTALL)


def split_outside(text: str) -> tuple[str, ...]:
    """Parts of a text between commas that stand outside of round and square brackets; empty parts are left out.

    Parameters
    ----------
    text : str
        A bracket that is never closed holds the rest of the text.

    Returns
    -------
    tuple of str
        Without spaces around them.

    Examples
    --------
    >>> split_outside("tfidf, m@8 [256 tokens, full], vote(tfidf, m@8)")
    ('tfidf', 'm@8 [256 tokens, full]', 'vote(tfidf, m@8)')
    """
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth = max(0, depth + (piece == "(") - (piece == ")"))
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return tuple(part.strip() for part in parts if part.strip())
