"""Words of commands as people copy them: what is seen is what the shell takes.

In: any text. Out: one word of a command in printable characters. Knows no command.
"""

import re
import shlex

from .printable import printable_line

_WRITTEN_OUT = re.compile(r"[^ -~]|[\\'!]")
_NAMED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t"}


def shell_word(text: str) -> str:
    r"""The text as one word for a shell.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
        As ``shlex.quote`` gives it; where there are line breaks, control characters or marks of direction, these
        written out in ``$'...'``, as bash and zsh take it.

    Examples
    --------
    >>> print(shell_word("two words"), shell_word("it's\u202e!"))
    'two words' $'it\'s\u202e\u0021'
    """
    if printable_line(text) == text:
        return shlex.quote(text)
    return "$'" + _WRITTEN_OUT.sub(_escaped, text) + "'"


def _escaped(found: re.Match[str]) -> str:
    """Letters stay; of the rest a shell has a name: '!' it would look for in what was typed before."""
    sign = found[0]
    if sign in _NAMED:
        return _NAMED[sign]
    if sign != "!" and printable_line(sign) == sign:
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"
