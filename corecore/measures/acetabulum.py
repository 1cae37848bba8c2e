"""The acetabulum of a hip, from the best there is: landmarks, a mask of the pelvis, a population."""

from __future__ import annotations

from corecore.anatomy.acetabulum import Acetabulum, from_landmarks, from_population
from corecore.anatomy.model import Caution
from corecore.anatomy.pelvis import from_pelvis
from corecore.errors import InputError
from corecore.grid import Mask, inverse
from corecore.hip import Hip


def acetabulum_of(hip: Hip, pelvis: Mask | None = None) -> Acetabulum:
    """The acetabulum about a hip's head.

    ``pelvis`` is a mask in world RAS mm on any grid. A landmark given goes before what is found on the mask;
    a population's mean stands in, with a caution, where there is neither, or where the scan
    ends before the edge. Raises ``AnatomyError`` for a mask that shows no acetabulum about
    this head, ``InputError`` for landmarks that cannot be its own.
    """
    given = hip.case.landmarks
    edge = None if given.acetabular_edge is None else hip.to_local(given.acetabular_edge)
    teardrop = None if given.teardrop is None else hip.to_local(given.teardrop)
    if teardrop is not None and edge is None and pelvis is None:
        raise InputError(
            "the landmark teardrop is of use beside acetabular_edge or a pelvis mask", code="landmarks-incomplete"
        )
    found = None
    if pelvis is not None and (edge is None or teardrop is None):
        found = from_pelvis(hip.anatomy, Mask(pelvis.grid.moved(inverse(hip.world_from_local)), pelvis.voxels))
    if edge is not None:
        if teardrop is None and found is not None:
            teardrop = found.teardrop_mm
        return from_landmarks(hip.anatomy, edge, teardrop)
    if found is None:
        if pelvis is None:
            return from_population(hip.anatomy)
        text = "the scan ends before the acetabulum's lateral edge: the pelvis mask says nothing of place"
        return from_population(hip.anatomy, (Caution("acetabulum_not_in_view", text),))
    if teardrop is not None:
        assert found.edge_mm is not None
        return from_landmarks(hip.anatomy, found.edge_mm, teardrop)
    return found
