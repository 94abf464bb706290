"""Which protocols and probes there are, for who has typed one that there is not.

In: a context, options. Out: nothing, or one line with what was probably meant. Knows no probe's inside.
"""

from typing import TYPE_CHECKING

from ..core.sql import where
from ..core.tasks import OWN_FOLDS
from .context import Context

if TYPE_CHECKING:
    from ..options import CompareOptions, ProbeOptions

_USUAL = "logistic"
"""A probe that is there, of which that can be said without the library of all."""


def check_choices(context: Context, options: "ProbeOptions | CompareOptions") -> None:
    """Refuse a protocol and a probe that there are not, once for all tasks.

    Parameters
    ----------
    context : Context
        Store and dataset: splits of the recipe are protocols too.
    options : ProbeOptions or CompareOptions
        What was typed.

    Raises
    ------
    ProbeError
        For a name that there is not.

    Examples
    --------
    >>> from llm4es.options import ProbeOptions
    >>> check_choices(context, ProbeOptions(protocol="cvv"))
    Traceback (most recent call last):
    llm4es.core.errors.ProbeError: --protocol 'cvv' is unknown: choose one of cv, ...; did you mean 'cv'?
    """
    protocol = options.protocol.partition("@")[0]  # a size of training sets may stand behind it
    if protocol not in OWN_FOLDS:
        splits = f"SELECT DISTINCT name FROM splits WHERE {where({'dataset': context.dataset})} ORDER BY 1"
        names = [name for (name,) in context.store.sql(splits).fetchall()]
        if protocol not in names:
            from ..probe.protocols import unknown_protocol  # heavy

            raise unknown_protocol(protocol, names)
    if options.probe not in (None, _USUAL):
        from ..probe.probe import check_probe  # heavy

        check_probe(options.probe)
