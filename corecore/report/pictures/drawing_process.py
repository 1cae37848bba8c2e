"""The program that draws: it opens a plotter, says so, and answers every scene and language that it reads with a sheet.

A process of its own: where neither EGL nor OSMesa is installed VTK does not raise, it kills its process, and
loading the plotter takes seconds that pass beside the search. ``preview`` starts it, and both talk in pickles
over its standard input and output; at the end of its input it ends.
"""

from __future__ import annotations

import os
import pickle
import sys


def main() -> None:
    """Answer until there is nothing more to read."""
    # What a driver prints must not come between the answers.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        from corecore.base.language import spoken
        from corecore.report.pictures.plotter import PlotterRenderer
        from corecore.report.pictures.sheet import draw_sheet

        renderer = PlotterRenderer()
        pickle.dump(renderer.name, answers)
        answers.flush()
        while True:
            try:
                scene, code = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            with spoken(code):
                pickle.dump(draw_sheet(scene, renderer), answers)
            answers.flush()


if __name__ == "__main__":
    main()
