"""Synthetic hips with known truth: a parametric femur, necroses, masks, images."""

from corecore.phantom.femur import Femur
from corecore.phantom.files import write_hip
from corecore.phantom.hip import HipRecipe, SyntheticHip, make_hip
from corecore.phantom.lesion import KINDS, lesion_of
from corecore.phantom.population import Population
from corecore.phantom.pose import Pose
from corecore.phantom.relief import Relief
from corecore.phantom.shape import FemurShape

__all__ = [
    "KINDS", "Femur", "FemurShape", "HipRecipe", "Population", "Pose", "Relief", "SyntheticHip", "lesion_of",
    "make_hip", "write_hip",
]  # fmt: skip
