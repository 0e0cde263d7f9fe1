"""Moving pictures, inside of the page."""

from __future__ import annotations

import base64
import io

from PIL import Image

from innerloop.report._html import Html, join, tag
from innerloop.report._page import Film


def show_films(films: list[Film]) -> Html:
    """A figure for each film, in its own size or as wide as there is room."""
    return tag("section", *map(_film, films), class_="films") if films else join()


def _film(film: Film) -> Html:
    with Image.open(io.BytesIO(film.gif)) as first:
        width, height = first.size
    uri = "data:image/gif;base64," + base64.b64encode(film.gif).decode()
    shown = tag("img", src=uri, alt=f"{film.title}. {film.caption}", width=str(width), height=str(height))
    return tag("figure", tag("h2", film.title), shown, tag("figcaption", film.caption), class_="film")
