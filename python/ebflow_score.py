"""log p of the rows of tables by a model of EBFlow: docs/model-format.md in numpy alone.

    model = FlowDensity("runs/mine")                 # a run folder or its model.safetensors
    log_prob = model.score_samples(X)                # nats, in the rows' own units
    python ebflow_score.py runs/mine table.csv       # the same as CSV: id,log_prob
"""
import json, pathlib, sys
import numpy as np

# Layers: x [rows,D], description, weights, prefix of their names -> y, log|det dy/dx| per row or of all.
def dense(x, spec, weights, at):
    return x @ weights[at + "weight"].T + weights[at + "bias"], np.linalg.slogdet(weights[at + "weight"])[1]

def actnorm(x, spec, weights, at):
    return (x - weights[at + "translation"]) * np.exp(-weights[at + "log_scale"]), -weights[at + "log_scale"].sum()

def fixed_affine(x, spec, weights, at):  # rounded as `score` does, since digits may cancel
    scale, shift = (np.array(spec[key], spec["dtype"]).astype(float) for key in ("scale", "shift"))
    return (x * scale + shift).astype(spec["dtype"]).astype(float), np.log(abs(scale)).sum()

def smooth_leaky_relu(x, spec, weights, at):
    linear, soft = spec["alpha"] + spec["residual"], 1 - spec["alpha"]
    return linear * x + soft * np.logaddexp(0, x), np.log(linear + soft * (1 + np.tanh(x / 2)) / 2).sum(1)

def monotone_spline(x, spec, weights, at):
    blocks = [at + block for block in ("left_tail", "theta", "right_tail")]  # tails if they are frozen
    e = np.pad(np.exp(np.concatenate([weights[b] for b in blocks if b in weights])), ((2, 2), (0, 0)), "edge")
    bsplines = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6  # by powers of u
    powers = np.tensordot(bsplines, [e[:-3], e[1:-2], e[2:-1], e[3:]], 1)  # of f' between two knots
    areas = np.tensordot([1, 1 / 2, 1 / 3, 1 / 4], powers, 1)
    step, end = 2 * spec["range"] / spec["intervals"], spec["range"] * (1 + 4 / spec["intervals"])
    inside = np.clip(np.concatenate([x, 0 * x[:1]]), -end, end)  # beyond, f is linear; f(0) = 0
    knot = np.clip(((inside + end) / step).astype(int), 0, len(areas) - 1)
    before, *c = (np.take_along_axis(a, knot, 0) for a in (np.cumsum(areas, 0) - areas, *powers))
    u = (inside + end) / step - knot
    f = step * (before + u * (c[0] + u * (c[1] / 2 + u * (c[2] / 3 + u * c[3] / 4))))
    slope = (c[0] + u * (c[1] + u * (c[2] + u * c[3])))[:-1]
    return f[:-1] - f[-1:] + slope * (x - inside[:-1]), np.log(slope).sum(1)

def marginal_gaussianization(x, spec, weights, at):
    y, slopes = np.empty_like(x), np.empty_like(x)
    for c, row in enumerate(weights[at + "table"]):
        knots = row[:-2].reshape(-1, 3)
        knots = knots[: np.searchsorted(knots[:, 0], knots[-1, 0]) + 1]  # the last may be repeated
        inside = np.clip(x[:, c], knots[0, 0], knots[-1, 0])
        k = np.clip(np.searchsorted(knots[:, 0], inside, "right") - 1, 0, len(knots) - 2)
        (x0, y0, d0), (x1, y1, d1) = knots[k].T, knots[k + 1].T
        t, r, secant = (inside - x0) / (x1 - x0), (x1 - inside) / (x1 - x0), (y1 - y0) / (x1 - x0)
        q = secant + (d0 + d1 - 2 * secant) * t * r
        slope = (secant / q) ** 2 * (d1 * t**2 + 2 * secant * t * r + d0 * r**2)
        beyond = x[:, c] - inside  # 0 between the outermost knots
        curvature = np.where(beyond < 0, -row[-2], row[-1])
        grown = 1 + curvature * slope * beyond
        y[:, c] = y0 + (y1 - y0) * (secant * t**2 + d0 * t * r) / q + np.log(grown) / curvature
        slopes[:, c] = slope / grown
    return y, np.log(slopes).sum(1)

