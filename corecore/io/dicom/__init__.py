"""DICOM: series of slices, segmentations, structure sets, and what is written."""
