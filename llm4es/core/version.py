"""The version of llm4es, said once."""

__version__ = "0.1.0"
