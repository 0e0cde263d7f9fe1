"""Citations are BibTeX, there for every method, and the ones that a run used."""

import re
from importlib.resources import files

import pytest

from innerloop import methods
from innerloop.catalogue import METHODS
from innerloop.citations import CITATIONS, bibtex, citations_of, papers_of
from innerloop.recipes import METHODS as IN_RECIPES

NAMED = (
    "maml", "fomaml", "reptile", "anil", "boil", "meta_sgd", "maml_plus_plus", "imaml", "cavia", "meta_curvature",
    "proto_maml", "lora_maml", "lstm", "prototypes", "matching", "relation", "ridge", "svm", "mann", "snail",
    "cnp", "anp", "in_context", "pretraining", "simple_shot",
    "unicorn_maml", "meta_baseline", "baseline_plus_plus", "linear_probe", "cosine_head", "pooled_ridge",
    "shrunk_ridge",
)  # fmt: skip


def parsed(text):
    """Entries of a `.bib` file: key to (kind, fields). A small parser of its own, with nested braces."""
    found, at = {}, 0
    while at < len(text):
        head = re.compile(r"\s*@(\w+)\{([\w:-]+),\s*").match(text, at)
        assert head, text[at : at + 60]
        fields, at = {}, head.end()
        while not (end := re.compile(r"\s*\}\s*").match(text, at)):
            name = re.compile(r"\s*(\w+)\s*=\s*\{").match(text, at)
            assert name, text[at : at + 60]
            depth, start, at = 1, name.end(), name.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
            assert name[1] not in fields
            fields[name[1]] = text[start : at - 1]
            at = re.compile(r"\s*,?").match(text, at).end()
        at = end.end()
        assert head[2] not in found
        found[head[2]] = head[1], fields
    return found


def test_the_parser_sees_what_is_wrong():
    assert parsed("@misc{a,\n title = {x {Y} z}\n}") == {"a": ("misc", {"title": "x {Y} z"})}
    for wrong in ("@misc{a title = {x}}", "@misc{a,\n title = {x}\n}@misc{a,\n title = {x}\n}", "words"):
        with pytest.raises((AssertionError, IndexError)):
            parsed(wrong)


@pytest.mark.parametrize("name", [*NAMED, *IN_RECIPES])
def test_every_method_of_a_recipe_has_its_paper(name):
    assert papers_of(name)
    assert all(key in CITATIONS for key in papers_of(name))


def test_every_method_of_the_library_is_known_or_needs_no_paper():
    assert set(METHODS) == set(methods.__all__) - {"from_spec"}
    assert {name for name in METHODS if not papers_of(name)} == {"from_scratch", "constant", "fine_tune"}


def test_all_entries_are_bibtex_and_complete():
    entries = parsed(bibtex(CITATIONS.values()))
    assert list(entries) == list(CITATIONS)
    for key, (kind, fields) in entries.items():
        assert fields == CITATIONS[key].fields
        needed = {"inproceedings": "booktitle", "article": "journal", "misc": "note"}[kind]
        assert {"title", "author", "year", needed} <= set(fields), key
        assert all(", " in name for name in fields["author"].split(" and ")) or key == "innerloop", key
        if key != "innerloop":
            surname, year = re.match(r"([a-z]+?)(\d{4})", key).groups()
            assert fields["author"].lower().startswith(surname)
            assert fields["year"] == year


def keys(config):
    return [citation.key for citation in citations_of(config)]


def run(method, recipe="omniglot", network=None, **more):
    learner = {"method": method, "network": network or {"network": "conv4", "norm": True}, "arguments": {}}
    optimiser = {"name": "AdamW", "weight_decay": 0.0}
    return {
        "recipe": {"recipe": recipe, "method": method, **more},
        "settings": {"learner": learner, "optimiser": optimiser},
    }


def test_a_run_on_omniglot():
    assert keys(run("maml")) == [
        "innerloop", "finn2017maml", "lake2015omniglot", "vinyals2016matching", "ioffe2015batchnorm", "kingma2015adam",
    ]  # fmt: skip
    # protocol B is Lake's own; the network is still the one of Vinyals et al.
    assert "vinyals2016matching" in keys(run("maml", protocol="B"))
    assert "vinyals2016matching" not in keys(run("maml", protocol="B", network={"network": "mlp"}))


def test_feature_maps_are_the_relation_networks():
    found = keys(run("relation", network={"network": "conv_maps", "norm": True}))
    assert {"sung2018relation", "ioffe2015batchnorm"} < set(found)
    assert "sung2018relation" in keys(run("prototypes", network={"network": "conv_maps", "norm": False}))


def test_special_choices():
    assert "ioffe2015batchnorm" not in keys(run("maml", network={"network": "conv4", "norm": False}))
    decayed = run("maml")
    decayed["settings"]["optimiser"]["weight_decay"] = 0.1
    assert keys(decayed)[-2:] == ["kingma2015adam", "loshchilov2019adamw"]
    inner = run("maml", "sinusoids", {"network": "mlp"}, inner_optimiser="adam")
    inner["settings"]["optimiser"] = {"name": "SGD"}
    assert keys(inner) == ["innerloop", "finn2017maml", "kingma2015adam"]


def test_the_learner_that_was_built_counts():
    table = run("pretraining", "table", {"network": "mlp"})
    table["settings"]["learner"]["method"] = "joint"
    assert "chen2019closer" not in keys(table)
    assert {"chen2019closer", "wang2019simpleshot"} <= set(keys(run("pretraining")))


def test_networks_and_texts():
    found = keys(run("prototypes", "folder", {"network": "resnet12"}))
    assert {"lee2019metaoptnet", "ghiasi2018dropblock", "ioffe2015batchnorm"} <= set(found)
    assert {"larson2019clinc", "weinberger2009hashing"} <= set(keys(run("prototypes", "clinc", {"network": "mlp"})))
    assert "larson2019clinc" not in keys(run("prototypes", "text", {"network": "mlp"}))


def test_recommendation():
    assert {"lee2019melu", "koren2008neighborhood", "cremonesi2010puresvd"} < set(keys(run("maml", "ratings")))
    assert "lee2019melu" not in keys(run("cavia", "ratings"))


@pytest.mark.parametrize("name", NAMED)
def test_each_once_in_one_order(name):
    found = keys(run(name))
    assert len(found) == len(set(found))
    assert found == [key for key in CITATIONS if key in found]
    assert set(papers_of(name)) < set(found)


@pytest.mark.parametrize("config", [{}, {"recipe": 3, "settings": [], "mapping": None}, run("unknown", "mine")])
def test_what_is_not_known_is_left_out(config):
    assert keys(config)[0] == "innerloop"


def test_the_file_is_what_the_entries_print():
    text = (files("innerloop") / "citations.bib").read_text(encoding="utf-8")
    assert text == bibtex(CITATIONS.values()) + "\n"
    assert len(parsed(text)) == len(CITATIONS) > 40
