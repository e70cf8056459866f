"""What outlives a process: keys. One interface over SQL; SQLite by default."""
