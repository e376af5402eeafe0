"""How a process lives: composition, listening, reloads, signals, systemd and limits."""
