"""plot_test.py <plot.py> <plot_results.json>: what is drawn of fixed results, and what is refused."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

PLOT, RESULTS = sys.argv[1:3]
SVG = "{http://www.w3.org/2000/svg}"


def run(*arguments):
    return subprocess.run([sys.executable, PLOT, *arguments], capture_output=True, text=True, check=False)


class PlotTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def drawn(self, name):
        result = run(RESULTS, os.path.join(self.folder.name, "images"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return xml.parse(os.path.join(self.folder.name, "images", name)).getroot()

    def points(self, root, series):
        """Of one series, as (x, y) from the left and from the bottom."""
        return [(float(c.get("cx")), 310 - float(c.get("cy")))
                for c in root.iter(SVG + "circle") if c.get("class") == f"s{series}"]

    def texts(self, root):
        return [text.text for text in root.iter(SVG + "text")]

    def test_latency(self):
        root = self.drawn("latency.svg")
        self.assertEqual([len(self.points(root, i)) for i in range(3)], [3, 2, 2])
        # 10 is the axis's left end, 100,000 its right one; 250 ns its top of 260 units.
        self.assertEqual([x for x, _ in self.points(root, 1)], [70.0, 560.0])
        self.assertAlmostEqual(self.points(root, 0)[2][1], 200 / 250 * 260, delta=0.1)
        for text in ("10", "100,000", "250", "globs (W5)", "rules or tools"):
            self.assertIn(text, self.texts(root))
        self.assertIn("A machine <& co>, 4 processors; GCC 12.2.0, Release; commit abc1234", self.texts(root))
        self.assertIn("prefers-color-scheme: dark", root.find(SVG + "style").text)

    def test_throughput(self):
        root = self.drawn("throughput.svg")
        ys = [y for _, y in self.points(root, 0)]
        self.assertAlmostEqual(ys[1] / ys[0], 2, delta=0.02)
        self.assertAlmostEqual(ys[2] / ys[0], 4, delta=0.02)
        self.assertIn("map under a mutex", self.texts(root))

    def refused(self, change, expected):
        with open(RESULTS, encoding="utf-8") as file:
            results = json.load(file)
        change(results)
        path = os.path.join(self.folder.name, "results.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file)
        result = run(path, self.folder.name)
        self.assertEqual(result.returncode, 2)
        self.assertIn(expected, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertEqual(os.listdir(self.folder.name), ["results.json"])

    def test_refusals(self):
        self.refused(lambda r: r.pop("commit"), "no 'commit'")
        self.refused(lambda r: r.pop("results"), "no 'results'")
        self.refused(lambda r: r.update(results=r["results"][:7]), "W7/seed_uniform")

    def test_usage(self):
        self.assertEqual(run().returncode, 2)
        result = run(os.path.join(self.folder.name, "missing.json"), self.folder.name)
        self.assertEqual(result.returncode, 2)
        self.assertIn("missing.json", result.stderr)


unittest.main(argv=sys.argv[:1])
