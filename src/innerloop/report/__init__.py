"""The page of a run: one HTML file that needs nothing else, neither scripts nor a network."""

from innerloop.report._course import Learning
from innerloop.report._page import (
    Course,
    Film,
    Fit,
    InfluenceView,
    Page,
    Picture,
    Range,
    Row,
    Shown,
    Table,
    TaskView,
    Weighed,
)
from innerloop.report._returns import Earnings
from innerloop.report._write import render, write_page

__all__ = [
    "Course",
    "Earnings",
    "Film",
    "Fit",
    "InfluenceView",
    "Learning",
    "Page",
    "Picture",
    "Range",
    "Row",
    "Shown",
    "Table",
    "TaskView",
    "Weighed",
    "render",
    "write_page",
]
