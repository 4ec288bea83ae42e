"""Quality control: materials, acceptance criteria, QC results, control charts."""
