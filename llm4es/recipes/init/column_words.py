"""What the name of a column says of it: something that events are about, something that is added up, or neither.

In: names in any of the usual writings. Out: how much they speak for it. English, with the commonest German words of
exports. Looks at no values.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


THINGS = _words(
    """
    item product sku upc ean isbn gtin article good goods stock commodity mcc movie film song track artist album book
    title url page path content video game app course recipe dish ad coupon offer keyword query diagnosis icd procedure
    drug medication ticker symbol lesson problem skill artikel produkt warengruppe
    """
)
"""What an event is about."""

PLACES = _words("merchant store shop seller vendor site screen restaurant venue hotel filiale haendler")
"""Where it is had."""

KINDS = _words(
    """
    category categories genre genres type kind class group department dept brand segment channel action activity
    event operation concept campaign service topic tag label method status result mode medium section aisle reason
    code kategorie typ marke
    """
)
"""What sort of event it is."""

CIRCUMSTANCES = _words(
    """
    session basket cart order invoice transaction trans trx tx receipt bill visit ticket check claim payment device
    ip cookie token hash uuid guid request trace zip postal postcode plz address street city town state region
    country lat latitude lon lng longitude phone email agent time timestamp ts date datetime hour minute second day
    week weekday month year quarter age birth born gender sex index idx row line seq sequence position rank unnamed
    user customer client household account person member quantity qty amount price total currency rechnung kunde
    datum uhrzeit alter
    """
)
"""Whose, when and where an event is, and on which paper: no two users share a basket."""

AMOUNTS = _words(
    """
    amount amt price sum total cost spend spent paid pay payment revenue sales sale fare fee charge turnover money
    usd eur gbp dollars euros rub rur betrag summe preis umsatz
    """
)
"""What is added up."""

MEASURES = _words(
    """
    quantity qty units count duration minutes seconds hours distance rating score stars points weight volume value
    balance tip discount length size menge anzahl
    """
)
"""What may be added up."""

NO_AMOUNTS = _words(
    """
    age birth born year month day week weekday hour minute date time timestamp ts index idx row line seq sequence
    position rank unnamed zip postal postcode plz phone lat latitude lon lng longitude id
    """
)
"""Numbers that are never added up."""

_SUFFIXES = _words("id ids no nr num number key code codes name names desc description text upc ean")

_HABITS = _words("hour weekday age birth born sex")
"""Of these a user has habits: they are categories although nobody adds them up."""


def words_of(name: str) -> list[str]:
    """The words of a name.

    >>> words_of("postalCode"), words_of("Unnamed: 0"), words_of("SUB_COMMODITY_DESC")
    (['postal', 'code'], ['unnamed'], ['sub', 'commodity', 'desc'])
    """
    name = re.sub(r":(token|float)(_seq)?$", "", name)  # RecBole writes the type behind the name
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return re.findall(r"[^\W\d_]+", parted)


def is_counted_by(name: str) -> bool:
    """Whether a name can be of a category: not the calendar's or the file's own counting.

    >>> is_counted_by("store_id"), is_counted_by("weekday"), is_counted_by("week"), is_counted_by("order_date")
    (True, True, False, False)
    """
    words = _stem(name)
    return not words or words[-1] not in NO_AMOUNTS - _HABITS


def _stem(name: str) -> list[str]:
    """The words without those for 'number of' behind them."""
    words = words_of(name)
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    return words


def thing_score(name: str) -> float:
    """How much a name speaks for what an event is about: below 0 against it.

    Of several words the last says what a thing is: a 'transaction type' is a type. Letters for 'number of' say nothing.

    >>> [thing_score(name) for name in ("movieId", "trx_category", "x", "InvoiceNo", "item_session")]
    [2.5, 0.5, 0.0, -5.0, -5.0]
    """
    words = _stem(name)
    for word in reversed(words):
        for said, score in ((THINGS, 2.5), (PLACES, 1.0), (KINDS, 0.5), (CIRCUMSTANCES, -5.0)):
            if word in said:
                return score
    for word in THINGS:  # stockcode, productid
        if words and words[0].startswith(word) and words[0].removeprefix(word) in _SUFFIXES:
            return 2.5
    return 0.0


def amount_score(name: str) -> float:
    """How much a name speaks for a number that is added up: below 0 against it.

    >>> [amount_score(name) for name in ("unit_price", "Quantity", "x", "age", "total_id")]
    [3.0, 1.5, 0.0, -5.0, -5.0]
    """
    words = words_of(name)
    if not words or (words[-1] in NO_AMOUNTS):
        return -5.0 if words else 0.0
    return max(
        (score for word in words for said, score in ((AMOUNTS, 3.0), (MEASURES, 1.5)) if word in said), default=0.0
    ) or (-5.0 if set(words) & NO_AMOUNTS else 0.0)
