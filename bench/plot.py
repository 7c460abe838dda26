#!/usr/bin/env python3
"""Draws latency by policy size (W4, W5) and throughput by threads (W7) as SVG, from `bench/run.sh --json`.

Usage: bench/plot.py RESULTS.json FOLDER

Needs Python's standard library only. Colours are for light and dark backgrounds, whichever the reader has.
"""

import json
import math
import os
import re
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 50, 90

STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #24292f; }
    .title { font-size: 15px; font-weight: 600; }
    .caption { font-size: 11px; }
    .axis { stroke: #6e7781; fill: none; }
    .grid { stroke: #6e7781; stroke-opacity: 0.25; }
    .s0 { stroke: #0969da; fill: #0969da; } .s1 { stroke: #bc4c00; fill: #bc4c00; }
    .s2 { stroke: #1a7f37; fill: #1a7f37; } .s3 { stroke: #8250df; fill: #8250df; }
    .line { fill: none; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .s0 { stroke: #58a6ff; fill: #58a6ff; } .s1 { stroke: #f0883e; fill: #f0883e; }
      .s2 { stroke: #3fb950; fill: #3fb950; } .s3 { stroke: #bc8cff; fill: #bc8cff; }
    }
"""


class Failure(Exception):
    pass


def number(value):
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def step_for(top):
    """A step of 1, 2 or 5 times a power of ten that cuts `top` into four to ten parts."""
    step = 10 ** math.floor(math.log10(top / 4))
    return next(step * f for f in (1, 2, 5, 10) if top / (step * f) <= 8)


def draw(title, x_label, y_label, series, caption, log_x):
    """`series` is a list of (name, [(x, y)...])."""
    xs = sorted({x for _, points in series for x, _ in points})
    top = max(y for _, points in series for _, y in points) * 1.1
    step = step_for(top)
    top = math.ceil(top / step) * step
    scale = math.log10 if log_x else float
    low, high = scale(xs[0]), scale(xs[-1])

    def x_at(x):
        part = (scale(x) - low) / (high - low) if high > low else 0.5
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y_at(y):
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' role="img">',
        f"  <title>{escape(title)}</title>",
        f"  <desc>{escape(caption)}</desc>",
        f"  <style>{STYLE}  </style>",
        f'  <text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        f'  <text class="caption" x="{LEFT}" y="42">{escape(y_label)}</text>',
    ]
    for i in range(round(top / step) + 1):
        y = y_at(i * step)
        out.append(f'  <path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        out.append(f'  <text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(i * step)}</text>')
    last = -math.inf
    for x in xs:
        at = x_at(x)
        out.append(f'  <path class="axis" d="M{at:.1f} {HEIGHT - BOTTOM}v5"/>')
        if at - last >= 45:  # labels that would touch are left out
            out.append(f'  <text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{number(x)}</text>')
            last = at
    out.append(f'  <path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'  <text x="{middle:.1f}" y="{HEIGHT - BOTTOM + 40}" text-anchor="middle">{escape(x_label)}</text>')
    for i, (name, points) in enumerate(series):
        path = "L".join(f"{x_at(x):.1f} {y_at(y):.1f}" for x, y in sorted(points))
        out.append(f'  <path class="line s{i}" d="M{path}"/>')
        for x, y in sorted(points):
            out.append(f'  <circle class="s{i}" cx="{x_at(x):.1f}" cy="{y_at(y):.1f}" r="3.5"/>')
        key = TOP + 10 + 22 * i
        out.append(f'  <path class="line s{i}" d="M{WIDTH - RIGHT + 20} {key}h22"/>')
        out.append(f'  <text x="{WIDTH - RIGHT + 50}" y="{key + 4}">{escape(name)}</text>')
    out.append(f'  <text class="caption" x="{LEFT}" y="{HEIGHT - 14}">{escape(caption)}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def points_of(results, pattern, value):
    """Points whose x is the pattern's group, 1 where that is absent."""
    points = []
    for result in results:
        found = re.fullmatch(pattern, result["name"])
        if found:
            points.append((int(found.group(1) or 1), value(result["best_ns"])))
    if not points:
        raise Failure(f"no result is named {pattern}: was everything measured?")
    return points


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    path, folder = arguments
    try:
        with open(path, encoding="utf-8") as file:
            measured = json.load(file)
        results = measured["results"]
        caption = "{machine}; {compiler}, {build_type}; commit {commit}".format(**measured)

        def nanoseconds(ns):
            return ns

        def millions(ns):
            return 1000 / ns

        plots = {
            "latency.svg": draw(
                "A decision, by size of the policy", "rules or tools", "nanoseconds, fastest of 40 runs",
                [("rules on one path (W4)", points_of(results, r"W4/rules_(\d+)", nanoseconds)),
                 ("exact tools (W5)", points_of(results, r"W5/exact_(\d+)", nanoseconds)),
                 ("globs (W5)", points_of(results, r"W5/globs_(\d+)", nanoseconds))],
                caption, log_x=True),
            "throughput.svg": draw(
                "Decisions, by threads", "threads", "millions a second, fastest of 40 runs",
                [("one limit (W7)", points_of(results, r"W7/seed_uniform(?:/threads:(\d+))?", millions)),
                 ("three limits (W7)", points_of(results, r"W7/three_uniform(?:/threads:(\d+))?", millions)),
                 ("one hot grant (W7)", points_of(results, r"W7/seed_hot(?:/threads:(\d+))?", millions)),
                 ("map under a mutex", points_of(results, r"W7/mutex_hot(?:/threads:(\d+))?", millions))],
                caption, log_x=False),
        }
        os.makedirs(folder, exist_ok=True)
        for name, svg in plots.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(svg)
            print(os.path.join(folder, name))
    except KeyError as error:
        print(f"plot.py: {path}: no {error}; made by `bench/run.sh --json`?", file=sys.stderr)
        return 2
    except (Failure, OSError, ValueError) as error:
        print(f"plot.py: {path}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
