"""PCM and nothing else: lengths, resampling, G.711. Inside the house audio is 24 kHz mono int16, little-endian."""
