"""Capture a function as a `Program`."""
