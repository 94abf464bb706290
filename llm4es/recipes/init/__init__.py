"""A first recipe for tables that nobody has described: sniff the files, profile their columns, draft the TOML."""

from .draft import Draft, draft_recipe

__all__ = ["Draft", "draft_recipe"]
