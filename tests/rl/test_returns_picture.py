from _returns_picture import picture


def row(method, seed, *means):
    course = [[1e6 * (k + 1), -90.0, mean, 1.0] for k, mean in enumerate(means)]
    return {"cell": ["cheetah", method, seed], "course": course, "course_still": -95.0}


def test_the_picture_has_the_first_seed_of_each_method_and_who_stands_still(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    drawn, levels = {}, []
    plot, level = Axes.plot, Axes.axhline

    def spy(self, x, y, *more, label, **looks):
        drawn[label] = (x, y)
        return plot(self, x, y, *more, label=label, **looks)

    def spy_level(self, y, **looks):
        levels.append(y)
        return level(self, y, **looks)

    monkeypatch.setattr(Axes, "plot", spy)
    monkeypatch.setattr(Axes, "axhline", spy_level)
    path = tmp_path / "images" / "returns.png"
    picture([row("promp", 1, -1.0, -1.0), row("promp", 0, -80.0, -60.0), row("pooled", 0, -85.0, -70.0)], path)
    assert drawn["ProMP, after one round"] == ([1.0, 2.0], [-80.0, -60.0])
    assert drawn["pooled pretraining, before"] == ([1.0, 2.0], [-90.0, -90.0])
    assert levels == [-95.0]
    assert [each.name for each in path.parent.iterdir()] == [path.name]
