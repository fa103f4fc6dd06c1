"""Training: the settings of a recipe in, a run folder with models, state and metrics out.

In: a composed `asr.config.TrainConfig`, whose data are cut manifests. Out: the run folder, from
which the same command resumes. Public: `main.main`, for `asr train`, and `recipe.train`. In reading
order: `main` and `explain` (Hydra), `recipe` (what is built), `trainer` (the loop) and its parts.
"""
