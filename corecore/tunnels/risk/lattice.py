"""Quasi-random numbers: a rank-1 lattice, shifted at random.

A random shift leaves every mean without bias, whatever the lattice, and independent shifts give
its standard error (Dick, Kuo and Sloan, Acta Numerica 2013, DOI 10.1017/S0962492913000044). The
lattice's vector is built component by component, each the best that follows those before it.
scipy's Sobol sequence is no better here and takes a second to load.
"""

from __future__ import annotations

import numpy as np

from corecore.base.grid import FloatArray

#: Points of the lattice.
POINTS = 1024
#: Its vector: ten numbers for each of 16 tunnels, and three for the lesion.
#: ``tests/tunnels/test_lattice.py`` builds it again.
VECTOR = (
    1, 275, 421, 231, 71, 453, 83, 135, 309, 363, 247, 383, 487, 171, 61, 465, 15, 411, 267, 177, 325, 399, 23,
    447, 161, 37, 63, 51, 379, 407, 345, 43, 509, 295, 257, 39, 147, 357, 229, 163, 269, 101, 347, 291, 193, 235,
    105, 181, 221, 207, 425, 435, 473, 185, 29, 157, 297, 495, 373, 81, 159, 313, 467, 167, 299, 9, 33, 323, 359,
    455, 367, 25, 413, 385, 505, 119, 169, 389, 401, 209, 225, 301, 409, 279, 445, 293, 353, 261, 273, 245, 107,
    19, 195, 329, 13, 79, 31, 339, 443, 317, 419, 41, 485, 387, 263, 67, 109, 507, 351, 85, 303, 457, 415, 391,
    381, 287, 449, 271, 141, 95, 343, 153, 463, 87, 393, 223, 139, 165, 503, 475, 395, 255, 311, 501, 481, 53,
    191, 145, 175, 241, 333, 315, 429, 361, 377, 489, 431, 7, 117, 471, 375, 127, 305, 203, 73, 285, 397, 189,
    479, 497, 113, 251, 75,
)  # fmt: skip


def shifted_lattice(dimensions: int, rng: np.random.Generator, first: int = 0) -> FloatArray:
    """Points (1024, ``dimensions``) in [0, 1) by the vector's numbers from ``first`` on, each shifted at random.

    The first 2, 4, 8 ... of them are lattices too: they are taken in the order of their bits turned round.
    Raises ``ValueError`` for more dimensions than the vector has (163).
    """
    if not 1 <= dimensions <= len(VECTOR) - first:
        raise ValueError(f"{dimensions} dimensions asked for; 1 to {len(VECTOR) - first} are there")
    bits = np.unpackbits(np.arange(POINTS, dtype=">u2").view(np.uint8).reshape(-1, 2), axis=1)[:, -10:]
    steps = (bits @ (1 << np.arange(10)))[:, None] * np.array(VECTOR[first : first + dimensions]) % POINTS
    return np.asarray((steps / POINTS + rng.random(dimensions)) % 1.0, dtype=np.float64)
