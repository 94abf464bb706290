"""The step ``export``: features of any kind as one table for other tools.

In: a context, options. Out: rows. Writes nothing.
"""

from ..features.to_table import to_table
from ..options import ExportOptions
from .context import Context
from .feature_sources import feature_sources
from .result import Result


def export(context: Context, options: ExportOptions) -> Result:
    """The named features, wide or long.

    Parameters
    ----------
    context : Context
        Recipe and store.
    options : ExportOptions
        Features by name, and the layout.

    Returns
    -------
    Result
        Wide: a column a number. Long: a row an (entity, features).

    Raises
    ------
    OptionError
        For features that are not there.

    Examples
    --------
    >>> from llm4es.options import ExportOptions
    >>> export(context, ExportOptions.of(features="counts", layout="long")).column_names
    ['entity_id', 'features', 'vector']
    """
    sources = feature_sources(context, options.features)
    return Result(to_table([source.load() for source in sources], options.layout))
