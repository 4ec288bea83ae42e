"""Worksheets: what an analyst measures in one run, samples and QC samples together."""
