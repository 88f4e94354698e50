"""A believable day in Helsinki, loaded and kept moving through the public API only."""
