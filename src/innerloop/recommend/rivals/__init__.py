"""The opponents: what is done without meta-learning, from a mean to matrices."""

from innerloop.recommend.rivals._biases import UserItemBias
from innerloop.recommend.rivals._bpr import BPR
from innerloop.recommend.rivals._ease import EASE
from innerloop.recommend.rivals._factors import RidgeOnFactors
from innerloop.recommend.rivals._implicit_als import ImplicitALS
from innerloop.recommend.rivals._item_knn import ItemKNN
from innerloop.recommend.rivals._means import GlobalMean, ItemMean, UserMean, UserMedian
from innerloop.recommend.rivals._popularity import Popularity

__all__ = [
    "BPR",
    "EASE",
    "GlobalMean",
    "ImplicitALS",
    "ItemKNN",
    "ItemMean",
    "Popularity",
    "RidgeOnFactors",
    "UserItemBias",
    "UserMean",
    "UserMedian",
]
