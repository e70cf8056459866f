"""The Realtime session as a machine: client events and engine reports in, server events and actions out.

It reads no clock, waits for nothing, and knows no model: a function of its inputs.
"""
