"""The laboratory's arithmetic: measured values, units, limits, verdicts. No models, no database, no clock."""
