"""HTTP: the site, health, and metrics."""
