"""Synthetic hips with known truth: a parametric femur, necroses, masks, images."""
