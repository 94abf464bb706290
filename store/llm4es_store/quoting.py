"""The one place where names and values become SQL text. Knows no table."""


def name(value: str) -> str:
    """An identifier, quoted: any column or table name is safe."""
    return '"' + value.replace('"', '""') + '"'


def literal(value: str | int | float | bool) -> str:
    """A constant: text quoted, numbers as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + value.replace("'", "''") + "'"
