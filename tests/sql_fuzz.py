"""Statements that would write, nested in what reads: a seeded generator, for the sandbox's tests and benchmarks."""

import random
from collections.abc import Callable, Iterator

TARGETS = (
    "{root}/{file}",
    "{root}/new.csv",
    "store://{file}",
    "store://tables/new.csv",
    "{root}/tables/../{file}",
    "file://{root}/{file}",
    "{spill}/../{file}",
)
"""Where they would write: over a file of the store, or beside one."""

OPTIONS = (
    "",
    " (FORMAT csv)",
    " (FORMAT csv, USE_TMP_FILE false)",
    " (FORMAT parquet)",
    " (FORMAT json)",
    " (FORMAT csv, PER_THREAD_OUTPUT, OVERWRITE_OR_IGNORE)",
    " (FORMAT parquet, PARTITION_BY (a), OVERWRITE)",
)


def statements(seed: int, count: int, root: str, files: list[str], spill: str) -> Iterator[str]:
    """So many statements, the same for the same seed; none is a query that should be answered."""
    chance = random.Random(seed)
    for _ in range(count):
        target = chance.choice(TARGETS).format(root=root, file=chance.choice(files), spill=spill)
        text = chance.choice(WRITES)(chance, target)
        for _ in range(chance.randint(0, 3)):
            text = chance.choice(WRAPPERS)(chance, text)
        yield _noise(chance, text)


def _copy(chance: random.Random, target: str) -> str:
    source = chance.choice(["(SELECT 'gone' AS a, 1 AS b)", "(FROM texts)", "texts", "(VALUES (1, 2))"])
    return f"COPY {source} TO '{target}'{chance.choice(OPTIONS)}"


WRITES: tuple[Callable[[random.Random, str], str], ...] = (
    _copy,
    _copy,
    _copy,
    lambda chance, target: f"EXPORT DATABASE '{target}'{chance.choice(['', ' (FORMAT parquet)'])}",
    lambda _, target: f"ATTACH '{target}' AS other",
    lambda _, target: f"IMPORT DATABASE '{target}'",
    lambda _, target: f"SET temp_directory = '{target}'",
    lambda _, target: f"PRAGMA profile_output = '{target}'",
    lambda _, target: f"SET GLOBAL allowed_directories = ['{target}']",
    lambda _, target: f"FROM enable_logging('QueryLog', storage = 'file', storage_path = '{target}')",
    lambda _, target: f"FROM enable_profiling(save_location = '{target}')",
    lambda *_: "INSERT INTO texts SELECT * FROM texts RETURNING *",
    lambda *_: "UPDATE texts SET text = 'gone'",
    lambda *_: "DELETE FROM texts",
    lambda _, target: f"INSTALL '{target}'",
    lambda _, target: f"CREATE TABLE new AS FROM '{target}'",
    lambda _, target: f"CREATE SECRET s IN local_file (TYPE s3, KEY_ID '{target}')",
)
"""Statements that write, or that would open a way to write."""

_KINDS = ("", " MATERIALIZED", " NOT MATERIALIZED")

WRAPPERS: tuple[Callable[[random.Random, str], str], ...] = (
    lambda chance, text: f"WITH x AS{chance.choice(_KINDS)} ({text}) {chance.choice(['FROM x', 'SELECT 1 FROM x'])}",
    lambda chance, text: f"WITH x AS ({text}) PIVOT x ON {chance.choice(['count', 'a', 'Count'])}",
    lambda _, text: f"WITH x AS ({text}) PIVOT (FROM x) ON count USING sum(1)",
    lambda _, text: f"WITH x AS ({text}) PIVOT_WIDER texts ON variant USING count(*)",
    lambda _, text: f"WITH RECURSIVE x AS ({text}) FROM x",
    lambda _, text: f"WITH y AS (FROM texts), x AS ({text}) FROM x, y",
    lambda _, text: f"PIVOT ({text}) ON count",
    lambda _, text: f"UNPIVOT ({text}) ON COLUMNS(*)",
    lambda _, text: f"DESCRIBE {text}",
    lambda _, text: f"SUMMARIZE {text}",
    lambda _, text: f"FROM (DESCRIBE {text})",
    lambda chance, text: (
        f"EXPLAIN {chance.choice(['', 'ANALYZE ', '(ANALYZE, FORMAT json) ', '(FORMAT html) '])}{text}"
    ),
    lambda _, text: f"({text})",
    lambda _, text: f"FROM ({text})",
    lambda _, text: f"SELECT ({text})",
    lambda _, text: f"SELECT * FROM texts WHERE EXISTS ({text})",
    lambda _, text: f"FROM query('{text.replace(chr(39), chr(39) * 2)}')",
    lambda _, text: f"FROM query_table('{text.replace(chr(39), chr(39) * 2)}')",
    lambda _, text: f"FROM json_execute_serialized_sql(json_serialize_sql('{text.replace(chr(39), chr(39) * 2)}'))",
    lambda _, text: f"PREPARE p AS {text}",
    lambda _, text: f"CREATE MACRO m() AS TABLE {text}",
    lambda _, text: f"SELECT 1; {text}",
    lambda _, text: f"{text}; SELECT 1",
    lambda _, text: f"{text} UNION ALL SELECT 1",
    lambda _, text: f"SELECT * FROM texts, LATERAL ({text})",
)
"""What stands around a statement."""


def _noise(chance: random.Random, text: str) -> str:
    """The statement as somebody may type it: with comments, other case, other white space, a semicolon."""
    if chance.random() < 0.2:
        text = f"/* SELECT 1 */ {text}"
    if chance.random() < 0.1:
        text = f"-- SELECT 1\n{text}"
    if chance.random() < 0.2:
        text = text.replace("COPY", "copy").replace("WITH", "wItH")
    if chance.random() < 0.1:
        text = text.replace(" ", "\n")
    return text + (";" if chance.random() < 0.2 else "")
