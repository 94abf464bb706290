"""Where what is made or fetched once is kept on this machine.

In: the environment. Out: a folder. Apart from ``downloads``, whose network libraries no query needs.
"""

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "LLM4ES_CACHE"
"""Environment variable that moves the cache folder."""


def cache_dir() -> Path:
    """Where downloads and dequantised weights are kept: $LLM4ES_CACHE, else the platform's cache folder."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser().absolute()
    return platformdirs.user_cache_path("llm4es", appauthor=False)
