"""Which of several processes this is: ``torchrun`` and ``accelerate launch`` say so in the environment.

In: nothing. Out: whether this process is the one that writes. Imports nothing heavy: a command asks before it
opens a store. Knows no stage.
"""

import os


def rank() -> int:
    """This process among those that were launched together; 0 where it is alone."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """This process among those of the same machine, and so the GPU that is its own."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def several() -> bool:
    """Whether this process was launched together with others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def writes() -> bool:
    """Whether this process is the one that commits, shows and cleans up."""
    return rank() == 0
