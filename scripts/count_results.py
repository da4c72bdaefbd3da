#!/usr/bin/env python3
"""Counts test cases: count_results.py TREE... reads ctest.xml and results/*.xml of each build tree.

A test program that left results/NAME.xml counts with its cases, another one as a single case. A program that failed
although all its cases passed (it crashed, it timed out, it leaked) counts as one failure more. A tree without results
counts as one failure. Prints `N passed, N failed, N skipped`; the exit status is 1 when anything failed.
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def cases_of(report):
    """(passed, failed, skipped) of a GoogleTest report; nothing when it is missing or cut short."""
    try:
        cases = list(xml.parse(report).getroot().iter("testcase"))
    except (OSError, xml.ParseError):
        return None
    failed = sum(1 for case in cases if case.find("failure") is not None)
    skipped = sum(1 for case in cases if case.get("status") == "notrun" or case.find("skipped") is not None)
    return len(cases) - failed - skipped, failed, skipped


def count_program(test, results):
    status = test.get("status")
    cases = cases_of(results / (test.get("name") + ".xml"))
    if status == "run":
        return cases or (1, 0, 0)
    if status == "fail":
        passed, failed, skipped = cases or (0, 0, 0)
        return passed, failed or 1, skipped
    return 0, 0, 1


def count_tree(tree):
    try:
        tests = xml.parse(tree / "ctest.xml").getroot().iter("testcase")
    except (OSError, xml.ParseError):
        print(f"{tree}: not built or not run")
        return [(0, 1, 0)]
    counts = [(test.get("name"), count_program(test, tree / "results")) for test in tests]
    for name, (_, failed, skipped) in counts:
        if failed or skipped:
            print(f"{tree.name}: {name}: {failed} failed, {skipped} skipped")
    return [count for _, count in counts]


def main(trees):
    counts = [count for tree in trees for count in count_tree(Path(tree))]
    passed, failed, skipped = (sum(column) for column in zip(*counts))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