def coupling(x, spec, weights, at):
    if spec["type"] == "masked_affine_coupling":
        networks = [dict(spec, activation="swish"), spec]
        spec = {"split": spec, "transform": {"type": "affine"}, "networks": networks}
    transform, mask = spec["transform"], np.array(spec["split"]["mask"])
    kind, bound = transform["type"], transform.get("bound", 1)
    named = zip(("scale", "translation")[-len(spec["networks"]) :], spec["networks"])
    found = [mlp(x * mask, network, weights, f"{at}{name}.") for name, network in named]
    h, t = found[0] * (1 - mask), found[-1] * (1 - mask)
    if kind == "affine":
        return mask * x + (1 - mask) * (x - t) * np.exp(-h), -h.sum(1)
    s = bound * np.tanh(h / bound) if kind == "bounded_affine" else 0 * h
    return x * np.exp(s) + t, s.sum(1)

def mlp(x, spec, weights, at):
    for i in range(0, 2 * spec["hidden"] + 1, 2):
        w = weights[f"{at}{i}.weight_v" if spec.get("weight_normalisation") else f"{at}{i}.weight"]
        if spec.get("weight_normalisation"):
            w = weights[f"{at}{i}.weight_g"].T * w / np.linalg.norm(w, axis=1)[:, None]
        x, last = x @ w.T + weights[f"{at}{i}.bias"], i == 2 * spec["hidden"]
        x = x if last else ACTIVATIONS[spec["activation"]](x, weights.get(f"{at}{i + 1}.beta"))
    return x

def sequence(x, spec, weights, at):
    log_det, dtype = 0, spec["dtype"]
    for i, part in enumerate(spec["layers"]):
        x, d = LAYERS[part["type"]](x, dict(part, dtype=dtype), weights, f"{at}{i}.")
        log_det = log_det + d
    return x, log_det

ACTIVATIONS = {"swish": lambda x, beta: x * (1 + np.tanh(beta * x / 2)) / 2,
               "elu": lambda x, _: np.where(x > 0, x, np.expm1(x)), "relu": lambda x, _: np.maximum(x, 0),
               "leaky_relu": lambda x, _: np.where(x > 0, x, x / 100), "tanh": lambda x, _: np.tanh(x)}
LAYERS = {f.__name__: f for f in (dense, actnorm, fixed_affine, smooth_leaky_relu, monotone_spline,
          marginal_gaussianization, coupling, sequence)} | {"masked_affine_coupling": coupling, "triangular": dense}
OTHERS = {"quantiles", "mask", "affine", "bounded_affine", "additive", "mlp"}

def known(spec):
    for kind in {spec.get("type", "mlp"), spec.get("form", "quantiles")}.difference(LAYERS, OTHERS):
        raise ValueError(f"expected a model of a table, found {kind}")
    return spec

def threefry(key, counter):  # Threefry-2x32 with 20 rounds; uint64 arrays, word 0 in the low half
    k0, k1, x, y = (v.astype(np.uint32) for v in (key, key >> 32, counter, counter >> 32))
    k, x, y = [k0, k1, k0 ^ k1 ^ 0x1BD11BDA], x + k0, y + k1
    for group in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x, y = x + y, (y << turn | y >> (32 - turn)) ^ (x + y)
        x, y = x + k[(group + 1) % 3], y + k[(group + 2) % 3] + (group + 1)
    return x.astype(np.uint64) | y.astype(np.uint64) << 32

