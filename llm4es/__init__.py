"""LLM4ES: user embeddings from event sequences via large language models.

The pipeline library: record batches in, record batches out. It knows no store and no screen.
Stages live in the modules that bear their names (``serialize``, ``enrich``, ``finetune``, ``embed``, ``probe``);
import them from there, so that importing ``llm4es`` itself stays free.
"""

__version__ = "0.1.0"
