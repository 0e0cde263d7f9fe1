"""The papers behind methods, data and parts, as data; which of them a run used. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from innerloop.catalogue import METHODS, NETWORKS


@dataclass(frozen=True)
class Citation:
    """A BibTeX entry.

    Attributes:
        key: by which LaTeX cites it.
        kind: "inproceedings", "article", "misc" or "software".
        fields: title, authors, year, ... by BibTeX's names.

    >>> print(CITATIONS["kingma2015adam"])
    @inproceedings{kingma2015adam,
      title = {{Adam}: A Method for Stochastic Optimization},
      author = {Kingma, Diederik P. and Ba, Jimmy},
      booktitle = {International Conference on Learning Representations},
      year = {2015}
    }
    """

    key: str
    kind: str
    fields: dict[str, str]

    def __str__(self) -> str:
        inside = ",\n".join(f"  {name} = {{{value}}}" for name, value in self.fields.items())
        return f"@{self.kind}{{{self.key},\n{inside}\n}}"


_ICLR = "International Conference on Learning Representations"
_ICML = "International Conference on Machine Learning"
_NEURIPS = "Advances in Neural Information Processing Systems"


def _paper(key: str, title: str, author: str, venue: str, year: int, **more: str) -> Citation:
    return Citation(
        key, "inproceedings", {"title": title, "author": author, "booktitle": venue, "year": str(year), **more}
    )


def _article(key: str, title: str, author: str, journal: str, year: int, **more: str) -> Citation:
    return Citation(key, "article", {"title": title, "author": author, "journal": journal, "year": str(year), **more})


def _preprint(key: str, title: str, author: str, year: int, number: str) -> Citation:
    journal = f"arXiv preprint arXiv:{number}"
    return Citation(key, "article", {"title": title, "author": author, "journal": journal, "year": str(year)})


_ALL = (
    Citation(
        "innerloop",
        "misc",
        {
            "title": "{innerloop}: Meta-Learning for {PyTorch}",
            "author": "{The innerloop developers}",
            "year": "2026",
            "note": "Python package",
        },
    ),
    _paper(
        "finn2017maml",
        "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
        "Finn, Chelsea and Abbeel, Pieter and Levine, Sergey",
        _ICML,
        2017,
        pages="1126--1135",
    ),
    _preprint(
        "nichol2018reptile",
        "On First-Order Meta-Learning Algorithms",
        "Nichol, Alex and Achiam, Joshua and Schulman, John",
        2018,
        "1803.02999",
    ),
    _paper(
        "raghu2020anil",
        "Rapid Learning or Feature Reuse? {Towards} Understanding the Effectiveness of {MAML}",
        "Raghu, Aniruddh and Raghu, Maithra and Bengio, Samy and Vinyals, Oriol",
        _ICLR,
        2020,
    ),
    _paper(
        "oh2021boil",
        "{BOIL}: Towards Representation Change for Few-shot Learning",
        "Oh, Jaehoon and Yoo, Hyungjun and Kim, ChangHwan and Yun, Se-Young",
        _ICLR,
        2021,
    ),
    _preprint(
        "li2017metasgd",
        "{Meta-SGD}: Learning to Learn Quickly for Few-Shot Learning",
        "Li, Zhenguo and Zhou, Fengwei and Chen, Fei and Li, Hang",
        2017,
        "1707.09835",
    ),
    _paper(
        "antoniou2019mamlpp",
        "How to Train Your {MAML}",
        "Antoniou, Antreas and Edwards, Harrison and Storkey, Amos",
        _ICLR,
        2019,
    ),
    _paper(
        "rajeswaran2019imaml",
        "Meta-Learning with Implicit Gradients",
        "Rajeswaran, Aravind and Finn, Chelsea and Kakade, Sham M. and Levine, Sergey",
        _NEURIPS,
        2019,
        volume="32",
    ),
    _paper(
        "zintgraf2019cavia",
        "Fast Context Adaptation via Meta-Learning",
        "Zintgraf, Luisa and Shiarlis, Kyriacos and Kurin, Vitaly and Hofmann, Katja and Whiteson, Shimon",
        _ICML,
        2019,
        pages="7693--7702",
    ),
    _paper(
        "park2019metacurvature",
        "{Meta-Curvature}",
        "Park, Eunbyung and Oliva, Junier B.",
        _NEURIPS,
        2019,
        volume="32",
    ),
    _paper(
        "triantafillou2020metadataset",
        "{Meta-Dataset}: A Dataset of Datasets for Learning to Learn from Few Examples",
        "Triantafillou, Eleni and Zhu, Tyler and Dumoulin, Vincent and Lamblin, Pascal and Evci, Utku and Xu, Kelvin "
        "and Goroshin, Ross and Gelada, Carles and Swersky, Kevin and Manzagol, Pierre-Antoine and Larochelle, Hugo",
        _ICLR,
        2020,
    ),
    _paper(
        "hu2022lora",
        "{LoRA}: Low-Rank Adaptation of Large Language Models",
        "Hu, Edward J. and Shen, Yelong and Wallis, Phillip and Allen-Zhu, Zeyuan and Li, Yuanzhi and Wang, Shean and "
        "Wang, Lu and Chen, Weizhu",
        _ICLR,
        2022,
    ),
    _paper(
        "ye2022unicorn",
        "How to Train Your {MAML} to Excel in Few-Shot Classification",
        "Ye, Han-Jia and Chao, Wei-Lun",
        _ICLR,
        2022,
    ),
    _paper(
        "ravi2017optimization",
        "Optimization as a Model for Few-Shot Learning",
        "Ravi, Sachin and Larochelle, Hugo",
        _ICLR,
        2017,
    ),
    _paper(
        "snell2017prototypical",
        "Prototypical Networks for Few-shot Learning",
        "Snell, Jake and Swersky, Kevin and Zemel, Richard",
        _NEURIPS,
        2017,
        volume="30",
    ),
    _paper(
        "sung2018relation",
        "Learning to Compare: Relation Network for Few-Shot Learning",
        "Sung, Flood and Yang, Yongxin and Zhang, Li and Xiang, Tao and Torr, Philip H. S. and Hospedales, Timothy M.",
        "IEEE Conference on Computer Vision and Pattern Recognition",
        2018,
        pages="1199--1208",
    ),
    _paper(
        "bertinetto2019closed",
        "Meta-learning with Differentiable Closed-form Solvers",
        "Bertinetto, Luca and Henriques, Jo{\\~a}o F. and Torr, Philip H. S. and Vedaldi, Andrea",
        _ICLR,
        2019,
    ),
    _paper(
        "santoro2016mann",
        "Meta-Learning with Memory-Augmented Neural Networks",
        "Santoro, Adam and Bartunov, Sergey and Botvinick, Matthew and Wierstra, Daan and Lillicrap, Timothy",
        _ICML,
        2016,
        pages="1842--1850",
    ),
    _paper(
        "mishra2018snail",
        "A Simple Neural Attentive Meta-Learner",
        "Mishra, Nikhil and Rohaninejad, Mostafa and Chen, Xi and Abbeel, Pieter",
        _ICLR,
        2018,
    ),
    _paper(
        "garnelo2018cnp",
        "Conditional Neural Processes",
        "Garnelo, Marta and Rosenbaum, Dan and Maddison, Christopher J. and Ramalho, Tiago and Saxton, David and "
        "Shanahan, Murray and Teh, Yee Whye and Rezende, Danilo J. and Eslami, S. M. Ali",
        _ICML,
        2018,
        pages="1704--1713",
    ),
    _paper(
        "kim2019anp",
        "Attentive Neural Processes",
        "Kim, Hyunjik and Mnih, Andriy and Schwarz, Jonathan and Garnelo, Marta and Eslami, S. M. Ali and "
        "Rosenbaum, Dan and Vinyals, Oriol and Teh, Yee Whye",
        _ICLR,
        2019,
    ),
    _paper(
        "lee2019metaoptnet",
        "Meta-Learning with Differentiable Convex Optimization",
        "Lee, Kwonjoon and Maji, Subhransu and Ravichandran, Avinash and Soatto, Stefano",
        "IEEE Conference on Computer Vision and Pattern Recognition",
        2019,
        pages="10657--10665",
    ),
    _paper(
        "nguyen2022tnp",
        "Transformer Neural Processes: Uncertainty-Aware Meta Learning Via Sequence Modeling",
        "Nguyen, Tung and Grover, Aditya",
        _ICML,
        2022,
    ),
    _paper(
        "mueller2022pfn",
        "Transformers Can Do {Bayesian} Inference",
        "Mueller, Samuel and Hollmann, Noah and Arango, Sebastian Pineda and Grabocka, Josif and Hutter, Frank",
        _ICLR,
        2022,
    ),
    Citation(
        "rasmussen2006gaussian",
        "misc",
        {
            "title": "Gaussian Processes for Machine Learning",
            "author": "Rasmussen, Carl Edward and Williams, Christopher K. I.",
            "year": "2006",
            "note": "MIT Press",
        },
    ),
    _paper(
        "chen2019closer",
        "A Closer Look at Few-shot Classification",
        "Chen, Wei-Yu and Liu, Yen-Cheng and Kira, Zsolt and Wang, Yu-Chiang Frank and Huang, Jia-Bin",
        _ICLR,
        2019,
    ),
    _paper(
        "chen2021metabaseline",
        "{Meta-Baseline}: Exploring Simple Meta-Learning for Few-Shot Learning",
        "Chen, Yinbo and Liu, Zhuang and Xu, Huijuan and Darrell, Trevor and Wang, Xiaolong",
        "IEEE/CVF International Conference on Computer Vision",
        2021,
    ),
    _paper(
        "tian2020rethinking",
        "Rethinking Few-Shot Image Classification: A Good Embedding Is All You Need?",
        "Tian, Yonglong and Wang, Yue and Krishnan, Dilip and Tenenbaum, Joshua B. and Isola, Phillip",
        "European Conference on Computer Vision",
        2020,
    ),
    _preprint(
        "wang2019simpleshot",
        "{SimpleShot}: Revisiting Nearest-Neighbor Classification for Few-Shot Learning",
        "Wang, Yan and Chao, Wei-Lun and Weinberger, Kilian Q. and van der Maaten, Laurens",
        2019,
        "1911.04623",
    ),
    _article(
        "hoerl1970ridge",
        "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
        "Hoerl, Arthur E. and Kennard, Robert W.",
        "Technometrics",
        1970,
        volume="12",
        number="1",
        pages="55--67",
    ),
    _article(
        "laird1982random",
        "Random-Effects Models for Longitudinal Data",
        "Laird, Nan M. and Ware, James H.",
        "Biometrics",
        1982,
        volume="38",
        number="4",
        pages="963--974",
    ),
    Citation(
        "lake2015omniglot",
        "article",
        {
            "title": "Human-level Concept Learning through Probabilistic Program Induction",
            "author": "Lake, Brenden M. and Salakhutdinov, Ruslan and Tenenbaum, Joshua B.",
            "journal": "Science",
            "volume": "350",
            "number": "6266",
            "pages": "1332--1338",
            "year": "2015",
        },
    ),
    _paper(
        "vinyals2016matching",
        "Matching Networks for One Shot Learning",
        "Vinyals, Oriol and Blundell, Charles and Lillicrap, Timothy and Kavukcuoglu, Koray and Wierstra, Daan",
        _NEURIPS,
        2016,
        volume="29",
    ),
    _paper(
        "cho2014gru",
        "Learning Phrase Representations using {RNN} Encoder--Decoder for Statistical Machine Translation",
        'Cho, Kyunghyun and van Merri{\\"e}nboer, Bart and Gulcehre, Caglar and Bahdanau, Dzmitry and Bougares, Fethi '
        "and Schwenk, Holger and Bengio, Yoshua",
        "Conference on Empirical Methods in Natural Language Processing",
        2014,
        pages="1724--1734",
    ),
    _paper(
        "vaswani2017attention",
        "Attention is All you Need",
        "Vaswani, Ashish and Shazeer, Noam and Parmar, Niki and Uszkoreit, Jakob and Jones, Llion and Gomez, Aidan N. "
        "and Kaiser, Lukasz and Polosukhin, Illia",
        _NEURIPS,
        2017,
        volume="30",
    ),
    _paper(
        "larson2019clinc",
        "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction",
        "Larson, Stefan and Mahendran, Anish and Peper, Joseph J. and Clarke, Christopher and Lee, Andrew and Hill, "
        "Parker and Kummerfeld, Jonathan K. and Leach, Kevin and Laurenzano, Michael A. and Tang, Lingjia and Mars, "
        "Jason",
        "Conference on Empirical Methods in Natural Language Processing",
        2019,
        pages="1311--1316",
    ),
    _paper(
        "weinberger2009hashing",
        "Feature Hashing for Large Scale Multitask Learning",
        "Weinberger, Kilian and Dasgupta, Anirban and Langford, John and Smola, Alex and Attenberg, Josh",
        _ICML,
        2009,
        pages="1113--1120",
    ),
    _paper(
        "ghiasi2018dropblock",
        "{DropBlock}: A Regularization Method for Convolutional Networks",
        "Ghiasi, Golnaz and Lin, Tsung-Yi and Le, Quoc V.",
        _NEURIPS,
        2018,
        volume="31",
    ),
    _paper(
        "ioffe2015batchnorm",
        "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
        "Ioffe, Sergey and Szegedy, Christian",
        _ICML,
        2015,
        pages="448--456",
    ),
    _paper(
        "kingma2015adam",
        "{Adam}: A Method for Stochastic Optimization",
        "Kingma, Diederik P. and Ba, Jimmy",
        _ICLR,
        2015,
    ),
    _paper(
        "loshchilov2019adamw",
        "Decoupled Weight Decay Regularization",
        "Loshchilov, Ilya and Hutter, Frank",
        _ICLR,
        2019,
    ),
)

CITATIONS: dict[str, Citation] = {citation.key: citation for citation in _ALL}
"""Every entry by its key, in the order in which they are printed."""

_DATA: dict[str, tuple[str, ...]] = {
    "omniglot": ("lake2015omniglot", "vinyals2016matching"),
    "sinusoids": ("finn2017maml",),
    "curves": ("garnelo2018cnp", "nguyen2022tnp"),
    "clinc": ("larson2019clinc", "weinberger2009hashing"),
    "text": ("weinberger2009hashing",),
}
_OPTIMISERS: dict[str, tuple[str, ...]] = {
    "adam": ("kingma2015adam",),
    "adamw": ("kingma2015adam", "loshchilov2019adamw"),
}


def citations_of(config: dict[str, Any]) -> list[Citation]:
    """What the `config.json` of a run says that it used: the package, method, data, network, norms and optimisers.

    >>> [c.key for c in citations_of({"recipe": {"method": "maml", "recipe": "omniglot"}})]
    ['innerloop', 'finn2017maml', 'lake2015omniglot', 'vinyals2016matching']
    """
    used = set(_keys(config))
    return [citation for key, citation in CITATIONS.items() if key in used]


def papers_of(method: Any) -> tuple[str, ...]:
    """Keys of the papers of a method, by its name in recipes and in `innerloop.methods`."""
    return METHODS[method].papers if isinstance(method, str) and method in METHODS else ()


def bibtex(citations: Iterable[Citation]) -> str:
    """The entries as the text of a `.bib` file."""
    return "\n\n".join(map(str, citations))


def _keys(config: dict[str, Any]) -> Iterator[str]:
    settings, recipe = _inside(config, "settings"), _inside(config, "recipe")
    learner = _inside(settings, "learner")
    network, arguments = _inside(learner, "network"), _inside(learner, "arguments")
    yield "innerloop"
    # a recipe may have trained another method in its place (`Method.without_classes`)
    yield from papers_of(learner.get("method")) or papers_of(recipe.get("method"))
    # the protocols of Omniglot differ: B is Lake's own
    data = recipe.get("recipe") or _inside(settings, "train").get("name")
    found = _of(_DATA, data)
    yield from found[:1] if recipe.get("protocol") == "B" else found
    name = network.get("network")
    if isinstance(name, str) and name in NETWORKS:
        yield from NETWORKS[name].papers
        if NETWORKS[name].normed and network.get("norm", True):
            yield "ioffe2015batchnorm"
    outer = _inside(settings, "optimiser")
    # AdamW without decay is Adam
    decays = bool(outer.get("weight_decay"))
    yield from _of(_OPTIMISERS, "adam" if outer.get("name") == "AdamW" and not decays else outer.get("name"))
    for values in (recipe, arguments):
        for name, value in values.items():
            if "optimiser" in name:
                yield from _of(_OPTIMISERS, value.get("name") if isinstance(value, dict) else value)


def _inside(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _of(table: dict[str, tuple[str, ...]], name: Any) -> tuple[str, ...]:
    return table.get(name.lower(), ()) if isinstance(name, str) else ()
