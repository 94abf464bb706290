"""The comparison as people read it: columns that fit, each warning once."""

import io
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from llm4es.core.figures import between, number, signed
from llm4es.core.printable import printable
from llm4es.probe.comparison import in_short
from llm4es.project.compare import Comparison
from llm4es.project.comparison_table import fitting, html, markdown, notes, print_text, shown, text, title
from llm4es_cli.comparison import show_comparison
from llm4es_cli.options import OutputFormat
from llm4es_cli.screen import Screen


def row(features: str, value: float, difference: float | None = None, **more: Any) -> dict[str, Any]:
    p = more.pop("p_adjusted", 0.5)
    gap = {"difference": difference, "diff_low": None, "diff_high": None, "p_adjusted": None, "detectable": None}
    if difference is not None:
        gap |= {"diff_low": difference - 0.1, "diff_high": difference + 0.1, "p_adjusted": p, "detectable": 0.1}
    words = "the reference" if difference is None else "worse than tfidf by 0.200" if p < 0.05 else "no difference"
    return {
        "task": "gender", "features": features, "probe": "logistic", "metric": "roc_auc", "value": value,
        "ci_low": value - 0.05, "ci_high": value + 0.05, "reference": "tfidf", "n": 943, "n_seen": 0,
        "model": None, "best_of": None, "optimism": None, "n_smallest": 273, "repeats": 3, "folds": 5, "positive": "M",
        "dimensions": 576, "tokens": 241_000, "seconds": 61.4, "words": words, **gap, **more,
    }  # fmt: skip


ROWS = [
    row("tfidf", 0.773, dimensions=1682, tokens=0, seconds=None),
    row("smollm2-135m@8 [256 tokens, full]+aggregates", 0.74, -0.033, detectable=0.04),
    row("tuned@8", 0.573, -0.2, p_adjusted=0.0001, n_seen=700),
]


def printed(width: int, *, wide: bool = False) -> str:
    out = io.StringIO()
    print_text(ROWS, Console(file=out, width=width, highlight=False), wide=wide)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 130, 160, 200])
def test_no_row_is_wider_than_the_screen_and_no_figure_is_cut(width: int) -> None:
    text, lines = printed(width), printed(width).splitlines()
    assert " ".join(text.split()).startswith(
        "gender: roc_auc on 943 entities, 95 % intervals; differences to tfidf on the same entities, "
        "their intervals and p corrected for 2 comparisons features "
    )
    assert max(map(len, lines)) <= width
    figures = ["0.773", "0.723 to 0.823", "-0.033", "0.500", "within noise", "<0.001", "worse", "reference", "700"]
    for figure in figures[: -1 if width == 80 else None]:  # there only the note names who was seen in tuning
        assert figure in "\n".join(lines)


def test_what_is_spared_goes_first_and_wide_keeps_it() -> None:
    rows, every = ROWS, [column.title for column in shown(ROWS)]
    assert every == [
        "features", "roc_auc", "interval", "difference", "interval", "p", "verdict", "seen in tuning", "dimensions",
        "tokens", "seconds",
    ]  # fmt: skip
    assert [c.title for c in fitting(shown(rows), rows, 200)] == every
    assert [c.title for c in fitting(shown(rows), rows, 149)] == every[:-2]  # 44 characters of a name
    long = [row | {"features": f"vote({row['features']}, {'m' * 60})"} for row in rows]
    assert [c.title for c in fitting(shown(long), long, 170)] == every  # a name is folded before figures are left out
    narrow = [c.title for c in fitting(shown(rows), rows, 10)]
    assert narrow == ["features", "roc_auc", "interval", "difference", "p", "verdict", "seen in tuning"]
    assert printed(40).splitlines()[4].split() == ["features", "roc_auc", "verdict"]  # what no name has room beside
    assert "3 rows; 8 columns hidden: --wide" in printed(40)
    assert "241,000" in printed(200)
    assert "241,000" not in printed(100)
    assert "seconds" in printed(100, wide=True)


def test_each_warning_is_given_once() -> None:
    assert notes(ROWS) == [
        "within noise: 943 entities cannot tell the two apart; the smallest difference that they would show is 0.040",
        "seen in tuning: tuned@8 comes from a model fine-tuned on so many of the scored entities; "
        "--unseen-only leaves those out",
    ]
    assert notes(ROWS[:1]) == []
    assert printed(200).count("fine-tuned") == 1
    assert [column.title for column in shown(ROWS[:2])].count("seen in tuning") == 0


