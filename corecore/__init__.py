"""corecore: plans drilling paths for core decompression in osteonecrosis of the femoral head.

For research and for review by a surgeon; not a medical device.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
