"""The rule over AUROCs, a line per score and a column per table: python3 rule.py spread.tsv

Of each score: what it lacks in total; how much less that is than log p's; the same without the table of largest gain;
tables within .005 of the best of four; tables where it is lower than log p by more than .01.
"""
import sys
FOUR = ("isolation forest", "LOF", "Gaussian", "mixture")
(_, *tables), *rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
figures = {name: dict(zip(tables, map(float, cells))) for name, *cells in rows}
best = {t: max(figures[name][t] for name in FOUR) for t in tables}
counted = [t for t in tables if best[t] >= 0.65]
print(len(counted), "tables:", *counted)
print("lacks\tgain\twithout best\treached\tworse\tscore")
judged = []
for score, of in figures.items():
    lacks = [max(0, best[t] - of[t]) for t in counted]
    gains = [max(0, best[t] - figures["-log p"][t]) - lack for t, lack in zip(counted, lacks)]
    reached = sum(of[t] > best[t] - 0.0051 for t in counted)
    worse = sum(of[t] < figures["-log p"][t] - 0.0101 for t in counted)
    judged.append((sum(lacks), sum(gains), sum(gains) - max(gains), reached, worse, score))
for row in sorted(judged):
    print(*(f"{v:.3f}" for v in row[:3]), *row[3:], sep="\t")
