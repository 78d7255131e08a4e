"""AUROC of the scores of ../2026-11-27-anomalies/detection.py, and of some more, on one table.

    PYTHONPATH=python:benchmarks/results/2026-11-27-anomalies python3 fresh.py RUNS train.csv test.csv anomalies.csv

RUNS is a folder with runs seed-…. A line per score: name, mean AUROC over the seeds. Needs numpy and scipy.
"""
import pathlib, sys
import numpy as np
from scipy.special import log_ndtr, ndtri
from detection import auroc, energy, push, read, scores, with_ranks
from ebflow_score import FlowDensity, uniform_noise

def concentration(train, deviation):
    """Of each column the largest share of training rows within a tenth of a deviation."""
    found = []
    for column, width in zip(np.sort(train, 0).T, 0.1 * deviation):
        found.append((np.searchsorted(column, column + width, "right") - np.arange(len(column))).max() / len(column))
    return np.array(found)

def around(model, x, half):
    """Of the margins between x - half and x + half: mid-rank y, log of the mass over the normal density there."""
    a, b = push(model, 0, x - half, 0, 1)[0], push(model, 0, x + half, 0, 1)[0]
    lower = a + b < 0
    low, high = np.where(lower, a, -b), np.where(lower, b, -a)
    p, q = log_ndtr(low), log_ndtr(high)
    middle = ndtri(np.exp(np.logaddexp(p, q) - np.log(2)))
    middle = np.where(np.isfinite(middle), middle, high)
    return np.where(lower, middle, -middle), q + np.log(-np.expm1(np.minimum(p - q, -1e-15))) + middle**2 / 2

def log_p(model, x):
    y, margins = push(model, 0, x, 0, 1)
    return margins - energy(model, push(model, 0, y, 1)[0])

def more(model, x, deviation, atoms):
    rng, centre, s = np.random.default_rng(0), x + model.spread / 2, {}
    s["-log p at the middle of ties"] = -log_p(model, centre)
    for name, draw in {"in ties": lambda: x + model.spread * rng.uniform(size=x.shape),
                       "within .1": lambda: centre + np.maximum(0.1 * deviation, model.spread / 2) * rng.uniform(-1, 1, x.shape)}.items():
        drawn = np.array([log_p(model, draw()) for _ in range(16)])
        s[f"-log p, mean of 16 draws {name}"] = -drawn.mean(0)
        s[f"-log of mean p of 16 draws {name}"] = -np.logaddexp.reduce(drawn, 0)
    for h in (0.1, 0.2, 0.3):
        middle, density = around(model, centre, np.maximum(h * deviation, model.spread / 2))
        at = energy(model, push(model, 0, middle, 1)[0])
        s[f"-log p of mid-rank y of ties, h {h}"] = at
        s[f"tie window {h}"] = at - density.sum(1)
        s[f"tie window {h}, atoms by rank"] = at - density[:, ~atoms].sum(1)
        s[f"tie window {h}, or mid-rank y if most columns are atoms"] = at if atoms.mean() > 0.5 else at - density.sum(1)
    s["-log p, atoms by mid-rank"] = atoms_by_rank(model, x, deviation, atoms)
    return s

def atoms_by_rank(model, x, deviation, atoms):
    """log p with mid-rank y and no density for columns with atoms, and the others as they are."""
    middle, _ = around(model, x + model.spread / 2, np.maximum(0.1 * deviation, model.spread / 2))
    placed = x + model.spread * uniform_noise(x, model.seed)
    y, _ = push(model, 0, placed, 0, 1)
    step = 1e-4 * deviation
    slope = (push(model, 0, placed + step, 0, 1)[0] - push(model, 0, placed - step, 0, 1)[0]) / (2 * step)
    mixed = np.where(atoms, middle, y)
    return energy(model, push(model, 0, mixed, 1)[0]) - np.log(np.maximum(slope, 1e-300))[:, ~atoms].sum(1)

if __name__ == "__main__":
    runs, (train, test, odd) = sys.argv[1], map(read, sys.argv[2:5])
    deviation, found = train.std(0), {}
    atoms = concentration(train, deviation) > 0.5
    print(f"columns with atoms\t{atoms.mean():.3f}")
    with np.errstate(all="ignore"):
        for run in sorted(pathlib.Path(runs).glob("seed-*")):
            model = FlowDensity(run)
            parts = [scores(model, x, deviation) | more(model, x, deviation, atoms) for x in (train[:2000], test, odd)]
            usual, odder = (with_ranks(part, parts[0]) for part in parts[1:])
            for k in usual:
                found.setdefault(k, []).append(auroc(odder[k], usual[k]))
    for k, v in found.items():
        print(f"{k}\t{np.mean(v):.3f}")
