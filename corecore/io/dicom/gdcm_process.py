"""Unpacking pixels with GDCM, as a program of its own: ``python gdcm_process.py``. It imports nothing of corecore.

GDCM ends its process on some damaged streams and goes on with others after a word on standard error. For each line
on standard input, a file's path as JSON, it writes a line ``{"shape": [..], "dtype": "<u2"}`` and that array's bytes
to standard output, or ``{"error": "..."}``. It ends with 3 where GDCM is not installed.
"""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Answer each line until there is no more."""
    try:
        import gdcm
        import pydicom
    except ImportError:
        return 3
    gdcm.Trace.WarningOff()
    out = sys.stdout.buffer
    for line in sys.stdin:
        try:
            dataset = pydicom.dcmread(json.loads(line))
            dataset.pixel_array_options(decoding_plugin="gdcm")
            pixels = dataset.pixel_array
        except Exception as error:
            out.write(json.dumps({"error": str(error)[:300]}).encode() + b"\n")
        else:
            out.write(json.dumps({"shape": pixels.shape, "dtype": pixels.dtype.str}).encode() + b"\n")
            out.write(pixels.tobytes())
        out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
