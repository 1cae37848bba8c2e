"""Whether a Python has 3D Slicer's core and can draw without a display: ends with 0 where it does.

Run by ``make slicer-env`` in that Python, which knows neither corecore nor its tests.
"""

import sys

try:
    import slicer  # noqa: F401
    import vtk
except ImportError as error:
    sys.exit(str(error))

window, room, seen = vtk.vtkRenderWindow(), vtk.vtkRenderer(), vtk.vtkWindowToImageFilter()
room.SetBackground(1.0, 0.0, 0.0)
window.SetOffScreenRendering(1)
window.SetSize(16, 16)
window.AddRenderer(room)
window.Render()
seen.SetInput(window)
seen.Update()
red, green, _ = (seen.GetOutput().GetScalarComponentAsDouble(8, 8, 0, k) for k in range(3))
sys.exit(0 if red > 250.0 and green < 5.0 else "nothing is drawn without a display")
