"""What prose says beside an event that makes it unreal, repeated, or of another currency.

In: a text's words, which of them say values, and the sentences that tell events. Out: what gives cause to refuse it.
Elsewhere such words do no harm: 'each record' of a preamble, 'may enjoy' of a closing sentence.
"""

from collections.abc import Collection, Iterator, Set

from .words import Span, WordIndex, is_number

UNREAL = frozenset({
    "if", "whether", "would", "could", "might", "should", "will", "maybe", "perhaps", "possibly", "probably",
    "presumably", "apparently", "reportedly", "almost", "nearly", "virtually", "dream", "dreamed", "dreamt", "dreaming",
    "dreams", "imagine", "imagined", "imagines", "imagining", "pretend", "pretended", "pretending", "pretends",
    "plan", "planned", "planning", "plans", "intend", "intended", "intending", "intends", "want", "wanted", "wants",
    "wish", "wished", "wishes", "hope", "hoped", "hopes", "forgot", "forgotten", "skipped", "avoided", "missed",
    "waived", "disputed", "attempted", "mistake", "mistaken", "mistakenly", "error", "erroneous", "erroneously",
    "wrongly", "fraud", "fraudulent", "fraudulently", "lie", "lied", "lies", "claim", "claimed", "claims", "rumor",
    "rumors", "rumour", "rumours", "fiction", "fictional", "fictitious", "unconfirmed", "pending", "tomorrow", "refund",
})  # fmt: skip
"""Words of what did not happen, or not yet."""

REPEATED = frozenset({
    "each", "every", "daily", "weekly", "monthly", "yearly", "annually", "hourly", "per", "several", "repeatedly",
    "fraction", "squared", "pair",
})  # fmt: skip
"""Words that make one event or number several, or a part."""

CURRENCIES = frozenset({
    "dollar", "dollars", "usd", "euro", "euros", "eur", "cent", "cents", "pound", "pounds", "gbp", "pence", "ruble",
    "rubles", "rouble", "roubles", "rub", "yen", "jpy", "yuan", "cny", "rmb", "franc", "francs", "chf", "rupee",
    "rupees", "inr", "lira", "bitcoin", "bitcoins", "bucks",
})  # fmt: skip

BLURRED = frozenset({("up", "to"), ("at", "least"), ("at", "most"), ("close", "to"), ("next", "to"), ("or", "so")})
"""Two words that blur a number behind them."""


def doubts(index: WordIndex, said: Collection[int], own: Set[str], telling: Collection[Span]) -> Iterator[str]:
    """Words beside an event that neither its values nor names of fields (``own``) have."""
    for begin, end in telling:
        for at in range(begin, end):
            word = index.words[at]
            if at in said:
                if is_number(word) and at - 1 not in said and tuple(index.words[max(0, at - 2) : at]) in BLURRED:
                    yield " ".join(index.words[at - 2 : at])
            elif word not in own and (word in UNREAL or word in REPEATED or word in CURRENCIES):
                yield word
