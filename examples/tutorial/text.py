"""Ask in writing, and read the answer while it is written."""

import asyncio

from louro.client import RealtimeClient


async def main() -> None:
    async with RealtimeClient() as client:
        await client.update_session(instructions="You are a friendly parrot.", output_modalities=["text"])
        events = client.events("response.output_text.delta", "response.done")
        await client.send_user_message("Who are you?")
        async for name, event in events:
            if name == "response.done":
                break
            print(event.delta, end="", flush=True)
    print()


asyncio.run(main())
