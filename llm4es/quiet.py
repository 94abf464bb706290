"""The libraries' own progress bars and warnings, switched off while a model is handled.

What a user should see is the caller's to say. Knows no model.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from transformers import logging as transformers_logging


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no warnings from transformers; bitsandbytes is kept from one warning a layer for good."""
    bars, verbosity = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