def test_the_best_of_many_is_told() -> None:
    best = row("tuned@8", 0.8, 0.03, model="tuned", best_of=4, optimism=0.0213)
    assert notes([best, *ROWS])[-1] == (
        "best of 4: tuned@8 is the best feature set with a language model and was chosen on the very entities that "
        "score it: its roc_auc is optimistic by up to 0.021"
    )


def test_too_little_is_told_under_the_table() -> None:
    few = [each | {"n_smallest": 6, "repeats": 1} for each in ROWS]
    assert [note.partition(":")[0] for note in notes(few)][-2:] == ["few of a class", "one repeat"]
    assert "few of a class: the smallest has 6 of the 943" in markdown(few)


def test_words() -> None:
    precise = title([row("tfidf", 0.3, metric="average_precision", positive="left")])
    assert precise == "gender: average_precision of 'left' on 943 entities, 95 % intervals"
    assert between(0.679, 0.873, number) == "0.679 to 0.873"
    assert [in_short(each) for each in ROWS] == ["reference", "within noise", "worse"]
    assert title(ROWS[:1]) == "gender: roc_auc on 943 entities, 95 % intervals"
    assert (number(0.12345), number(12345.6), signed(0.01), signed(-0.01), signed(-0.0001)) == (
        "0.123", "12,346", "+0.010", "-0.010", "0.000",
    )  # fmt: skip


def test_markdown_escapes_bars() -> None:
    text = markdown([row("a|b", 0.5), *ROWS[1:]])
    lines = text.splitlines()
    assert lines[2].startswith(
        "| features | roc_auc | interval | difference | interval | p | verdict | seen in tuning | dimensions"
    )
    assert lines[4].startswith("| a\\|b | 0.500 | 0.450 to 0.550 |  |  |  | reference |")
    assert len({line.replace("\\|", "").count("|") for line in lines[2:7]}) == 1
    assert lines[-1].startswith("_seen in tuning: tuned@8")


EVIL = "\x1b\u202e\x9b\x07"
"""What clears a screen and turns a line."""


def test_names_from_data_are_shown_as_text_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    hostile: dict[str, Any] = {
        "task": f"t{EVIL}\nx", "positive": f"y{EVIL}\nx", "metric": "average_precision", "reference": f"r{EVIL}\nx",
        "chosen": None,
    }  # fmt: skip
    rows = [
        row(f"r{EVIL}\nx", 0.7, **hostile),
        row(f"m{EVIL}x@8", 0.8, 0.1, model=f"m{EVIL}", n_seen=3, best_of=2, optimism=0.1, **hostile),
        row(f"best(m{EVIL}x@8, b)", 0.8, 0.1, model="m", **hostile | {"chosen": f"m{EVIL}x@8 9"}),
    ]
    out = io.StringIO()
    print_text(rows, Console(file=out, width=100, highlight=False), wide=False)
    for form, n_lines in ((OutputFormat.TABLE, 12), (OutputFormat.MARKDOWN, 15)):
        show_comparison(Comparison(pa.Table.from_pylist(rows)), form, Screen())
        printed = capsys.readouterr().out
        assert len(printed.splitlines()) == n_lines, printed  # no name makes another
        for said in (printed, out.getvalue(), text(rows), html(rows)):
            assert not set(EVIL) & set(said)
            assert printable(EVIL) in said.replace("\\\\", "\\")


def test_markdown_shows_names_as_they_are() -> None:
    lines = markdown([row("<img src=x>`*a* _b_ roc_auc [x](y) m@8 [64 tokens]\\|", 0.5)]).splitlines()
    assert lines[4].startswith(r"| \<img src=x>\`\*a\* \_b\_ roc_auc [x]\(y) m@8 [64 tokens]\\\| | 0.500 |")


def test_negative_ends_are_parted_by_a_word() -> None:
    text = markdown([row("tfidf", 0.01)])
    assert "| -0.040 to 0.060 |" in text


def test_more_than_there_is_to_gain_is_no_figure() -> None:
    near, hopeless = row("m@1", 0.8, 0.027, detectable=0.06), row("m@2", 0.8, 0.027, detectable=1.123)
    few = "within noise: 943 entities cannot tell the two apart; "
    none = "they cannot show any improvement"
    assert notes([ROWS[0], hopeless])[0] == f"{few}{none}: it would have to be more than there is to gain"
    assert notes([ROWS[0], near, hopeless])[0] == (
        f"{few}the smallest difference that they would show is 0.060; {none} with 1 of the feature sets: it would have "
        "to be more than there is to gain"
    )
