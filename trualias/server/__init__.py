"""The life of a server process: composition, listening, reloads, signals, systemd and limits."""
