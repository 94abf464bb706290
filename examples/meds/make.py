"""Writes synthetic health records as the Medical Event Data Standard (MEDS, 0.4) wants them.

``python examples/meds/make.py`` writes 500 subjects into ``records/`` beside this file. Nobody in them is real. How ill
a subject is says how often it comes, what is measured, and whether it is admitted within a year of its prediction time:
the label. What comes after that time, the admission too, is in the data, as it is in a hospital's.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import exp
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

DATA = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        ("time", pa.timestamp("us")),  # null: static
        pa.field("code", pa.string(), nullable=False),
        ("numeric_value", pa.float32()),
        ("text_value", pa.large_string()),
    ]
)
CODES = pa.schema([("code", pa.string()), ("description", pa.string()), ("parent_codes", pa.list_(pa.string()))])
SPLITS = pa.schema([("subject_id", pa.int64()), ("split", pa.string())])
LABELS = pa.schema([("subject_id", pa.int64()), ("prediction_time", pa.timestamp("us")), ("boolean_value", pa.bool_())])

SEEN = "ENCOUNTER//OUTPATIENT"
MISSED, EMERGENCY, ADMITTED = "ENCOUNTER//MISSED", "ENCOUNTER//EMERGENCY", "ENCOUNTER//INPATIENT"
SUGAR, KIDNEY, PRESSURE, WEIGHT = "LOINC//4548-4", "LOINC//2160-0", "LOINC//8480-6", "LOINC//29463-7"
METFORMIN, INSULIN, STATIN, DIURETIC = "RXNORM//6809", "RXNORM//5856", "RXNORM//83367", "RXNORM//4603"
DIABETES, NEPHROPATHY, COLD, SPRAIN = "ICD10CM//E11.9", "ICD10CM//E11.21", "ICD10CM//J00", "ICD10CM//S93.4"
SMOKING = "SNOMED//229819007"
DESCRIPTIONS: dict[str, tuple[str, list[str]]] = {
    "MEDS_BIRTH": ("birth", []),
    "GENDER//F": ("female", []),
    "GENDER//M": ("male", []),
    SEEN: ("outpatient visit", []),
    MISSED: ("missed appointment", []),
    EMERGENCY: ("emergency visit", []),
    ADMITTED: ("admission to hospital", []),
    SUGAR: ("hemoglobin A1c, %", ["LOINC/4548-4"]),
    KIDNEY: ("creatinine, mg/dL", ["LOINC/2160-0"]),
    PRESSURE: ("systolic blood pressure, mmHg", ["LOINC/8480-6"]),
    WEIGHT: ("body weight, kg", ["LOINC/29463-7"]),
    METFORMIN: ("metformin prescribed", ["RxNorm/6809"]),
    INSULIN: ("insulin prescribed", ["RxNorm/5856"]),
    STATIN: ("atorvastatin prescribed", ["RxNorm/83367"]),
    DIURETIC: ("furosemide prescribed", ["RxNorm/4603"]),
    DIABETES: ("type 2 diabetes without complications", ["ICD10CM/E11.9"]),
    NEPHROPATHY: ("type 2 diabetes with diabetic nephropathy", ["ICD10CM/E11.21"]),
    COLD: ("common cold", ["ICD10CM/J00"]),
    SPRAIN: ("sprained ankle", ["ICD10CM/S93.4"]),
    SMOKING: ("tobacco use", ["SNOMED/229819007"]),
}

Row = dict[str, Any]


def subject(number: int, lot: Random) -> tuple[list[Row], Row]:
    """The rows of a subject, in order, and its label."""
    illness = lot.gauss(0, 1)
    born = datetime(1935, 1, 1) + timedelta(days=lot.randrange(50 * 365))
    start = datetime(2021, 1, 4) + timedelta(days=lot.randrange(300))
    asked = start + timedelta(days=lot.randrange(500, 800), hours=12)
    admitted = lot.random() < 1 / (1 + exp(0.9 - 2 * illness))
    rows: list[Row] = [{"code": lot.choice(["GENDER//F", "GENDER//M"])}, {"code": "MEDS_BIRTH", "time": born}]
    day = start
    while day < asked + timedelta(days=120):
        rows += visit(day + timedelta(minutes=lot.randrange(480, 1000)), illness, (day - start).days / 365, lot)
        day += timedelta(days=max(7, round(lot.gauss(75 - 15 * illness, 25))))
    if admitted:
        rows.append({"code": ADMITTED, "time": asked + timedelta(days=lot.randrange(3, 360))})
    rows.sort(key=lambda row: row.get("time", datetime.min))
    label = {"subject_id": number, "prediction_time": asked, "boolean_value": admitted}
    return [{"subject_id": number, **row} for row in rows], label


def visit(at: datetime, illness: float, years: float, lot: Random) -> Iterator[Row]:
    """What is written down on one day."""
    if lot.random() < 0.06 + 0.05 * max(0, illness):
        yield {"code": MISSED, "time": at}
        return
    emergency = lot.random() < 0.05 + 0.07 * max(0, illness)
    yield {"code": EMERGENCY if emergency else SEEN, "time": at}
    measured = {
        SUGAR: (6.9 + 0.7 * illness + 0.3 * illness * years, 0.4, 1, 0.8),
        KIDNEY: (1.0 + 0.15 * illness + 0.1 * illness * years, 0.12, 2, 0.5),
        PRESSURE: (132 + 6 * illness, 11, 0, 0.9),
        WEIGHT: (84 + 3 * illness, 12, 1, 0.3),
    }
    for code, (mean, deviation, digits, share) in measured.items():
        if lot.random() < share:
            yield {"code": code, "time": at, "numeric_value": round(max(0.4, lot.gauss(mean, deviation)), digits)}
    told = {
        DIABETES: 0.4,
        NEPHROPATHY: 0.12 * (illness > 0.5),
        COLD: 0.07,
        SPRAIN: 0.03,
        METFORMIN: 0.3,
        INSULIN: 0.05 + 0.15 * (illness > 0.3),
        STATIN: 0.15,
        DIURETIC: 0.02 + 0.1 * (illness > 0.8),
    }
    for code, share in told.items():
        if lot.random() < share:
            yield {"code": code, "time": at}
    if lot.random() < 0.1:
        yield {"code": SMOKING, "time": at, "text_value": lot.choice(["never", "former smoker", "smokes daily"])}


def write(folder: Path, subjects: int = 500, seed: int = 7) -> Path:
    """A MEDS dataset and one task's labels in a folder; the same subjects in the same number."""
    lot = Random(seed)
    rows: dict[str, list[Row]] = {"train": [], "tuning": [], "held_out": []}
    splits, labels = [], []
    for number in range(1, subjects + 1):
        split = lot.choices(list(rows), [0.7, 0.1, 0.2])[0]
        mine, label = subject(number, lot)
        rows[split] += mine
        splits.append({"subject_id": number, "split": split})
        labels.append(label)
    for split, events in rows.items():  # a subject's rows stand in one file, side by side and by time
        _write(folder / "data" / split / "0.parquet", events, DATA)
    codes = [{"code": code, "description": text, "parent_codes": up} for code, (text, up) in DESCRIPTIONS.items()]
    _write(folder / "metadata" / "codes.parquet", codes, CODES)
    _write(folder / "metadata" / "subject_splits.parquet", splits, SPLITS)
    _write(folder / "labels" / "admission.parquet", labels, LABELS)
    about = {
        "dataset_name": "llm4es synthetic records",
        "dataset_version": "1",
        "etl_name": "examples/meds/make.py",
        "etl_version": "1",
        "meds_version": "0.4.1",
        "created_at": "2026-11-30T00:00:00",
        "license": "Apache-2.0",
    }
    (folder / "metadata" / "dataset.json").write_text(json.dumps(about, indent=2) + "\n")
    return folder


def _write(path: Path, rows: list[Row], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description="Writes synthetic health records in the MEDS schema.")
    words.add_argument("--subjects", type=int, default=500)
    words.add_argument("--out", type=Path, default=Path(__file__).parent / "records")
    given = words.parse_args()
    write(given.out, given.subjects)
