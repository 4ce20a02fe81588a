"""The kit: everything of `olympus`, and what the course adds to it."""
