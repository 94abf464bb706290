"""Which alterations pass the check of rewritings, kind by kind, and which faithful rewritings are refused.

    python benchmarks/alterations.py [--tries 60] [--seed 0] [--show 0]

Histories of four kinds are written as a table, a list and JSON; each answer is altered in one way (wrong where it is
accepted), or written otherwise in a way that means the same (wrong where it is refused). Prose is checked by words: its
table says what they do not see. ``--show 1`` prints the first wrong ones.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from benchmarks.measure import parser
from llm4es.enrich.fidelity import accepted
from llm4es.enrich.tidy import tidied
from tests.altered_records import RECORDS, TEXTS, Change, Text
from tests.altered_values import VALUES, Value
from tests.event_tables import FORMS, Events, History, history, judged
from tests.faithful_rewritings import SAME_RECORDS, SAME_TEXTS, SAME_VALUES
from tests.prose import PROSE_TEXTS, UNSEEN, judged_prose, prose

Writer = Callable[[list[str], Events], str]
Kinds = tuple[dict[str, dict[str, Value]], dict[str, Change], dict[str, Text]]

ALTERED: Kinds = (VALUES, RECORDS, TEXTS)
FAITHFUL: Kinds = (SAME_VALUES, SAME_RECORDS, SAME_TEXTS)
IN_PROSE: Kinds = (VALUES, {name: RECORDS[name] for name in list(RECORDS)[:15]}, PROSE_TEXTS | UNSEEN)


PROSE: Mapping[str, Writer] = {"prose": prose}


def rewritten(
    draw: random.Random, kinds: Kinds, forms: Mapping[str, Writer] = FORMS
) -> Iterator[tuple[str, str, History, str]]:
    """One history, written in each way that it can be: which way, form, history, answer."""
    one = history(draw)
    values, records, texts = kinds
    for form, written in forms.items():
        for what, ways in values.items():
            for name, way in ways.items():
                if not (fields := one.fields(what)):
                    continue
                at, field = draw.randrange(len(one.events)), draw.choice(fields)
                value = one.events[at][field]
                new = way(draw, value)
                if new is not None and new != value:
                    events = [list(event) for event in one.events]
                    events[at][field] = new
                    yield f"{what}: {name}", form, one, written(one.names, events)
        for name, change in records.items():
            if (changed := change(draw, one)) is not None:
                yield f"record: {name}", form, one, written(*changed)
        for name, rewrite in texts.items():
            if (text := rewrite(draw, written(one.names, one.events))) is not None:
                yield f"answer: {name}", form, one, text


def main() -> None:
    options = parser(__doc__, "seed", tries=60, show=0).parse_args()
    for title, kinds, forms in (
        ("altered", ALTERED, FORMS),
        ("faithful", FAITHFUL, FORMS),
        ("altered", IN_PROSE, PROSE),
    ):
        draw = random.Random(options.seed)
        tries, wrong = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for _ in range(options.tries):
            for kind, form, one, text in rewritten(draw, kinds, forms):
                is_wrong = accepts(form, one, text) == (title == "altered")
                tries[kind, form] += 1
                wrong[kind, form] += is_wrong
                if is_wrong and options.show and wrong[kind, form] == 1:
                    print("WRONG", kind, form, one, text, sep="\n")
        table(title, forms, tries, wrong)


def accepts(form: str, one: History, text: str) -> bool:
    """Whether an answer is taken; prose of which nothing but the events is left is not taken for what it added."""
    if form in FORMS:
        return judged(one, text).refusal(0.9) is None
    found, faithful = judged_prose(one, text), prose(one.names, one.events)
    return found.refusal(0.9) is None and accepted(tidied(text), found).split() != faithful.split()


def table(
    title: str, forms: Mapping[str, Writer], tries: Counter[tuple[str, str]], wrong: Counter[tuple[str, str]]
) -> None:
    """Tries and wrong ones by kind and form."""
    kinds = list(dict.fromkeys(kind for kind, _ in tries))
    print(f"\n| {title}, {len(kinds)} kinds: tries, wrong | {' | '.join(forms)} |\n|---|{'---|' * len(forms)}")
    for kind in [*kinds, None]:
        sums = [
            [
                sum(n for (of, at), n in counter.items() if at == form and kind in (of, None))
                for counter in (tries, wrong)
            ]
            for form in forms
        ]
        print(f"| {kind or 'all'} | {' | '.join(f'{n}, {bad}' for n, bad in sums)} |")


if __name__ == "__main__":
    main()
