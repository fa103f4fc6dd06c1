"""Cut manifests to batches: manifests, dataset, loading, augmentation."""
