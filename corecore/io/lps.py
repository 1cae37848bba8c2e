"""LPS, the patient frame of DICOM, ITK and STL files; inside corecore everything is RAS."""

from __future__ import annotations

import numpy as np

#: What turns a position of one frame into the other: the first two coordinates change sign.
RAS_SIGNS = np.array([-1.0, -1.0, 1.0])
#: The same as a matrix, either way. Two signs, so handedness stays.
LPS_FROM_RAS = np.diag([*RAS_SIGNS, 1.0])
