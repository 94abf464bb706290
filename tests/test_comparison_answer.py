"""What a comparison says first, of rows made by hand."""

from typing import Any

from llm4es.project.comparison_answer import answers
from llm4es.project.comparison_table import notes, text
from llm4es.project.report_answer import task_answer

from .test_comparison import row as of_table


def row(features: str, value: float, difference: float | None = None, **more: Any) -> dict[str, Any]:
    return of_table(features, value, difference, **{"chosen": None, "model": "m" if "m@8" in features else None} | more)


TFIDF = row("tfidf", 0.779, tokens=None, seconds=None)
ALONE = row("m@8 [events]", 0.764, -0.015, best_of=3, optimism=0.01, tokens=119_114, seconds=172.4)
VOTE = row("vote(tfidf, m@8 [events])", 0.799, 0.020, p_adjusted=0.01, words="better than tfidf", tokens=119_114)
BEST = row("best(tfidf, m@8 [events])", 0.790, 0.011, chosen="tfidf 9, m@8 [events] 6", tokens=119_114, seconds=172.4)


def test_what_was_chosen_inside_folds_answers_before_a_row_that_is_higher() -> None:
    assert answers([VOTE, BEST, TFIDF, ALONE]) == [
        "gender: no, a model adds nothing beyond the noise to tfidf (0.779): "
        "best(tfidf, m@8 [events]) 0.790 (+0.011, -0.089 to +0.111)",
        "gender: its vectors alone are level with it, within the noise: m@8 [events] 0.764 "
        "(-0.015, -0.115 to +0.085), the best of several on these entities; cost: 119,114 tokens, 172 seconds",
    ]


def test_the_best_of_several_choices_is_said_to_be_that() -> None:
    other = row("best(counts, m@8 [events])", 0.700, -0.079, chosen="counts 15")
    assert answers([BEST, TFIDF, other])[0].partition("; cost")[0].endswith(", the best of several on these entities")
    assert "the best of several" not in answers([BEST, TFIDF])[0]


def test_of_a_long_choice_the_line_says_what_it_is() -> None:
    features = "best(tfidf, words, m@8 [events], vote(tfidf, m@8 [events]))"
    (first,) = answers([row(features, 0.790, 0.011, model="m", chosen="tfidf 15"), TFIDF])
    assert first.partition("; cost")[0].endswith(
        "(0.779): the best of 4 feature sets 0.790 (+0.011, -0.089 to +0.111), a model chosen in 0 of 15 folds"
    )


def test_a_choice_that_took_no_model_says_nothing_for_one() -> None:
    better = BEST | {"chosen": "tfidf 12, vote(tfidf, words) 3", "p_adjusted": 0.01, "words": "better than tfidf"}
    assert answers([better, TFIDF])[0].startswith(
        "gender: no, a choice that took no model is better than tfidf (0.779): best(tfidf, m@8 [events]) 0.790 ("
    )
    page = task_answer([better, TFIDF, ALONE], 0)
    assert page.headline == "No: a language model was chosen in none of the 15 folds"
    assert page.notes == (
        "Chosen: tfidf in 12, vote(tfidf, words) in 3 of 15 folds; the model in 0.",
        "Its vectors alone are level with it, within the noise: m@8 [events] 0.764 (-0.015, -0.115 to +0.085), the "
        "best of 3 on these entities.",
    )
    assert task_answer([BEST, TFIDF], 0).notes == (
        "Chosen: tfidf in 9, m@8 [events] in 6 of 15 folds; the model in 6.",
    )


def test_a_long_choice_is_said_in_short_and_in_full() -> None:
    features = "best(tfidf, words, m@8 [events], vote(tfidf, m@8 [events]))"
    page = task_answer([row(features, 0.79, 0.011, model="m", chosen="tfidf 9, m@8 [events] 6"), TFIDF], 0)
    assert page.words.startswith("roc_auc 0.790 with the best of 4 feature sets, 0.779 with tfidf, the best without a")
    assert page.notes[-1] == f"In full: {features}."
    assert page.cost.endswith(" by the models of the best of 4 feature sets")


def test_imported_vectors_are_called_no_model() -> None:
    rfm = row("rfm", 0.79, 0.011, model="rfm", imported=True, tokens=None, seconds=None, best_of=2, optimism=0.01)
    assert answers([rfm, TFIDF]) == [
        "gender: no, imported vectors add nothing beyond the noise to tfidf (0.779): rfm 0.790 (+0.011, -0.089 to "
        "+0.111)"
    ]
    page = task_answer([rfm, TFIDF, ALONE], 0)
    assert (page.headline, page.made_with) == (
        "No: imported vectors add nothing beyond the noise",
        "imported vectors",
    )
    assert "tfidf, the best baseline (" in page.words
    assert "the best feature set beside the baselines and was chosen" in "\n".join(notes([rfm, TFIDF]))


def test_a_vote_answers_where_nothing_chose() -> None:
    first, second = answers([VOTE, TFIDF, ALONE])
    assert first.startswith("gender: yes, a model adds something to tfidf (0.779): vote(tfidf, m@8 [events]) 0.799 (")
    assert "m@8 [events] 0.764" in second


def test_vectors_answer_where_nothing_is_combined() -> None:
    worse = row("m@8", 0.6, -0.179, p_adjusted=0.001, words="worse than tfidf", seconds=None)
    assert answers([TFIDF, worse]) == [
        "gender: no, with a model it is worse than tfidf (0.779): m@8 0.600 (-0.179, -0.279 to -0.079); "
        "cost: 241,000 tokens"
    ]


def test_nothing_is_said_without_a_model_or_without_a_baseline() -> None:
    assert answers([TFIDF, row("counts", 0.5, -0.2)]) == []
    assert answers([row("m@8", 0.8), row("m@8+tfidf", 0.8, 0.0)]) == []


def test_every_task_is_answered_above_the_first_table() -> None:
    age = [each | {"task": "age"} for each in (TFIDF, ALONE)]
    first, second, third, blank, title = text([VOTE, TFIDF, ALONE, *age]).splitlines()[:5]
    assert [first[:7], second[:7], third[:4], blank, title[:16]] == [
        "gender:",
        "gender:",
        "age:",
        "",
        "gender: roc_auc ",
    ]
