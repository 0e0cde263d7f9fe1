"""Where tasks come from: functions from an integer to a task."""

from innerloop.sources._arrays import from_arrays
from innerloop.sources._base import Splits, Supply, TaskSource
from innerloop.sources._characters import Characters
from innerloop.sources._class_data import ClassData
from innerloop.sources._classes import ClassTasks
from innerloop.sources._clinc import Clinc150
from innerloop.sources._gaussian_process import GPCurves
from innerloop.sources._image_folder import ImageFolder
from innerloop.sources._lake_runs import LakeRuns
from innerloop.sources._ngrams import HashedNgrams
from innerloop.sources._omniglot import Omniglot
from innerloop.sources._pictures import Pictures
from innerloop.sources._sinusoids import Sinusoids
from innerloop.sources._table import Table
from innerloop.sources._text import Text

__all__ = [
    "Characters",
    "ClassData",
    "ClassTasks",
    "Clinc150",
    "GPCurves",
    "HashedNgrams",
    "ImageFolder",
    "LakeRuns",
    "Omniglot",
    "Pictures",
    "Sinusoids",
    "Splits",
    "Supply",
    "Table",
    "TaskSource",
    "Text",
    "from_arrays",
]
