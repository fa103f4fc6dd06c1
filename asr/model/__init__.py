"""Waveforms to CTC log-probabilities: features, subsampling, the model and its file."""
