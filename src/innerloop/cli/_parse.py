"""Command lines to frozen dataclasses, with one line said about a mistake."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Sequence
from typing import Any, TypeVar, get_origin, get_type_hints

from innerloop.errors import InnerloopError, closest
from innerloop.recipes._types import reads, words

T = TypeVar("T")
R = TypeVar("R")


class UsageError(InnerloopError):
    """A command line that cannot be understood."""


def parse(kind: type[T], arguments: Sequence[str], program: str, description: str, default: Any = None) -> T:
    """An instance of the dataclass `kind` from command-line arguments.

    Raises:
        UsageError: with one line on the first mistake.
        SystemExit: with code 0 after `--help`.
    """
    import tyro

    said = io.StringIO()
    given = {} if default is None else {"default": default}
    try:
        with contextlib.redirect_stderr(said):
            found: T = tyro.cli(
                kind,
                args=list(arguments),
                prog=program,
                description=description,
                config=(tyro.conf.OmitArgPrefixes,),
                **given,
            )
            return found
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise UsageError(
            f"{_mistake(kind, arguments) or _first_words(said.getvalue())} See `{program} --help`."
        ) from None


def joined(*kinds: type, hidden: Sequence[str] = ()) -> Any:
    """A dataclass with the fields of several; where two have the same name, it is that of the first.

    It checks nothing by itself: a recipe checks its values when it is made from this, and its words would drown in
    tyro's.

    Args:
        kinds: dataclasses whose fields have defaults.
        hidden: fields that are no options.
    """
    namespace = {"__doc__": kinds[0].__doc__, "__post_init__": lambda self: None}
    own: list[Any] = []
    if hidden:
        import tyro

        fields = {field.name: field for kind in reversed(kinds) for field in dataclasses.fields(kind)}
        own = [
            (name, tyro.conf.Suppress[Any], dataclasses.field(default=fields[name].default))  # type: ignore[misc]
            for name in hidden
        ]
    return dataclasses.make_dataclass("Joined", own, bases=kinds, namespace=namespace, frozen=True)


def options_and_recipe(options: T, recipe: R, arguments: Sequence[str], program: str, description: str) -> tuple[T, R]:
    """What a command line makes of the options of a command and the fields of a recipe, which it may name together.

    Args:
        options: a dataclass of the defaults; its fields come first.
        recipe: another one.
        arguments: the command line.
        program: as `parse`.
        description: as `parse`.

    Raises:
        UsageError: with one line on the first mistake.
    """
    both = joined(type(recipe), type(options))
    values = vars(parse(both, arguments, program, description, default=both(**vars(options), **vars(recipe))))
    own = vars(options).keys()
    return (
        type(options)(**{key: value for key, value in values.items() if key in own}),
        type(recipe)(**{key: value for key, value in values.items() if key not in own}),
    )


def value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """The word behind an option; None if the option is not there, or nothing stands behind it.

    >>> value_of("--method", ["characters", "--method", "maml"]), value_of("--method", ["--method=anil"])
    ('maml', 'anil')
    """
    for position, argument in enumerate(arguments):
        if argument == flag and position + 1 < len(arguments):
            return arguments[position + 1]
        if argument.startswith(f"{flag}="):
            return argument.partition("=")[2]
    return None


def named(arguments: Sequence[str]) -> set[str]:
    """The fields that a command line gives a value.

    >>> sorted(named(["characters", "--inner-lr", "0.1", "--no-quiet", "--shots=5"]))
    ['inner_lr', 'quiet', 'shots']
    """
    flags = [group[0].removeprefix("--no-").removeprefix("--") for group in _by_option(arguments)[1:]]
    return {flag.replace("-", "_") for flag in flags}


def _mistake(kind: Any, arguments: Sequence[str]) -> str:
    """The first mistake in a command line: found here, since tyro's messages are boxes whose words change."""
    kinds = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    positional = [field for field in fields if "Positional" in str(field.type)]
    flags = {
        f"--{field.name.replace('_', '-')}": kinds[field.name]
        for field in fields
        if field not in positional and kinds[field.name] is not Any  # which are hidden ones
    }
    switches = {f"--no-{flag[2:]}" for flag, kind in flags.items() if kind is bool}
    loose, *options = _by_option(arguments)
    for flag, *values in options:
        many = get_origin(flags.get(flag)) is tuple
        own = values if many else [] if flag in switches or flags.get(flag) is bool else values[:1]
        if flag not in flags and flag not in switches:
            return f"Unknown option {flag}.{closest(flag, list(flags))}"
        if flag in flags and not reads(own, flags[flag]):
            return f"{flag}: expected {words(flags[flag])}; got {' '.join(map(repr, own)) or 'nothing'}."
        loose += values[len(own) :]
    required = [field.name for field in positional if field.default is dataclasses.MISSING]
    if len(loose) < len(required):
        return f"{required[len(loose)].upper()} is missing."
    if len(loose) > len(positional) and not any(get_origin(kinds[field.name]) is tuple for field in positional):
        return f"Unexpected argument {loose[len(positional)]!r}."
    return ""


def _by_option(arguments: Sequence[str]) -> list[list[str]]:
    """What stands before the first option, then each option with what stands behind it."""
    groups: list[list[str]] = [[]]
    for argument in arguments:
        if argument.startswith("--"):
            flag, equals, value = argument.partition("=")
            groups.append([flag, value] if equals else [flag])
        else:
            groups[-1].append(argument)
    return groups


def _first_words(box: str) -> str:
    # what nobody thought of: tyro's own words without its box
    text = re.sub(r"[─-╿]+", " ", box)
    return f"{' '.join(text.split())[:300] or 'The arguments could not be understood'}."
