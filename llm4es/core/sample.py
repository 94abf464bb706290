"""Which entities a sample takes: said once for raw files and for the store.

In: what tells the labelled entities apart. Out: SQL. Knows no table.
"""


def sample_order(labelled: str) -> str:
    """What stands behind ORDER BY where the first N entities are a sample: labelled ones, then by a hash of the id.

    The hash makes a smaller sample part of a larger one. Its salt keeps it apart from the split by the plain MD5:
    without it the first entities of a sample would all be of one part.

    Parameters
    ----------
    labelled : str
        SQL condition that is true for an ``entity_id`` that has a label.

    Examples
    --------
    >>> sample_order("entity_id IN (FROM labelled)")
    "(entity_id IN (FROM labelled)) DESC, md5('sample ' || entity_id)"
    """
    return f"({labelled}) DESC, md5('sample ' || entity_id)"
