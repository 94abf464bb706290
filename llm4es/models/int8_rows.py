"""8-bit layers whose rows do not depend on the rows beside them.

In: a network whose weights bitsandbytes has quantised. Out: the same network, each row of whose 8-bit layers is
computed as if it were alone. Knows no texts.

LLM.int8() (arXiv 2208.07339) computes in full precision the columns in which any row of a pass has an outlier: so a row
is quantised otherwise in other company (bitsandbytes#28, transformers#22269). Here each row's own outliers alone are
taken out of it. For a row by itself that is what bitsandbytes computes.
"""

from types import MethodType
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

# N rows, D columns, C columns with an outlier in any row, F features that come out


def outliers_by_row(network: PreTrainedModel) -> None:
    """Let every 8-bit layer of the network take out each row's own outliers; others stay as they are."""
    for module in network.modules():
        if type(module).__name__ == "Linear8bitLt":
            name = "_old_forward" if hasattr(module, "_old_forward") else "forward"  # beneath accelerate's hooks
            setattr(module, name, MethodType(_by_row, module))


def _by_row(layer: Any, x: Tensor) -> Tensor:
    """The layer's output, (..., D) -> (..., F): eight bits of what is no outlier, and the outliers as they are."""
    plain, threshold = type(layer).forward, layer.state.threshold
    if layer.training or threshold <= 0:
        return plain(layer, x)  # type: ignore[no-any-return]
    outliers = x.to(torch.float16).abs() >= threshold  # (..., D), as bitsandbytes tells them
    layer.state.threshold = 0.0  # none is left for it to take out
    try:
        out: Tensor = plain(layer, x.masked_fill(outliers, 0))  # (..., F)
    finally:
        layer.state.threshold = threshold
    columns = outliers.flatten(0, -2).any(0).nonzero()[:, 0]  # (C)
    if not len(columns):
        return out
    own = torch.where(outliers, x, 0)[..., columns]  # (..., C): 0 where another row has the outlier
    weight = layer.state.CB[:, columns].to(x.dtype) * (layer.state.SCB[:, None] / 127).to(x.dtype)  # (F, C)
    return out.add(own @ weight.T)
