"""Where tasks come from: functions from an integer to a task."""

from innerloop.sources._arrays import from_arrays
from innerloop.sources._base import Splits, Supply, TaskSource
from innerloop.sources._characters import Characters
from innerloop.sources._classes import ClassData, ClassTasks
from innerloop.sources._image_folder import ImageFolder
from innerloop.sources._omniglot import Omniglot
from innerloop.sources._pictures import Pictures
from innerloop.sources._sinusoids import Sinusoids
from innerloop.sources._table import Table

__all__ = [
    "Characters",
    "ClassData",
    "ClassTasks",
    "ImageFolder",
    "Omniglot",
    "Pictures",
    "Sinusoids",
    "Splits",
    "Supply",
    "Table",
    "TaskSource",
    "from_arrays",
]
