"""The version of llm4es, said once."""

__version__ = "0.2.0"
