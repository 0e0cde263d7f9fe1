import dataclasses
import math
import re

import numpy as np
import pytest

from innerloop.evaluation import Difference, Interval
from innerloop.report import InfluenceView, Page, Weighed, render
from report.fake_explanation import LAYERS, explanation, influence_views

TITLES = (
    "How far each layer moves", "Which layers have to adapt", "Which representations change",
    "The inner rates that were learned", "Does it read the support set?", "How many steps are too many?",
    "Is its confidence right, step by step?", "What one example is worth", "Do gradients point the same way?",
)  # fmt: skip


def page(**changes):
    return Page("t", explanation=explanation(**changes), influences=influence_views())


def test_every_finding_is_a_chart_with_its_sentences():
    html = render(page())
    for title in TITLES:
        assert html.count(f"<h3>{title}</h3>") == 1
    text = re.sub(r"<[^>]+>", " ", html)
    for sentence in explanation().sentences:
        assert sentence in text


def test_dots_lie_where_the_numbers_are():
    html = render(page())
    drawing = html[html.index("Which representations change") :]
    drawing = drawing[: drawing.index("</figure>")]
    places = [float(x) for x in re.findall(r'<circle class="dot s0" cx="([\d.]+)%"', drawing)]
    values = [layer.cka.mean for layer in explanation().similarity.layers]
    assert places == pytest.approx([100 * v for v in values], abs=0.02)


def test_what_is_not_defined_is_left_out_with_its_reason():
    none = dict.fromkeys(("movement", "freezing", "similarity", "learned_rates", "over_adaptation", "alignment"))
    html = render(page(**none, undefined={"movement": "Prototypes takes no gradient steps: nothing moves."}))
    assert [title for title in TITLES if title in html] == [
        "Does it read the support set?", "Is its confidence right, step by step?", "What one example is worth",
    ]  # fmt: skip
    assert "Movement: Prototypes takes no gradient steps: nothing moves." in html
    assert "Not defined for this learner" in html
    assert "Not defined" not in render(page())
    assert "What adaptation changes" not in render(Page("t"))


def test_help_and_harm_do_not_depend_on_colour():
    picture = np.eye(4)
    view = InfluenceView("Task 3", [[Weighed(picture, 0.25)], [Weighed(picture, -0.031)]], ["fox", "owl"])
    html = render(Page("t", explanation=explanation(), influences=[view]))
    assert "example of A, fox: helps, +0.25" in html
    assert "example of B, owl: harms, -0.031" in html
    assert ">+.250<" in html
    assert ">\N{MINUS SIGN}.031<" in html
    assert html.count('class="sure"><i style="width:100%"') == 1


def test_numbers_that_are_no_numbers_do_not_stop_the_page():
    none, unknown = Interval(math.nan, math.nan), Difference(math.nan, math.nan, math.nan)
    fine = explanation()
    movement = dataclasses.replace(
        fine.movement,
        layers=[dataclasses.replace(layer, relative=[none] * 3) for layer in fine.movement.layers],
        body=none, head=none, difference=unknown,
    )  # fmt: skip
    freezing = dataclasses.replace(
        fine.freezing, everything=none, nothing=none, gain=unknown,
        layers=[dataclasses.replace(layer, frozen=none, only=none, frozen_difference=unknown, only_difference=unknown)
                for layer in fine.freezing.layers],
    )  # fmt: skip
    similarity = dataclasses.replace(
        fine.similarity, layers=[dataclasses.replace(each, cka=none) for each in fine.similarity.layers]
    )
    course = dataclasses.replace(
        fine.over_adaptation, curve=[none] * 11, losses=[none] * 11, change=unknown
    )  # fmt: skip
    memorisation = dataclasses.replace(
        fine.memorisation, right=none, shuffled=none, swapped=none, shuffled_difference=unknown,
        swapped_difference=unknown,
    )  # fmt: skip
    calibration = dataclasses.replace(
        fine.calibration, states=[dataclasses.replace(s, error=math.nan, brier=none) for s in fine.calibration.states]
    )
    alignment = dataclasses.replace(fine.alignment, within=none, across=none, second_order=none)
    html = render(page(
        movement=movement, freezing=freezing, similarity=similarity, over_adaptation=course,
        memorisation=memorisation, calibration=calibration, alignment=alignment,
    ))  # fmt: skip
    assert "nan" not in re.sub(r"base64,[\w+/=]+", "", html)


def test_one_task_intervals_and_equal_influences():
    lonely = Interval(0.4, math.inf)
    fine = explanation()
    same = [dataclasses.replace(task, changes=[0.0] * 25) for task in fine.influence.examples]
    html = render(page(
        alignment=dataclasses.replace(fine.alignment, within=lonely, across=lonely),
        influence=dataclasses.replace(fine.influence, examples=same),
    ))  # fmt: skip
    assert "inf" not in re.findall(r'="([^"]*)"', html)


def test_a_network_of_many_layers_is_shortened():
    names = tuple(f"block.{k}" for k in range(60))
    fine = explanation()
    layers = [dataclasses.replace(fine.movement.layers[0], name=name) for name in names]
    html = render(page(movement=dataclasses.replace(fine.movement, layers=layers)))
    drawing = html[html.index("How far each layer moves") :]
    drawing = drawing[: drawing.index("</figure>")]
    assert "37 more" in drawing
    assert drawing.count('class="strong"') == 24
    assert "block.59" in drawing
    assert len(LAYERS) == 5
