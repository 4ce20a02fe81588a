"""Authoring, release, collection by nbval, progress, and the command line."""
