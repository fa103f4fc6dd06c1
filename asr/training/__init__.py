"""Training: the loop, its optimiser, checkpoints, processes and recipes."""
