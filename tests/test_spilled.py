"""Large arrays that lie in a file give the numbers that plain ones give."""

import os

import numpy as np
import pytest
from scipy import sparse

from llm4es.core import spilled
from llm4es.core.spilled import rest, rows_of


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything lies in a file, and goes by in pieces."""
    monkeypatch.setattr(spilled, "SPILLED_FROM", 1)
    monkeypatch.setattr(spilled, "_BYTES_AT_ONCE", 64)


@pytest.mark.usefixtures("small")
def test_rows_are_what_numpy_picks() -> None:
    plain = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32)
    kept = spilled.spilled(plain.shape, np.float32)
    kept[:] = plain
    rest(kept)
    assert isinstance(kept, np.memmap)
    rows = np.array([3, 3, 49, 0, 17])
    for array in (kept, plain, np.asfortranarray(plain)):
        for spill in (False, True):
            copy = rows_of(array, rows, np.float64, spill=spill)
            assert copy.dtype == np.float64
            assert (copy == plain[rows].astype(np.float64)).all()
            copy[:] = 0  # it is nobody else's
    assert (kept == plain).all()
    assert rows_of(kept, rows).dtype == np.float32
    assert (rows_of(sparse.csr_matrix(plain), rows).toarray() == plain[rows]).all()


@pytest.mark.usefixtures("small")
def test_a_full_disk_leaves_them_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    kept = spilled.spilled((2, 3), np.float64)
    assert not isinstance(kept, np.memmap)
    assert (kept == np.zeros((2, 3))).all()
