"""Pure functions of surveying: quality, topology, signs of false positions."""
