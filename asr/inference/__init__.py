"""Recordings to transcripts: recognizer, segmentation, many files, alignment, evaluation."""