def uniform_noise(rows, seed):  # that spreads whole numbers: in [0,1), a function of seed and row
    columns, bits = rows.shape[1], rows.astype(np.float32).view(np.uint32).astype(np.uint64)
    pairs = columns // 8 * 8  # so many columns are hashed in pairs, the others alone
    words = np.concatenate([bits[:, 0:pairs:2] | bits[:, 1:pairs:2] << 32, bits[:, pairs:]], 1)
    lanes, stream = [np.full(len(rows), lane, np.uint64) for lane in (1, 2, 3, 4)], 0
    for lane, word in zip([0, 1, 2, 3] * (pairs // 8) + [0] * columns, words.T):
        s = lanes[lane] + word * 0xC2B2AE3D27D4EB4F
        lanes[lane] = (s << 31 | s >> 33) * 0x9E3779B185EBCA87
    for lane in lanes:
        z = lane ^ stream
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9
        z = (z ^ z >> 27) * 0x94D049BB133111EB
        stream = z ^ z >> 31
    key = np.uint64([seed % 2**64])
    for counter in (np.uint64([6]), stream, np.uint64([0])):
        key = threefry(key, counter)
    blocks = threefry(key[:, None], np.arange((columns + 1) // 2, dtype=np.uint64))
    return np.concatenate([blocks << 32 >> 40, blocks >> 40], 1)[:, :columns] * 2.0**-24

class FlowDensity:
    """Used as scikit-learn's; a data frame's columns are found by name, an array's by place."""
    def __init__(self, path):
        path = pathlib.Path(path)
        data = (path / "model.safetensors" if path.is_dir() else path).read_bytes()
        try:
            start = 8 + int.from_bytes(data[:8], "little")
            self.weights = json.loads(data[8:start])
            about = self.weights.pop("__metadata__")
            if (about["format"], about["preprocessing_levels"]) != ("ebflow-1", "0"):
                raise ValueError("expected format ebflow-1 and a table, found pixels or another format")
            for name, t in self.weights.items():
                begin, end = (start + offset for offset in t["data_offsets"])
                block = np.frombuffer(data[begin:end], {"F32": "<f4", "F64": "<f8"}[t["dtype"]])
                self.weights[name] = block.reshape(t["shape"]).astype(float)
                if not np.isfinite(block).all():
                    raise ValueError(f"expected finite weights, found others in {name}")
            first, layers = (json.loads(about[key], object_hook=known) for key in ("preprocessing", "layers"))
            kinds = ("preprocessing.", first, "float64"), ("", layers, about["precision"].lower())
            self.parts = [(at, {"layers": of, "dtype": dtype}) for at, of, dtype in kinds]
            self.names, self.places = map(json.loads(about["data"]).get, ("columns", "places"))
            whole, self.seed = json.loads(about.get("preprocessing_whole_columns", "[]")), int(about["seed"])
            self.spread = np.isin(np.arange(int(about["dimension"])), whole)
            self._log_prob(np.zeros((1, len(self.spread))))  # meets whatever is missing
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"not the whole model of a table: {error}") from None

    def score_samples(self, X):
        """log p of every row, in nats."""
        X = np.asarray(X[self.names] if self.names and hasattr(X, "columns") else X, float)
        if self.places and self.spread.shape != X.shape[1:] == (self.places["width"],):
            X = X[:, self.places["places"]]
        if X.shape[1:] != self.spread.shape:
            raise ValueError(f"expected rows [*,{len(self.spread)}], found {list(X.shape)}")
        for row, column in np.argwhere(~np.isfinite(X))[:1]:
            raise ValueError(f"row {row + 1}, column {column + 1}: expected a number, found {X[row, column]}")
        return np.concatenate([self._log_prob(X[i : i + 4096]) for i in range(0, len(X) or 1, 4096)])

    def score(self, X, y=None):
        """Mean log p, in nats a row."""
        return float(np.mean(self.score_samples(X)))

    def read(self, path):
        """The model's columns of a .npy or .csv table: by name where it knows names, else all."""
        if path.endswith(".npy"):
            return np.load(path)
        options = dict(delimiter=",", quotechar='"', comments=None, ndmin=2, encoding="utf-8-sig")
        first = [cell.strip() for row in np.loadtxt(path, str, **options)[:1] for cell in row]
        for name in self.names:
            if first.count(name) != 1:
                raise ValueError(f"expected one column {name}, found {', '.join(first)}")
        cells = [first.index(name) for name in self.names] or None
        return np.loadtxt(path, usecols=cells, skiprows=1 if cells else 0, **options)

    def _log_prob(self, x):
        with np.errstate(all="ignore"):  # what overflows has density zero
            x, log_prob = x + self.spread * uniform_noise(x, self.seed), 0
            for at, spec in self.parts:
                x, log_det = sequence(x.astype(spec["dtype"]).astype(float), spec, self.weights, at)
                log_prob = log_prob + log_det
            log_prob = log_prob - 0.5 * (x**2 + np.log(2 * np.pi)).sum(1)
        return np.where(np.isfinite(log_prob), log_prob, -np.inf)

if __name__ == "__main__":
    try:
        if len(sys.argv) != 3:
            raise ValueError(f"expected a run and a table, found {len(sys.argv) - 1} argument(s)")
        scores = (model := FlowDensity(sys.argv[1])).score_samples(model.read(sys.argv[2]))
        print("id,log_prob", *(f"{i},{p}" for i, p in enumerate(scores, 1)), sep="\n")
    except (OSError, ValueError) as error:
        print(f"{' '.join(sys.argv[1:] or sys.argv)}: {error}", file=sys.stderr)
        sys.exit(2)
