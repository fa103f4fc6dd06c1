"""Training of the LSTM language model for a second pass.

In: a text of words. Out: a run folder with the model's file and the training state. Public:
`train.train`.
"""
