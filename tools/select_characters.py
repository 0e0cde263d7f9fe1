"""Chooses the characters of `innerloop.sources.Characters` and writes them to characters.json.

Takes every letter of the splits' scripts that two fonts have, and drops each one that in any font looks like
a letter kept before it in any font: first the test scripts choose, then validation, then training. Pictures
are compared as they are and at a quarter of their resolution, since the distortion hides finer differences.

    python tools/select_characters.py [--dry-run]
"""

from __future__ import annotations

import argparse
import json
import unicodedata
from pathlib import Path

import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.ft2font import FT2Font

from innerloop.sources import _glyphs

LIMIT = 0.95
"""Two characters are one if any pair of their clean pictures correlates above this."""

# Scripts by the first word of their letters' names. Those with common shapes are all in training.
SPLITS = {
    "test": {"Georgian": "GEORGIAN", "Arabic": "ARABIC", "Armenian": "ARMENIAN", "N'Ko": "NKO"},
    "validation": {"Tifinagh": "TIFINAGH", "Lao": "LAO", "Hebrew": "HEBREW", "Ogham": "OGHAM"},
    "train": {
        "Latin": "LATIN",
        "Greek": "GREEK",
        "Cyrillic": "CYRILLIC",
        "Coptic": "COPTIC",
        "Old Italic": "OLD",
        "Lisu": "LISU",
        "Canadian syllabics": "CANADIAN",
    },
}


def candidates() -> dict[str, list[int]]:
    """Letters that at least two fonts have, by the first word of their names.

    Letters that are composed of others are left out, and so are modifiers (a bare stroke, an apostrophe).
    """
    counts: dict[int, int] = {}
    for path in _glyphs.font_files():
        for code in FT2Font(str(path)).get_charmap():
            counts[code] = counts.get(code, 0) + 1
    found: dict[str, list[int]] = {}
    for code in sorted(code for code, count in counts.items() if count >= 2):
        letter = chr(code)
        if unicodedata.category(letter) in ("Lu", "Ll", "Lt", "Lo") and not unicodedata.decomposition(letter):
            found.setdefault(unicodedata.name(letter, "?").split()[0], []).append(code)
    return found


def distinct(codes: list[int]) -> list[int]:
    """Drops every code point that looks like one kept before it."""
    drawn = [entry for path in _glyphs.font_files() for entry in _glyphs.renders(path, codes)]
    drawn.sort(key=lambda entry: entry[0])
    counts = torch.bincount(torch.tensor([position for position, _ in drawn]), minlength=len(codes)).tolist()
    pictures = torch.from_numpy(np.stack([picture for _, picture in drawn])).float()
    views = [standardised(pictures), standardised(F.avg_pool2d(pictures, 4))]
    seen = [torch.empty_like(view) for view in views]
    kept, filled, start = [], 0, 0
    for code, count in zip(codes, counts, strict=True):
        own = [view[start : start + count] for view in views]
        start += count
        if filled and max(float((a @ b[:filled].T).max()) for a, b in zip(own, seen, strict=True)) > LIMIT:
            continue
        kept.append(code)
        for a, b in zip(own, seen, strict=True):
            b[filled : filled + count] = a
        filled += count
    return kept


def standardised(pictures: torch.Tensor) -> torch.Tensor:
    """Rows whose inner products are correlations."""
    rows = pictures.flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    return rows / rows.norm(dim=1, keepdim=True)


def main() -> None:
    """Chooses, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="print the numbers and write nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = candidates()
    everything = [code for scripts in SPLITS.values() for word in scripts.values() for code in found[word]]
    kept = set(distinct(everything))
    splits = {
        split: {
            script: [code for code in found[word] if code in kept] for script, word in sorted(SPLITS[split].items())
        }
        for split in ("train", "validation", "test")
    }
    for split, scripts in splits.items():
        sizes = ", ".join(f"{script} {len(codes)}" for script, codes in scripts.items())
        print(f"{split}: {sum(map(len, scripts.values()))} ({sizes})")
    content = {
        "made_by": "tools/select_characters.py",
        "matplotlib": matplotlib.__version__,
        "fonts": {path.name: _glyphs.digest(path) for path in _glyphs.font_files()},
        "splits": splits,
    }
    if not arguments.dry_run:
        path = Path(_glyphs.__file__).with_name("characters.json")
        text = json.dumps(content, indent=1)
        # one line for the code points of a script
        for scripts in splits.values():
            for codes in scripts.values():
                text = text.replace(json.dumps(codes, indent=1).replace("\n", "\n   "), json.dumps(codes))
        path.write_text(text + "\n")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
