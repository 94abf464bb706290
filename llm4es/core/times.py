"""Times as people read them.

In: a time. Out: text. Knows no data.
"""

from datetime import UTC, datetime


def shown(moment: datetime) -> str:
    """A time in UTC for people: only the day where it is midnight.

    Parameters
    ----------
    moment : datetime
        Without a zone it is in UTC.

    Returns
    -------
    str
        ISO 8601.

    Examples
    --------
    >>> shown(datetime(2024, 2, 1)), shown(datetime(2024, 2, 1, 12))
    ('2024-02-01', '2024-02-01 12:00:00')
    """
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(sep=" ").removesuffix(" 00:00:00")


def typed(moment: datetime) -> str:
    """A time in UTC as a command takes it.

    Parameters
    ----------
    moment : datetime
        Without a zone it is in UTC.

    Returns
    -------
    str
        ISO 8601 without blanks.

    Examples
    --------
    >>> typed(datetime(2024, 2, 1, 12))
    '2024-02-01T12:00:00'
    """
    return shown(moment).replace(" ", "T")
