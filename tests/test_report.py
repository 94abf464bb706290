"""The report page: everything drawn, everything escaped, and in a real browser where there is one."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from llm4es.core.errors import ProbeError
from llm4es.features.feature_set import FeatureSet
from llm4es.options import ProbeOptions
from llm4es.probe import probe
from llm4es.probe.compare import compare
from llm4es.report import ReportData, lines, render
from llm4es.report.answer import Caution, Ground, TaskAnswer
from llm4es.report.data import Projection
from llm4es.report.people import PROJECTIONS

from .browser import BROWSER, Frame, look, with_axe

N = 80
EVIL = '<script>document.title="taken"</script><img src=x onerror="document.title=\'taken\'"> $a$ & "q" \'s\''
EVIL_IDS = (
    'z"><img src=x onerror="document.title=\'taken\'">', "z</style><script>document.title='taken'</script>",
    "zjavascript:document.title='taken'", "z\u05e9\u05dc\u05d5\u05dd\u202e\u2028</script>", "z two\nlines", "z" * 200,
)  # fmt: skip
IDS = [*(f"u{i:02}" for i in range(N - len(EVIL_IDS))), *EVIL_IDS]
SIDE = np.tile([0, 1], N // 2)


def features(name: str, model: str | None, k: int | None) -> FeatureSet:
    matrix = np.random.default_rng(k or 0).normal(size=(N, 4)) + SIDE[:, None] * (0.2 if model is None else 0.6)
    return FeatureSet(name, IDS, matrix, model, k, frozenset(IDS[:7]), name)


@pytest.fixture(scope="module")
def data() -> ReportData:
    labels = pa.table({"entity_id": IDS, "label": [EVIL if side else "other" for side in SIDE]})
    sets = [features("tfidf", None, None), features(f"{EVIL}@1", EVIL, 1), features(f"{EVIL}@8", EVIL, 8)]
    options = ProbeOptions(folds=3, repeats=2, bootstrap=50, workers=1)
    results = [probe(each, labels, EVIL, "binary", options, "d") for each in sets]
    few = []
    for each in sets[:2]:
        for size in (20, 40):
            sized = ProbeOptions(folds=3, repeats=1, bootstrap=20, train_size=size)
            rows = probe(each, labels, EVIL, "binary", sized, "d").probes
            few.append(rows.append_column("trained", pa.array([size] * len(rows))))
    predictions = pa.concat_tables([result.predictions for result in results])
    table = compare(pa.concat_tables([result.probes for result in results]), predictions, resamples=50)
    curve = [{"step": 0, "loss": 2.0, "held_out": 2.1}, {"step": 10, "loss": 1.5, "held_out": None}]
    return ReportData(
        dataset=EVIL,
        made="today",
        answers=(
            TaskAnswer(
                EVIL, "Yes", EVIL, "+0.1", EVIL, "", EVIL, (Ground(True, EVIL, EVIL), Ground(False, "Leaks", EVIL))
            ),
        ),
        commands=dict.fromkeys(("runs", "users", "cuts", "models"), f"llm4es sql {EVIL}"),
        task_commands={EVIL: (f"llm4es sql {EVIL}",)},
        warnings=(Caution(EVIL, EVIL, EVIL),),
        runs=pa.table(
            {
                "run_id": ["r1"],
                "stage": ["embed"],
                "what": [EVIL + "w" * 200],
                "started_at": ["2026"],
                "seconds": [1.5],
                "status": [EVIL],
                "rows_computed": [1234],
                "rows_reused": [0],
            }
        ),
        users=pa.table({"entity_id": IDS, "n_events": list(range(1, N + 1)), "days": [3.5] * N}),
        cuts=pa.table(
            {"features": [EVIL], "n_entities": [N], "n_cut": [40], "events_kept": [0.5], "tokens_kept": [0.25]}
        ),
        comparison=table.add_column(0, "task", pa.array([EVIL] * len(table))),
        predictions=predictions,
        learning=pa.concat_tables(few),
        vectors=pa.table({"entity_id": IDS, "vector": np.asarray(sets[1].matrix, dtype=np.float32).tolist()}),
        vectors_name=EVIL,
        labels=pa.concat_tables([labels.append_column("task", pa.array([task] * N)) for task in (EVIL, "t" * 200)]),
        histories=pa.table({"entity_id": IDS, "lines": [[EVIL, "</script><b>"]] * N}),
        models=pa.table(
            {
                "model": [EVIL],
                "base": ["b"],
                "method": ["lora"],
                "steps": [10],
                "held_out_loss_before": [2.1],
                "held_out_loss_after": [1.6],
                "loss_curve": [curve],
            }
        ),
        fidelity=pa.table({"variant": [EVIL, "json"], "fidelity": [0.7, 1.0], "note": [None, None]}),
    )


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    return render(data)


DRAWN = 5 + 2 + 1 + 1 + 1
"""Comparison, k, ROC, calibration, learning; two histograms; loss; fidelity; the map that is shown of two."""


def test_every_picture_is_drawn_and_nothing_is_fetched(page: str) -> None:
    assert page.count("<svg") == page.count("</svg>") == DRAWN + 1
    assert "var(--c0)" in page
    assert not re.search(r"#0101\d\d|#01020\d", page)  # no stand-in colour is left
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page)  # links inside the page only
    assert len(page) < 5_000_000
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_what_comes_from_data_is_escaped(page: str) -> None:
    assert "<script>document" not in page
    assert "<img" not in page
    assert page.count("<script") == 2
    assert "script-src 'sha256-" in page.replace("&#39;", "'")
    users = json.loads(re.search(r'id="users">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert users[0]["lines"] == [EVIL[:120], "</script><b>"]
    assert len(users[0]["near"]) == 5


def test_equal_data_give_equal_bytes(data: ReportData, page: str) -> None:
    assert render(data) == page


def test_little_data_make_a_small_page() -> None:
    page = render(ReportData(dataset="d", made="today"))
    assert "<h1>d</h1>" in page
    assert "<svg" not in page


def test_a_sample_is_told_and_stays_small() -> None:
    ids = [f"{i}" for i in range(3000)]
    vectors = pa.table({"entity_id": ids, "vector": np.random.default_rng(0).normal(size=(3000, 8)).tolist()})
    page = render(ReportData(dataset="d", made="today", vectors=vectors, vectors_name="m@8", shown_users=500))
    assert "500 of 3,000 entities drawn, chosen by a hash of the id." in page
    assert page.count("data-user=") == 500


def test_multiclass_and_regression_have_no_roc(data: ReportData) -> None:
    table = data.comparison
    assert table is not None
    page = render(ReportData(dataset="d", made="today", comparison=table))
    assert page.count("<svg") == 2  # comparison and k


def row(features: str, model: str | None, k: int | None) -> dict[str, object]:
    return {"features": features, "model": model, "k": k, "probe": "logistic", "metric": "roc_auc", "value": 0.6,
            "ci_low": 0.5, "ci_high": 0.7}  # fmt: skip


def test_depths_of_a_model_whose_name_bears_a_plus() -> None:
    rows = [row(f"m+8bit@{k} [full]", "m+8bit", k) for k in range(1, 31)]
    joined = row("m+8bit@8 [full]+tfidf", "m+8bit", 8)
    drawn = lines.by_k([*rows, joined], "k")
    assert drawn is not None
    assert drawn.count("data-tip=") == 30  # what is joined to something is no point of the line
    assert "m+8bit [full], k = 30: 0.600 (0.500 to 0.700)" in drawn
    shown = set(re.findall(r">(\d+)</text>", drawn))
    assert {"1", "30"} <= shown
    assert len(shown) < 14  # labels that would run into each other are left out
    assert lines.by_k([rows[0], joined, row("tfidf", None, None)], "k") is None


def test_layers_on_their_own() -> None:
    rows = [row(f"m@layer{layer}", "m", None) for layer in (1, 2, 12)]
    drawn = lines.by_layer([*rows, row("m@8", "m", 8)], "layer")
    assert drawn is not None
    assert drawn.count("data-tip=") == 3
    assert "m, layer = 12: 0.600 (0.500 to 0.700)" in drawn
    assert lines.by_layer(rows[:1], "layer") is None


@pytest.mark.filterwarnings("ignore:n_jobs value 1 overridden", "ignore::DeprecationWarning")
def test_umap_keeps_neighbourhoods(data: ReportData) -> None:
    pytest.importorskip("umap")
    rng = np.random.default_rng(0)
    far = np.repeat([[5.0, 0, 0, 0], [0, 0, 0, 5.0]], 20, axis=0)  # (N, D) two groups
    points, said = PROJECTIONS[Projection.UMAP]((far + rng.normal(0, 0.1, far.shape)).astype(np.float32))  # (N, 2)
    assert said.startswith("UMAP")
    middles = points[:20].mean(axis=0), points[20:].mean(axis=0)
    spread = max(np.abs(points[:20] - middles[0]).max(), np.abs(points[20:] - middles[1]).max())
    assert np.abs(middles[0] - middles[1]).max() > 2 * spread


def test_umap_may_be_absent(data: ReportData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    said = r"UMAP is not installed: run `pip install 'llm4es\[umap\]'`, or leave the map at PCA"
    with pytest.raises(ProbeError, match=said):
        render(ReportData("d", "today", vectors=data.vectors, projection=Projection.UMAP))


def many(data: ReportData, n: int) -> ReportData:
    """The page of a store of so many models, each with vectors that were cut."""
    assert data.comparison is not None
    row = next(row for row in data.comparison.to_pylist() if row["model"])
    models = [row | {"features": f"model-{i}@8", "model": f"model-{i}", "value": 0.9 - i / 1000} for i in range(n)]
    cut = [
        {"features": f"model-{i}", "n_entities": N, "n_cut": 4, "events_kept": 0.5, "tokens_kept": 0.5}
        for i in range(n)
    ]
    return ReportData(
        dataset="many",
        made="today",
        warnings=tuple(Caution(f"model-{i}: 5% of the users lost events") for i in range(n)),
        comparison=pa.Table.from_pylist(models, schema=data.comparison.schema),
        cuts=pa.Table.from_pylist(cut),
        models=pa.table({name: [f"{name}-{i}" for i in range(n)] for name in ("model", "base", "method")}
                        | {name: [1.0] * n for name in ("steps", "held_out_loss_before", "held_out_loss_after")}
                        | {"loss_curve": [[{"step": 0, "loss": 2.0, "held_out": None}]] * n}),
    )  # fmt: skip


def test_two_hundred_models_fold_away(data: ReportData) -> None:
    page = render(many(data, 200))
    assert "The best 24 of 200: the table below has all." in page
    assert "<summary>192 more</summary>" in page
    tables = re.findall(r"<details( open)?>\s*<summary>([^<]*\(200 rows\))", page)
    assert [opened for opened, _ in tables] == [""] * 3
    assert len(page) < 1_000_000


@pytest.mark.skipif(BROWSER is None, reason="no browser: `apt-get install -y chromium` (Debian) or install Chrome")
def test_in_a_browser(data: ReportData, page: str, tmp_path: Path) -> None:
    """Loads without an error, draws everything, fits every screen, runs its own script alone; axe agrees."""
    bad = '<html lang="en"><title>t</title><body><a href="#a">b</a><img src="data:,"><p style="width: 50rem">wide'
    narrow, middle, window, wide, large, light, dark, *told = look(
        tmp_path,
        [Frame(page, 360), Frame(page, 800), Frame(page, 1265), Frame(page, 1600), Frame(render(many(data, 200)), 360),
         Frame(with_axe(page), 900), Frame(with_axe(page, dark=True), 900),
         Frame(bad, 360), Frame(with_axe(f"{bad}</body>"), 360)],
    )  # fmt: skip
    assert [each[:7] for each in told[0]["outside"]] == ["P wide", "scrolls"]  # what is wrong is found
    assert [found[0] for found in told[1]["axe"]["critical"]] == ["image-alt"]
    assert (window["cut"], wide["cut"]) == (0, 0)
    for seen in (narrow, middle, window, wide):
        assert seen["title"] == f"{EVIL}: llm4es report"
        assert (seen["images"], seen["scripts"], seen["drawn"], seen["options"]) == (0, 2, DRAWN, N)
        assert seen["chosen"].startswith("u00, ")
        assert (seen["near"], seen["marked"], seen["still"]) == (5, 2, 0)  # on each of two maps
        assert seen["unknown"] == "No entity zzz is among those on the map."
    for seen in (narrow, middle, window, wide, large):
        assert seen["outside"] == []
        assert seen["first"] == "Skip to the results"
    for seen in (light, dark):
        assert seen["axe"] == {"critical": [], "serious": []}
