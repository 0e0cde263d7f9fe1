"""Small data on disk, and runs trained on them by the command."""

import csv
import random
from pathlib import Path

import numpy as np
from PIL import Image

from innerloop.catalogue import is_own
from innerloop.cli import main
from innerloop.recipes._unread import function_of, parameters_of

PICTURE_OPTIONS = [
    "--ways", "2", "--queries", "2", "--train-queries", "2", "--size", "16", "--filters", "4", "--inner-steps", "1",
    "--test-steps", "2", "--steps", "4", "--tasks-per-step", "2", "--validation-tasks", "4", "--test-tasks", "6",
    "--curve-steps", "2", "--threads", "1", "--quiet",
]  # fmt: skip
TABLE_OPTIONS = [
    "--task", "plant", "--target", "height", "--shots", "3", "--queries", "4", "--train-queries", "4", "--hidden", "8",
    "--inner-steps", "1", "--test-steps", "2", "--steps", "6", "--tasks-per-step", "2", "--validation-tasks", "4",
    "--test-tasks", "6", "--curve-steps", "2", "--threads", "1", "--quiet",
]  # fmt: skip
SINUSOID_OPTIONS = [
    "--steps", "8", "--tasks-per-step", "2", "--hidden", "6", "--validation-tasks", "4", "--test-tasks", "6",
    "--curve-steps", "2", "--threads", "1", "--quiet",
]  # fmt: skip


def write_picture(path: Path, brightness: int, seed: int, size: int = 18) -> Path:
    """A noisy square of one brightness."""
    noise = np.random.default_rng(seed).integers(-20, 20, (size, size, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.full((size, size, 3), brightness) + noise).clip(0, 255).astype(np.uint8)).save(path)
    return path


def write_pictures(root: Path, classes: int = 12, each: int = 4, start: int = 0) -> Path:
    """A folder per class; classes differ in brightness."""
    for k in range(classes):
        for i in range(each):
            write_picture(root / f"class {start + k}" / f"{i}.png", 20 + (200 * k) // classes, 100 * k + i)
    return root


def write_table(path: Path, plants: int = 12, rows: int = 9) -> Path:
    """`height` grows with `light` and `water`, at another rate for each plant."""
    draw = random.Random(0)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["plant", "light", "water", "height"])
        for plant in range(plants):
            rate = draw.uniform(50, 150)
            for _ in range(rows):
                light, water = draw.uniform(0, 10), draw.uniform(0, 1)
                writer.writerow(
                    [f"plant {plant}", round(light, 3), round(water, 3), round(rate * light + 30 * water, 3)]
                )
    return path


TEXT_OPTIONS = [
    "--ways", "2", "--shots", "2", "--queries", "2", "--train-queries", "2", "--dimensions", "64", "--hidden", "8",
    "--inner-steps", "1", "--test-steps", "2", "--steps", "6", "--tasks-per-step", "2", "--validation-tasks", "4",
    "--validate-every", "3", "--test-tasks", "6", "--curve-steps", "2", "--threads", "1", "--quiet",
]  # fmt: skip


def write_texts(path: Path, classes: int = 12, each: int = 6) -> Path:
    """Requests to do something with something; the verb is the class."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for k in range(classes):
            writer.writerows([f"please verb{k} the thing number {i}", f"verb{k}"] for i in range(each))
    return path


def train(recipe: str, folder: Path, *options: str) -> Path:
    """Trains a small run in this process; gives its folder."""
    own = {"folder": PICTURE_OPTIONS, "table": TABLE_OPTIONS, "sinusoids": SINUSOID_OPTIONS, "text": TEXT_OPTIONS}
    own = read_by(method_of(options), own.get(recipe, SINUSOID_OPTIONS))
    assert main(["train", recipe, "--run", str(folder), *own, *options]) == 0
    return folder


def method_of(options: tuple[str, ...]) -> str:
    """The method that options name."""
    return options[options.index("--method") + 1] if "--method" in options else "maml"


def read_by(method: str, options: list[str]) -> list[str]:
    """The options without those of an inner loop that the method does not read: they would be refused."""
    if is_own(method):
        return options
    reads = parameters_of(function_of(method, classes=True))
    unread = [f"--{name.replace('_', '-')}" for name in ("inner_steps", "test_steps") if name not in reads]
    at = [options.index(name) for name in unread if name in options]
    return [option for place, option in enumerate(options) if place not in at and place - 1 not in at]
