import base64
import io
import re

import numpy as np
from PIL import Image

from innerloop.report import Film, Page, render


def a_gif(width=8, height=4):
    content = io.BytesIO()
    frames = [Image.fromarray(np.full((height, width, 3), shade, np.uint8)) for shade in (0, 200)]
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    return content.getvalue()


def test_a_film_is_inside_of_the_page_with_its_size_and_words():
    page = render(Page("MAML", films=[Film("What it does", "Before & after.", a_gif())]))
    found = re.search(r'<img src="data:image/gif;base64,([^"]+)" alt="([^"]+)" width="8" height="4">', page)
    assert base64.b64decode(found[1]) == a_gif()
    assert found[2] == "What it does. Before &amp; after."
    assert "<figcaption>Before &amp; after.</figcaption>" in page


def test_a_page_without_films_has_no_place_for_them():
    assert "film" not in render(Page("MAML")).partition("</style>")[2]
