"""A first recipe for tables that nobody has described: sniff the files, profile their columns, draft the TOML."""
