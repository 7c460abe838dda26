#!/usr/bin/env python3
"""check_schema.py ROOT: holds docs/policy.schema.json against the compiler, by way of the conformance set and the
examples. Every policy that compiles is accepted. Every error that the compiler must report is seen by the schema at the
same place or at the object around it, but for those that unseen.json lists with the reason, all of which must occur
(`*` stands for every error of a code). docs/editors.md names the same reasons. Needs the Python package jsonschema, 4 or
newer."""

import collections
import json
import pathlib
import sys

import jsonschema

root = pathlib.Path(sys.argv[1])
here = pathlib.Path(__file__).parent
schema = json.loads((root / "docs/policy.schema.json").read_text(encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
faults = []


def places(document):
    """The JSON Pointers at which the schema objects."""
    return {
        "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path)
        for error in validator.iter_errors(document)
    }


def accepts(name, document):
    for error in validator.iter_errors(document):
        faults.append(f"{name}: refused at {error.json_path}: {error.message[:200]}")


def policy_of(path, test):
    """The document of a test file; None when its text is no JSON."""
    if "policy" in test:
        return test["policy"]
    text = test["policy_text"] if "policy_text" in test else (path.parent / test["policy_file"]).read_text("utf-8")
    try:
        return json.loads(text)
    except ValueError:
        return None


unseen = collections.defaultdict(set)  # by code: the errors that the schema does not see, as FILE POINTER
seen = accepted = 0
for path in sorted(root.glob("tests/conformance/*.json")):
    test = json.loads(path.read_text(encoding="utf-8"))
    document = policy_of(path, test)
    errors = [d for d in test.get("expect_diagnostics", []) if d["severity"] == "error"]
    if errors and errors[0]["code"] == "invalid_json":
        continue  # no document: the editor's JSON parser sees it
    if not errors:
        accepts(path.name, document)
        accepted += 1
        continue
    found = places(document)
    for error in errors:
        pointer = error["pointer"]
        if {pointer, pointer.rpartition("/")[0]} & found:
            seen += 1
        else:
            unseen[error["code"]].add(f"{path.stem} {pointer}")
for path in sorted(root.glob("examples/attacks/*.json")) + sorted(root.glob("examples/policies/*_test.json")):
    accepts(path.name, policy_of(path, json.loads(path.read_text(encoding="utf-8"))))
    accepted += 1
for path in root.glob("examples/*/policy.json"):
    accepts(str(path), json.loads(path.read_text(encoding="utf-8")))
    accepted += 1

expected = json.loads((here / "unseen.json").read_text(encoding="utf-8"))
listed = {(code, place) for reason in expected for code, each in reason["errors"].items() for place in each}
met = {(code, "*" if (code, "*") in listed else place) for code, each in unseen.items() for place in each}
faults += [f"not seen, not listed: {code} {place}" for code, place in sorted(met - listed)]
faults += [f"listed as not seen, but is: {code} {place}" for code, place in sorted(listed - met)]
if seen == 0 or accepted == 0:
    faults.append("nothing was compared")
guide = " ".join((root / "docs/editors.md").read_text(encoding="utf-8").split())
faults += [f"docs/editors.md does not say: {reason['reason']}" for reason in expected if reason["reason"] not in guide]

print("\n".join(faults))
print(f"{accepted} policies accepted, {seen} errors seen, {len(met)} listed, {len(faults)} faults")
sys.exit(bool(faults))
