"""The libraries' own words kept off the screen: what is said to people is said by whoever calls a stage.

In: nothing. Out: a context in which transformers, peft and torch neither warn nor draw. Knows no stage.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from transformers import logging as transformers_logging

KNOWN = (
    ".*is_gradient_checkpointing.*",  # peft asks transformers for an attribute by its former name
    ".*lr_scheduler.step.*",  # torch, of every run that goes on from a checkpoint
)
"""Warnings that were looked into and mean nothing here. All others pass."""

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # else of kernels that it does without, and a line a layer


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, no messages below an error, no known warnings; all of it process-wide, so it is put back."""
    bars, verbosity = transformers_logging.is_progress_bar_enabled(), transformers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            for message in KNOWN:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
