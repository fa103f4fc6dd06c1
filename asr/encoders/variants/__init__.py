"""Recurrent families that no product recipe uses, one file each; see recipes/encoder_comparison."""
