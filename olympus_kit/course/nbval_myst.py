"""The pytest plugin that hands MyST notebooks to nbval."""
