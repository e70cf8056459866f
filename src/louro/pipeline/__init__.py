"""Drives one session: what comes in reaches the machine, what the machine asks for reaches the engines, and back."""
