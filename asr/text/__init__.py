"""Transcripts to token ids and back: normalizers, tokenizers, pronunciations."""
