"""The states of every layer, handed on one by one while the network runs.

In: a network and what it is called with. Out: its states layer by layer, and, as the reference of all else, those of
its own plain pass over one unpadded text. Knows no texts, no layout and no pooling.

The states are Hugging Face's ``hidden_states[1:]``, whatever an architecture puts there. Where a first plain pass shows
that this list is what the layers give, with the final norm's output at its end, hooks take the states as they come;
else the list itself is read, at the price of holding it.

Letters: B lines, T tokens of a line, L layers, D width.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..core.errors import ModelError, one_line
from ..core.input_device import input_device
from .on_device import on_device

Take = Callable[[Tensor], None]
"""Gets the states (B, T, D) of one layer."""

NOT_UNDERSTOOD = (
    *(NotImplementedError, TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError, AssertionError),
    *(NameError, ImportError),
)
"""What a network raises at arguments, shapes or settings that it was not made for."""

SAME = 1e-5
"""Largest difference of two readings of one pass, as a share of the largest state."""

HOOKED: "WeakKeyDictionary[PreTrainedModel, nn.ModuleList | None]" = WeakKeyDictionary()
"""The layers to hook of each network that was looked at; None: its list is to be read."""


def each_layer(
    network: PreTrainedModel, layers: nn.ModuleList | None, inputs: Mapping[str, Tensor], take: Take
) -> None:
    """Run the network without its head, and call ``take`` with each layer's states in their order.

    ``layers`` is what ``layers_to_hook`` gives, asked for while the network has its own attention.
    """
    if layers is None:
        for state in _call(network, inputs, output_hidden_states=True).hidden_states[1:]:
            take(state)  # (B, T, D)
        return
    with _hooks(layers[:-1], take):
        out = _call(network, inputs)
        take(out.last_hidden_state)  # (B, T, D), after the final norm


def plain_states(network: PreTrainedModel, n_layers: int, ids: Sequence[int]) -> list[Tensor]:
    """Transformers' own states of one unpadded text: L of (T, D).

    Raises
    ------
    ModelError
        Where that pass fails, or gives no list of ``n_layers`` states of one width.
    """
    out, model_type = _plain(network, ids), network.config.model_type
    given = getattr(out, "hidden_states", None)
    if not given or len(given) != n_layers + 1:
        count = f"{len(given)} hidden states" if given else "no hidden states"
        raise ModelError(
            f"a {model_type} model gives {count} where {n_layers} layers and the embeddings' would be"
            f" {n_layers + 1}: this architecture cannot be read, give another model"
        )
    shapes = list(dict.fromkeys(tuple(state.shape) for state in given[1:]))
    if len(shapes) > 1 or len(shapes[0]) != 3 or shapes[0][:2] != (1, len(ids)):
        raise ModelError(
            f"this {model_type} model gives {len(ids)} tokens states of the shape {' and '.join(map(str, shapes))}:"
            " there is no mean of such layers, give another model"
        )
    return [state[0] for state in given[1:]]


def layers_to_hook(network: PreTrainedModel, n_layers: int) -> nn.ModuleList | None:
    """The modules whose outputs are the network's hidden states; None where none are.

    Of several lists as long (the language part's, a vision tower's), the one that gives the states.
    """
    if network not in HOOKED:
        training = network.training
        network.eval()
        try:
            with torch.no_grad():
                HOOKED[network] = _found(network, n_layers)
        finally:
            network.train(training)
    return HOOKED[network]


def plain_tokens(network: PreTrainedModel, length: int, step: int) -> list[int]:
    """So many tokens of no meaning, none of which the configuration gives one (padding, a place for an image)."""
    vocabulary = int(network.config.get_text_config().vocab_size)
    special = set(_special(network.config.to_dict()))
    plain = [token for token in range(min(vocabulary, 1 << 14)) if token not in special] or [0]
    return [plain[(step * place + 3) % len(plain)] for place in range(length)]


def _special(config: Mapping[str, Any]) -> Iterator[int]:
    """Every token that a configuration names."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _special(value)
        elif str(name).endswith(("token_id", "token_ids", "token_index")):
            yield from (value if isinstance(value, list) else [value])


def _found(network: PreTrainedModel, n_layers: int) -> nn.ModuleList | None:
    """Of the lists with a module a layer, the one whose outputs are the states of a plain pass."""
    ids = plain_tokens(network, 9, 7)
    plain = plain_states(network, n_layers, ids)
    lists = [m for m in network.base_model.modules() if isinstance(m, nn.ModuleList) and len(m) == n_layers]
    for layers in lists:
        seen: list[Tensor] = []
        with _hooks(layers[:-1], seen.append):
            out = _plain(network, ids, output_hidden_states=False)
        if not isinstance(getattr(out, "last_hidden_state", None), Tensor):
            return None
        seen.append(out.last_hidden_state)
        if len(seen) == n_layers and all(_same(ours, theirs) for ours, theirs in zip(seen, plain, strict=True)):
            return layers
    return None


def _same(ours: Any, theirs: Tensor) -> bool:
    """Whether (1, T, D) that a hook saw is (T, D) of the list."""
    if not isinstance(ours, Tensor) or ours.shape != (1, *theirs.shape):
        return False
    return bool((ours[0] - theirs).abs().max() <= SAME * theirs.abs().max())


def _plain(network: PreTrainedModel, ids: Sequence[int], *, output_hidden_states: bool = True) -> Any:
    """One text through the network as transformers runs it."""
    inputs = {"input_ids": torch.tensor([list(ids)])}  # (1, T)
    try:
        return _call(network, inputs, output_hidden_states=output_hidden_states)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"out of memory on one text of {len(ids)} tokens: lower --max-length") from error
    except NOT_UNDERSTOOD as error:
        raise ModelError(
            f"transformers cannot run this {network.config.model_type} model on {len(ids)} plain tokens"
            f" ({type(error).__name__}: {one_line(error, 120)}): give another model"
        ) from error


def _call(network: PreTrainedModel, inputs: Mapping[str, Tensor], *, output_hidden_states: bool = False) -> Any:
    """The network without its head, keeping nothing for later tokens."""
    decoder: Any = network.base_model
    moved = on_device(inputs, input_device(network))
    known = inspect.signature(decoder.forward).parameters
    if "use_cache" in known or any(known[name].kind is inspect.Parameter.VAR_KEYWORD for name in known):
        moved["use_cache"] = False
    if output_hidden_states:
        moved["output_hidden_states"] = True
    return decoder(**moved)


@contextmanager
def _hooks(layers: Sequence[nn.Module] | nn.ModuleList, take: Take) -> Iterator[None]:
    """While open, each of the layers hands on its states."""

    def hook(_module: nn.Module, _arguments: Any, output: Any) -> None:
        take(output[0] if isinstance(output, tuple) else output)  # (B, T, D)

    handles = [layer.register_forward_hook(hook) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
