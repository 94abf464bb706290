"""A stored rewriting, compared with its events by today's check.

In: a raw text, the rewriting of it and its note. Out: whether it is as good as it was taken for. Asks no model.
"""

from collections.abc import Collection

from ..serialize.formats import parse
from .fidelity import check
from .paraphrase import words_of
from .prompts import load_prompt
from .variants import prompt_of

REFUSED = "the server refused the request"
"""In the note of a text that 0.1 stored where no model had written: a server had said no."""


def still_good(
    raw: str, text: str, variant: str, note: str | None, min_fidelity: float, paraphrase: Collection[str] = ()
) -> bool:
    """Whether a whole rewriting that an earlier check let pass is good now. Chunks that a rule wrote are.

    Parameters
    ----------
    raw, text : str
        The raw text, and what a model made of it.
    variant : str
        Which of its rewritings.
    note : str or None
        What its row says of how it came to be.
    min_fidelity : float
        Share of events that it must keep, 0 to 1.
    paraphrase : collection of str, default ()
        Names of the fields whose values might be said in other words.

    Returns
    -------
    bool
        False: it has to be asked for again.

    Examples
    --------
    >>> still_good("Day | Amount\\n2024-01-05 | 12", "- Day: 2024-01-05; Amount: 12", "llm_bullets", None, 0.9)
    True
    >>> still_good("Day | Amount\\n2024-01-05 | 12", "- Day: 2024-05-01; Amount: 12", "llm_bullets", None, 0.9)
    False
    """
    if note and REFUSED in note:
        return False
    history, prompt = parse(raw), load_prompt(prompt_of(variant))
    words = words_of(history.events) if paraphrase else ()
    free = {at: said for at, (name, said) in enumerate(zip(history.headers, words, strict=False)) if name in paraphrase}
    names, by_line = history.headers, prompt.by_line
    found = check(history.events, text, names=names, by_line=by_line, free_form=prompt.free_form, free=free)
    return found.refusal(min_fidelity) is None and (" replaced by " in (note or "") or not found.beside)
