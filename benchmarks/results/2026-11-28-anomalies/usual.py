"""Splits the tables of tables.R, and the AUROC of scikit-learn's four methods on them.

    python3 usual.py split DIR                              # NAME-rows.csv -> spread/ and raw/ NAME-{train,test,odd}.csv
    python3 usual.py auroc train.csv test.csv anomalies.csv # isolation forest, LOF, Gaussian, mixture

Needs scikit-learn 1.2.1.
"""
import pathlib, sys
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor

def last_digit(column):
    """1, .1 or .01 where all values are multiples of it, else 0."""
    for digit in (1, 0.1, 0.01):
        if np.all(abs(column / digit - np.round(column / digit)) < 1e-6):
            return digit
    return 0

def split(name, x, odd, folder):
    rng = np.random.default_rng(1)
    usual = rng.permutation(np.flatnonzero(odd == 0))
    half = len(usual) // 2
    parts = {"train": usual[:half][:20000], "test": usual[half:][:5000], "odd": rng.permutation(np.flatnonzero(odd))[:5000]}
    x = x[:, x[parts["train"]].std(0) > 0]
    spread = x + rng.uniform(size=x.shape) * [last_digit(c) for c in x.T]
    for kind, values in (("raw", x), ("spread", spread)):
        (folder / kind).mkdir(exist_ok=True)
        for part, rows in parts.items():
            np.savetxt(folder / kind / f"{name}-{part}.csv", values[rows], "%.9g", ",", comments="",
                       header=",".join(f"c{i + 1}" for i in range(x.shape[1])))
    print(name, *(len(rows) for rows in parts.values()), x.shape[1], sep="\t")

def four(train, test, odd):
    label = np.repeat([0, 1], [len(test), len(odd)])
    both, rng = np.concatenate([test, odd]), np.random.default_rng(0)
    found = [IsolationForest(random_state=0).fit(train), LocalOutlierFactor(novelty=True).fit(train)]
    found.append(GaussianMixture(1, reg_covar=1e-6).fit(train))
    some = rng.permutation(train)[:4000]
    fit, held = some[: len(some) * 4 // 5], some[len(some) * 4 // 5 :]
    def value(k, reg):
        return GaussianMixture(k, reg_covar=reg, random_state=0).fit(fit).score(held)
    settings = [(k, reg) for k in (1, 2, 3, 5, 8, 12, 20) if k < len(fit) for reg in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)]
    k, reg = max(settings, key=lambda s: value(*s))
    found.append(GaussianMixture(k, reg_covar=reg, random_state=0).fit(rng.permutation(train)[:8000]))
    return [roc_auc_score(label, -m.score_samples(both)) for m in found]

if __name__ == "__main__":
    if sys.argv[1] == "split":
        folder = pathlib.Path(sys.argv[2])
        for path in sorted(folder.glob("*-rows.csv")):
            rows = np.loadtxt(path, delimiter=",", skiprows=1)
            split(path.name.removesuffix("-rows.csv"), rows[:, :-1], rows[:, -1], folder)
        x, digit = load_digits(return_X_y=True)
        split("digits", x, digit == 8, folder)
    else:
        train, test, odd = (np.loadtxt(path, delimiter=",", skiprows=1) for path in sys.argv[2:])
        mean, deviation = train.mean(0), train.std(0)
        print(*(f"{a:.3f}" for a in four(*((x - mean) / deviation for x in (train, test, odd)))), sep="\t")
