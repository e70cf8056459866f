"""What travels: one struct per event, in today's (GA) names, and the objects inside the events.

Source: OpenAI's Realtime API as published in its OpenAPI file and seen on the wire.
"""
