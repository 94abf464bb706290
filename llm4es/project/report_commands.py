"""What is typed to get each of the report's tables: the very SELECT that the page was made by.

In: a SELECT. Out: a line for a shell. Knows no store.
"""

import re
import shlex

from ..core.printable import printable_line
from ..core.shell_words import shell_word
from .next_commands import store_option

_REST = "then embed and probe as before"
REMARKS = (*(f"  # after it shows that {what} no more; {_REST}" for what in ("column", "field")), f"  # {_REST}")
"""What may stand at the end of a command."""

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
"""Of a query: texts and names, which data have given."""


def sql_command(query: str) -> str:
    """A query as ``llm4es sql`` takes it.

    Parameters
    ----------
    query : str
        One SELECT.

    Returns
    -------
    str
        The command, quoted for a shell.

    Examples
    --------
    >>> sql_command("SELECT 'a b' AS words")
    'llm4es sql "SELECT \\'a b\\' AS words"'
    >>> sql_command("SELECT '!' AS sign")
    'llm4es sql \\'SELECT \\'"\\'"\\'!\\'"\\'"\\' AS sign\\''
    >>> print(sql_command("SELECT 'two\\nlines'"))
    llm4es sql $'SELECT \\'two\\nlines\\''
    """
    if any(printable_line(quoted) != quoted for quoted in _QUOTED.findall(query)):
        return f"llm4es sql {shell_word(query)}"
    if "!" in query:  # a shell at which somebody types looks for it between double quotes too
        return f"llm4es sql {shlex.quote(query)}"
    return 'llm4es sql "' + re.sub(r'(["\\$`])', r"\\\1", query) + '"'


def in_store(command: str, root: str) -> str:
    """A command that asks the very store, wherever it is typed.

    Parameters
    ----------
    command : str
        As it is typed beside the store; '' stays ''.
    root : str
        Where the store is.

    Returns
    -------
    str
        With ``--store``, where another one would be asked without.

    Examples
    --------
    >>> in_store("llm4es run shop", "/data/store")
    'llm4es run shop --store /data/store'
    """
    if not command:
        return ""
    remark = next((remark for remark in REMARKS if command.endswith(remark)), "")
    return " ".join([command.removesuffix(remark), *map(shell_word, store_option(root))]) + remark


def compare_command(dataset: str, task: str, flags: str) -> str:
    """The comparison of a task as it is typed.

    Parameters
    ----------
    dataset, task : str
        Of what.
    flags : str
        Further options, a space in front.

    Returns
    -------
    str
        The command.

    Examples
    --------
    >>> compare_command("shop", "loyal", " --common")
    'llm4es compare shop --task loyal --common'
    """
    return f"llm4es compare {shell_word(dataset)} --task {shell_word(task)}{flags}"
