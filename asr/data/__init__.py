"""Cut manifests to batches of waveforms and targets.

In: cut manifests (`manifests.read_cuts`), whose lines `cut_schema` and `cut_checks` validate, or
lhotse's Shar in a folder or on a web server (`shar`).
Out: `dataset.Batch`, padded waveforms with their token ids; an epoch's list of batches is a pure
function of (seed, epoch).
Public: `manifests.read_cuts` and `load_waveform`, `dataset.SpeechDataset` and `plan_batches`,
`loading.load_shards`, and `augment`, whose rooms and noise are in `acoustics`.

Nothing is imported here, so that reading a manifest does not wait for torch.
"""
