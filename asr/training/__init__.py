"""Training: the loop, its optimizer, checkpoints, processes and recipes."""
