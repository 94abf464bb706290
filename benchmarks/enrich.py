"""How fast texts are rewritten: by each rule format, and by a language model beside one ``generate`` call a user.

    python benchmarks/enrich.py rules [--events 200000]
    python benchmarks/enrich.py llm [--users 16] [--loop-users 4] [--events-each 4] [--new-tokens 64] [--model NAME]
    python benchmarks/enrich.py forms [--users 16] [--events-each 4] [--new-tokens 64] [--model NAME]

``rules`` prints events a second of every format in one process. ``llm`` asks the in-process engine for the rewritings
of all users at once, then of some one by one as a plain loop would (same model, prompts and limit of new tokens), and
prints new tokens a second of both and the ratio. A loop pads nothing and batches nothing. ``forms`` asks the same
questions freely and held to a form in which one field may be paraphrased, so that the model writes all of it.
"""

import random
from functools import partial

import pyarrow as pa

from benchmarks.measure import parser, timed
from llm4es.core.hashing import text_hash
from llm4es.core.schemas import TEXTS
from llm4es.enrich import enrich
from llm4es.options import EnrichBy, EnrichOptions
from llm4es.serialize.formats import TextFormat

WORDS = ["Toy Story", "Seven", "Kolya", "Star Wars", "Fargo", "Contact", "Scream", "Liar Liar", "Evita", "Twister"]


def histories(users: int, events: int, seed: int = 0) -> pa.RecordBatch:
    """Raw texts of made-up film ratings."""
    draw = random.Random(seed)
    rows = []
    for user in range(users):
        lines = [
            f"{draw.choice(WORDS)} {draw.randint(1, 999)} | {draw.randint(1930, 1998)} | Drama, Comedy | "
            f"{draw.choice(['bad', 'average', 'good'])} | 1998-0{draw.randint(1, 9)}-{draw.randint(10, 28)}"
            for _ in range(events)
        ]
        text = "Title | Year | Genres | Rating | Date\n" + "\n".join(lines)
        row = {"dataset": "films", "entity_id": str(user), "variant": "raw", "text": text, "text_hash": text_hash(text)}
        rows.append(row | {"n_events": events, "n_events_dropped": 0})
    return pa.RecordBatch.from_pylist(rows, schema=TEXTS)


def rules(events: int) -> None:
    """Events a second of each format."""
    texts = histories(events // 500, 500)
    for format in TextFormat:
        options = EnrichOptions(variants=1, formats=(format.value,))
        rewritten, seconds, busy = timed(partial(list[pa.RecordBatch], enrich([texts], options)))
        count = sum(batch.num_rows for batch in rewritten) * 500
        print(f"{format.value:16} {count / seconds:12,.0f} events/s {count / busy:12,.0f} events/s of processor time")


def llm(users: int, loop_users: int, events: int, new_tokens: int, model: str) -> None:
    """New tokens a second, together and one by one."""
    from dataclasses import replace

    from llm4es.enrich.engine import Request
    from llm4es.enrich.engine_transformers import TransformersEngine
    from llm4es.enrich.prompts import load_prompt
    from llm4es.models import load_model, resolve
    from llm4es.options import LoadOptions

    prompt = load_prompt("bullets")
    requests = [
        Request(prompt.system, prompt.user.replace("{events}", str(text)), seed)
        for seed, text in enumerate(histories(users, events)["text"].to_pylist())
    ]
    options = EnrichOptions(by=EnrichBy.LLM, max_new_tokens=new_tokens, batch_size=users, model=model)
    engine = TransformersEngine(load_model(resolve(model), LoadOptions()), options)
    engine.answers(requests[:1])  # warm
    rates = []
    for name, size, asked in (("together", users, requests), ("one by one", 1, requests[:loop_users])):
        alike = TransformersEngine(engine.model, replace(options, batch_size=size))
        answers, seconds, busy = timed(partial(alike.answers, asked))
        n = sum(alike.count(answer.text) for answer in answers)
        rates.append((n / seconds, n / busy))
        print(
            f"{name:12} {n} tokens {n / seconds:8.2f} tokens/s {n / busy:8.2f} tokens/s of processor time", flush=True
        )
    (wall, busy), (wall_loop, busy_loop) = rates
    print(f"ratio        {wall / wall_loop:.2f} (of processor time {busy / busy_loop:.2f})")


def forms(users: int, events: int, new_tokens: int, model: str) -> None:
    """New tokens a second, free and held to a form; the first questions of each are not timed."""
    from dataclasses import replace

    from llm4es.enrich.engine import Request
    from llm4es.enrich.engine_transformers import TransformersEngine
    from llm4es.enrich.form import form_of
    from llm4es.enrich.prompts import load_prompt
    from llm4es.models import load_model, resolve
    from llm4es.options import LoadOptions
    from llm4es.serialize.formats import parse

    prompt = load_prompt("bullets")
    texts = histories(users, events)["text"].to_pylist()
    free = [Request(prompt.system, prompt.user.replace("{events}", text), at) for at, text in enumerate(texts)]
    held = [
        replace(request, form=form_of(parse(text), prompt.fallback, ["Genres"]))
        for request, text in zip(free, texts, strict=True)
    ]
    options = EnrichOptions(by=EnrichBy.LLM, max_new_tokens=new_tokens, batch_size=users, model=model)
    engine = TransformersEngine(load_model(resolve(model), LoadOptions()), options)
    rates = []
    for name, requests in (("free", free), ("held", held)):
        engine.answers(requests[:1])
        answers, seconds, busy = timed(partial(engine.answers, requests))
        n = sum(answer.written for answer in answers)
        rates.append((n / seconds, n / busy))
        print(
            f"{name:12} {n} tokens {n / seconds:8.2f} tokens/s {n / busy:8.2f} tokens/s of processor time", flush=True
        )
    (wall, busy_free), (wall_held, busy_held) = rates
    print(f"held / free  {wall_held / wall:.2f} (of processor time {busy_held / busy_free:.2f})")


def main() -> None:
    """Measure and print."""
    own = {"events": 200_000, "users": 16, "loop_users": 4, "events_each": 4, "new_tokens": 64}
    options = parser(__doc__, "model", **own)
    options.add_argument("what", choices=["rules", "llm", "forms"])
    arguments = options.parse_args()
    if arguments.what == "rules":
        rules(arguments.events)
    elif arguments.what == "forms":
        forms(arguments.users, arguments.events_each, arguments.new_tokens, arguments.model)
    else:
        llm(arguments.users, arguments.loop_users, arguments.events_each, arguments.new_tokens, arguments.model)


if __name__ == "__main__":
    main()
