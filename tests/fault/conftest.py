"""Says at the end how many faults were injected, by test and operation."""

from __future__ import annotations

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what the tests recorded, on whatever worker they ran."""
    counts = {
        report.nodeid.split("::")[1]: count
        for report in terminalreporter.stats.get("passed", [])
        for name, count in report.user_properties
        if name == "faults"
    }
    if counts:
        terminalreporter.section("faults injected")
        for test, count in sorted(counts.items()):
            terminalreporter.write_line(f"{count:>6}  {test}")
        terminalreporter.write_line(f"{sum(counts.values()):>6}  in all")
