"""Batch labelling: files in, one file out, a row for every row."""

from claim_classifier.jobs.run import JobSummary, label_files

__all__ = ["JobSummary", "label_files"]
