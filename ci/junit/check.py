"""Reads a JUnit file as others do: junitparser for what it says, the Jenkins junit-10 grammar for its shape.

Usage: check.py JUNIT_XML
"""

import csv
import sys
from pathlib import Path

from junitparser import JUnitXml, Skipped
from lxml import etree

HERE = Path(__file__).parent
CATALOGUE = HERE.parent.parent / "scenarios" / "gsai" / "ids.csv"


def check_shape(path: Path) -> None:
    """The document is valid once the three documented extensions are taken out."""
    document = etree.parse(str(path))
    for case in document.iter("testcase"):
        case.attrib.pop("file", None)
        case.attrib.pop("line", None)
        for properties in case.findall("properties"):
            case.remove(properties)
    schema = etree.XMLSchema(etree.parse(str(HERE / "junit-10.xsd")))
    schema.assertValid(document)


def check_words(path: Path) -> None:
    """Every catalogue id is there and passed, with its billing case beside it."""
    report = JUnitXml.fromfile(str(path))
    cases = {case.name: case for suite in report for case in suite}
    with CATALOGUE.open(encoding="utf-8") as file:
        wanted = [row["id"] for row in csv.DictReader(file)]
    missing = [name for id in wanted for name in (id, f"{id}[billing]") if name not in cases]
    assert not missing, f"not in the report: {missing}"
    bad = [name for name, case in cases.items() if case.result and not isinstance(case.result[0], Skipped)]
    assert not bad, f"not passed: {bad}"
    for name, case in cases.items():
        properties = {property.name for property in case.child_elements_properties()} if hasattr(
            case, "child_elements_properties"
        ) else {property.get("name") for property in case._elem.iter("property")}
        absent = {"contract", "level", "requirement", "attempt"} - properties
        assert not absent, f"{name} lacks the properties {absent}"
        assert case._elem.get("file") and case._elem.get("line"), f"{name} does not say where it is written"
    assert report.tests == len(cases), f"{report.tests} counted, {len(cases)} found"
    print(f"{len(cases)} cases in {len(list(report))} suites, {len(wanted)} catalogue ids")


def main() -> None:
    path = Path(sys.argv[1])
    check_shape(path)
    check_words(path)


if __name__ == "__main__":
    main()
