"""Which alterations pass the check of rewritings, kind by kind, and which faithful rewritings are refused.

    python benchmarks/alterations.py [--tries 60] [--seed 0] [--show 0]

Histories of four kinds are written as a table, a list and JSON; each answer is altered in one way (wrong where it is
accepted), or written otherwise in a way that means the same (wrong where it is refused). ``--show 1`` prints the first
wrong ones.
"""

import random
from collections import Counter
from collections.abc import Iterator

from benchmarks.measure import parser
from tests.altered_records import RECORDS, TEXTS, Change, Text
from tests.altered_values import VALUES, Value
from tests.event_tables import FORMS, History, history, judged
from tests.faithful_rewritings import SAME_RECORDS, SAME_TEXTS, SAME_VALUES

Kinds = tuple[dict[str, dict[str, Value]], dict[str, Change], dict[str, Text]]

ALTERED: Kinds = (VALUES, RECORDS, TEXTS)
FAITHFUL: Kinds = (SAME_VALUES, SAME_RECORDS, SAME_TEXTS)


def rewritten(draw: random.Random, kinds: Kinds) -> Iterator[tuple[str, str, History, str]]:
    """One history, written in each way that it can be: which way, form, history, answer."""
    one = history(draw)
    values, records, texts = kinds
    for form, written in FORMS.items():
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
    for title, kinds in (("altered", ALTERED), ("faithful", FAITHFUL)):
        draw = random.Random(options.seed)
        tries, wrong = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for _ in range(options.tries):
            for kind, form, one, text in rewritten(draw, kinds):
                found = judged(one, text)
                tries[kind, form] += 1
                is_wrong = (found.refusal(0.9) is None) == (title == "altered")
                wrong[kind, form] += is_wrong
                if is_wrong and options.show and wrong[kind, form] == 1:
                    print("WRONG", kind, form, found, one, text, sep="\n")
        table(title, tries, wrong)


def table(title: str, tries: Counter[tuple[str, str]], wrong: Counter[tuple[str, str]]) -> None:
    """Tries and wrong ones by kind and form."""
    kinds = list(dict.fromkeys(kind for kind, _ in tries))
    print(f"\n| {title}, {len(kinds)} kinds: tries, wrong | {' | '.join(FORMS)} |\n|---|{'---|' * len(FORMS)}")
    for kind in [*kinds, None]:
        sums = [
            [
                sum(n for (of, at), n in counter.items() if at == form and kind in (of, None))
                for counter in (tries, wrong)
            ]
            for form in FORMS
        ]
        print(f"| {kind or 'all'} | {' | '.join(f'{n}, {bad}' for n, bad in sums)} |")


if __name__ == "__main__":
    main()
