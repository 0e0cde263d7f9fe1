"""What a page says in words."""

from helpers.evaluations import row
from innerloop.cli._pages import table_of
from innerloop.cli._ranges import compared
from innerloop.report import Row


def test_no_sentence_twice():
    # the runner-up is the run itself, and the better of what was meta-learned
    rows = [
        Row(row("MAML", 0.7), "gradient", highlight=True),
        Row(row("Fine-tuned", 0.8), "transfer"),
        Row(row("Trivial", 0.2), "trivial"),
    ]
    found = compared(rows)
    said = table_of("t", rows[0].evaluation, rows, found).verdicts
    assert said == [found.verdict("Fine-tuned", "MAML")]
