"""Writes `metrics.json`: what TSB-AD, scikit-learn and PRTS compute of made-up labels, scores and flags.

    pip install --no-deps -r tests/golden/evaluate/requirements.txt
    pip install -r <(grep -v -e TSB -e prts tests/golden/evaluate/requirements.txt)
    python tests/golden/evaluate/metrics.py

Volumes under the surface: `generate_curve(label, score, window, "opt", 250)` of TSB-AD, elements 6 and 7. Areas:
scikit-learn. Affiliation: the reference implementation, as TSB-AD carries it. Range-based figures: TSB-AD (flat
bias, existence weight 0.2) and PRTS (the other biases). TSB-AD finds no range in flags that never end, so that no
case flags every row. Scores are whole numbers, with ties; labels are the first and last row of each event.
"""

import json
from pathlib import Path

import numpy
from prts import ts_precision, ts_recall
from sklearn.metrics import average_precision_score, roc_auc_score
from TSB_AD.evaluation.affiliation.generics import convert_vector_to_events
from TSB_AD.evaluation.affiliation.metrics import pr_from_events
from TSB_AD.evaluation.basic_metrics import basic_metricor, generate_curve

rng = numpy.random.default_rng(20240702)
BIASES = ["flat", "front", "middle", "back"]


def labels(n, n_events, longest):
    label = numpy.zeros(n, dtype=int)
    for _ in range(n_events):
        start = rng.integers(0, n)
        label[start : start + rng.integers(1, longest + 1)] = 1
    return label


def scores(label, skill, levels):
    """Whole numbers below `levels`; an anomaly scores `skill` deviations higher, also a little before and after."""
    near = numpy.convolve(label, [0.3, 0.6, 1, 0.6, 0.3], mode="same").clip(0, 1)
    raw = rng.standard_normal(len(label)) + skill * near
    raw = (raw - raw.min()) / (raw.max() - raw.min())
    return numpy.minimum((raw * levels).astype(int), levels - 1)


def runs(label):
    return [[start, end - 1] for start, end in convert_vector_to_events(label)]


def figures(label, score, window, flags):
    curve = generate_curve(label, score.astype(float), window, "opt", 250)
    figures = {
        "vus_roc": float(curve[6]),
        "vus_pr": float(curve[7]),
        "auc_roc": float(roc_auc_score(label, score)),
        "auc_pr": float(average_precision_score(label, score)),
    }
    grader = basic_metricor()
    figures["range_recall"] = float(grader.range_recall_new(label, flags, 0.2)[0])
    figures["range_precision"] = float(grader.range_recall_new(flags, label, 0)[0])
    figures["range_f1"] = float(grader.metric_RF1(label, score, preds=flags))
    if flags.any():
        affiliation = pr_from_events(convert_vector_to_events(flags), convert_vector_to_events(label), (0, len(label)))
        figures["affiliation_precision"] = float(affiliation["Affiliation_Precision"])
        figures["affiliation_recall"] = float(affiliation["Affiliation_Recall"])
        figures["biased_recall"] = [float(ts_recall(label, flags, alpha=0.2, cardinality="reciprocal", bias=bias)) for bias in BIASES]
        figures["biased_precision"] = [float(ts_precision(label, flags, alpha=0.0, cardinality="reciprocal", bias=bias)) for bias in BIASES]
    return figures


cases = []
plans = [(n, n_events, longest, window, skill, levels)
         for n, n_events, longest, window in [
             (40, 1, 1, 0), (60, 2, 1, 1), (60, 1, 12, 5), (120, 3, 6, 12), (240, 5, 20, 24), (240, 12, 3, 40),
             (250, 4, 10, 125), (300, 2, 60, 31), (500, 9, 8, 50), (700, 3, 40, 125), (900, 20, 5, 18)]
         for skill, levels in [(0, 1000), (1.5, 1000), (3, 12), (6, 300)]]
plans += [(2000, 6, 30, 288, 2, 5000), (150, 1, 1, 300, 1, 2), (30, 2, 4, 60, 2, 1000)]
for n, n_events, longest, window, skill, levels in plans:
    label = labels(n, n_events, longest)
    if label.all() or not label.any():
        continue
    score = scores(label, skill, levels)
    threshold = numpy.quantile(score, rng.choice([0.8, 0.9, 0.97, 1.0]))
    flags = (score > threshold).astype(int)
    cases.append({"n": n, "events": runs(label), "window": window, "scores": score.tolist(), "flags": runs(flags),
                  **figures(label, score, window, flags)})
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
(Path(__file__).parent / "metrics.json").write_text(f"[\n{lines}\n]\n")
print(len(cases), "cases,", sum(not case["flags"] for case in cases), "without a flag,",
      sum(case["events"][0][0] == 0 or case["events"][-1][1] == case["n"] - 1 for case in cases), "with an event at an end")
