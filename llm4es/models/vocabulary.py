"""Whether tokenizer and network belong together.

In: both. Out: nothing, or an error that names the token. Knows no texts.
"""

from typing import Any

from transformers import PreTrainedModel

from ..core.errors import ModelError, one_line


def check_vocabulary(name: str, tokenizer: Any, network: PreTrainedModel) -> None:
    """Raise where the tokenizer gives ids that the network has no embedding of.

    Special tokens that no text gets (a padding token that somebody added) may lie beyond.
    """
    embeddings: Any = network.get_input_embeddings()
    rows = embeddings.weight.shape[0]
    framing = {*_framing(name, tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id}
    unused = set(tokenizer.all_special_ids) - framing
    beyond = {i: token for token, i in tokenizer.get_vocab().items() if i >= rows and i not in unused}
    if beyond:
        first = min(beyond)
        raise ModelError(
            f"the tokenizer of {name} gives {first} for {beyond[first]!r}, and the network has {rows} embeddings"
            f" ({_tokens(len(beyond))} beyond): take the tokenizer that the weights were trained with"
        )


def _framing(name: str, tokenizer: Any) -> list[int]:
    """The tokens that every text gets; what a damaged tokenizer raises here may be a panic of Rust's, no Exception."""
    try:
        return list(tokenizer("")["input_ids"])
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ModelError(
            f"the tokenizer of {name} does not work ({one_line(error, 200)}): fetch or save it again"
        ) from error


def _tokens(n: int) -> str:
    return "1 token lies" if n == 1 else f"{n} tokens lie"
