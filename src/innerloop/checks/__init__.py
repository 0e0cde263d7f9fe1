"""Whether a module of your own can be meta-trained, found out by running it."""

from innerloop.checks._check import check
from innerloop.checks._report import Finding, Report

__all__ = ["Finding", "Report", "check"]
