"""Records that a model wrote over several lines, a field a line, each put on one line.

In: a rewriting and the names of its fields. Out: the same with a line a record; lines between records ('Record 2:')
are left out. Judges nothing: a text that is not wholly of this kind comes back as it is.
"""

from collections.abc import Sequence

from .record_lines import marked, named_places


def one_line_each(text: str, names: Sequence[str]) -> str:
    """A list of records, a line each, whether it came so or with a line a field.

    Examples
    --------
    >>> print(one_line_each("Record 1:\\n- Day: Monday\\n- Shop: tea\\n\\nRecord 2:\\n- Day: Friday\\n- Shop: rice",
    ...                     ["Day", "Shop"]))
    - Day: Monday; Shop: tea
    - Day: Friday; Shop: rice
    """
    records: list[dict[int, str]] = []
    open_one: dict[int, str] = {}
    for line in text.split("\n") if len(names) > 1 else []:
        line = " ".join(line.split())
        found = _field(line, tuple(names), len(records))
        if found is None and (open_one or "|" in line or (records and _is_item(line))):
            if line:
                return text
            continue
        if found is not None:
            field, told = found
            if field in open_one:
                return text
            open_one[field] = told
            if len(open_one) == len(names):
                records.append(open_one)
                open_one = {}
    if open_one or not records:
        return text
    return "\n".join("- " + "; ".join(record.values()) for record in records)


def _is_item(line: str) -> bool:
    """Whether a line of a list says something, and is no heading: a field that no event has."""
    mark, bodies = marked(line, 0)
    return bool(mark.kind) and ": " in bodies[0].replace("*", "")


def _field(line: str, names: tuple[str, ...], counted: int) -> tuple[int, str] | None:
    """The only field that a line names, at its beginning, and the line without its mark."""
    for body in marked(line, counted)[1]:
        places = named_places(body, names)
        if places and places[0][0] == 0:
            return (places[0][2], body) if len({field for _, _, field in places}) == 1 else None
    return None
