"""Arrows between the rooms of the house point down (docs/design.md)."""

import ast
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import innerloop

ROOT = Path(innerloop.__file__).parent
CORE = {"demands", "errors", "sound", "task", "ways"}
LEARNING = CORE | {"losses", "mapping", "modules", "networks", "learner", "network_learner"}
FAMILIES = {"gradient", "memory", "metric", "transfer"}
EVERYTHING = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

# room: the rooms that it may know
KNOWS = {
    "errors": set(),
    "demands": {"errors"},
    "files": {"errors"},
    "counter": {"errors"},
    "catalogue": set(),
    "citations": {"catalogue"},
    "own": {"errors"},
    "extras": {"errors"},
    "simulators": {"errors", "extras"},
    "workers": {"errors"},
    "actors": {"demands", "errors", "simulators"},
    "kernels": {"errors"},
    "task": {"errors"},
    "sound": {"errors", "task"},
    "ways": {"errors", "task"},
    "losses": CORE,
    "networks": CORE | {"catalogue"},
    "mapping": CORE,
    "modules": set(),
    "user_settings": {"errors", "demands"},
    "learner": CORE | {"losses", "mapping", "modules", "networks"},
    "network_learner": LEARNING - {"network_learner"},
    "checks": CORE | {"mapping", "networks"},
    "gradient": LEARNING,
    "metric": LEARNING,
    "memory": LEARNING,
    "transfer": LEARNING | {"gradient", "kernels", "metric"},
    "methods": LEARNING | FAMILIES | {"catalogue"},
    "adapted": LEARNING | {"methods", "files"},
    "sources": CORE | {"counter", "kernels"},
    "outer": LEARNING | {"counter", "files", "evaluation"},
    "evaluation": LEARNING,
    "rl": LEARNING
    | {"gradient", "counter", "files", "sources", "outer", "evaluation", "simulators", "workers", "actors"},
    "explain": LEARNING | {"gradient", "methods", "counter", "evaluation"},
    "control": LEARNING | {"counter", "files", "evaluation", "sources", "simulators", "workers"},
    "recommend": LEARNING
    | {"counter", "extras", "files", "evaluation", "sources", "gradient", "outer", "user_settings"},
}
# nobody knows an application except what is run from the command line
APPLICATIONS = {"control", "recommend", "rl"}
# these stand on top and may know everything, except that nobody knows the command, and it alone the benchmark
TOP = {"report", "recipes", "bench", "__init__", "cli", "__main__"}
# Learner.adapted(x, y) is a convenience at the bottom for a thing further up, imported when it is called
LAZY_UPWARDS = {("learner", "adapted")}


def files():
    return sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    """(room, line) of everything of the package that a file imports: at the top, in functions, relatively."""
    package = ["innerloop", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            # `from innerloop import task` names the room in the last place
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            head, _, rest = name.partition(".")
            if head == "innerloop" and rest:
                yield rest.partition(".")[0], node.lineno


def test_imports_are_seen_wherever_they_are(tmp_path):
    source = (
        "import innerloop.task\n"
        "from innerloop import counter\n"
        "from innerloop.errors import DataError\n"
        "from . import _x\n"
        "from ..mapping import Mapping\n"
        "def f():\n    from innerloop.cli import main\n"
        "import torch\n"
    )
    path = ROOT / "gradient" / "_never_written.py"

    class Fake:
        def relative_to(self, root):
            return path.relative_to(root)

        def read_text(self):
            return source

    assert [name for name, _ in imports(Fake())] == [
        "task",
        "counter",
        "errors",
        "gradient",
        "mapping",
        "cli",
    ]


def test_every_room_has_its_row():
    assert {room(path) for path in files()} <= KNOWS.keys() | TOP


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_down(path):
    here = room(path)
    allowed = (KNOWS.get(here, EVERYTHING) - {"cli", "bench"}) | {here}
    if here not in {"recipes", "cli"}:
        allowed -= APPLICATIONS - {here}
    if here in {"cli", "__main__"}:
        allowed |= {"cli", "bench"}
    wrong = [
        f"line {line}: {here} may not know {other}"
        for other, line in imports(path)
        if other not in allowed and other in EVERYTHING and (here, other) not in LAZY_UPWARDS
    ]
    assert not wrong


def test_arrows_make_no_circle():
    seen = set()

    def visit(name, path):
        assert name not in path, f"{' -> '.join([*path, name])}"
        if name not in seen:
            for other in KNOWS[name]:
                visit(other, [*path, name])
            seen.add(name)

    for name in KNOWS:
        visit(name, [])


def packages():
    names = ["innerloop", *(f"innerloop.{m.name}" for m in pkgutil.iter_modules([str(ROOT)]) if m.ispkg)]
    return [importlib.import_module(name) for name in names]


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.__name__)
def test_no_module_bears_the_name_of_a_public_function(package):
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    for name in getattr(package, "__all__", []):
        assert name not in modules or isinstance(getattr(package, name), ModuleType)


def test_public_names_exist():
    for package in packages():
        for name in getattr(package, "__all__", []):
            assert getattr(package, name) is not None
