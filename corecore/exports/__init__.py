"""A plan for other programs: 3D Slicer, DICOM, STL, 3MF, NIfTI, CSV."""
