"""Talk to it: Enter begins, Enter sends, and the answer is spoken. Ctrl+D ends."""

import asyncio

from louro.client import ConversationUpdated, RealtimeClient
from louro.client.voice import voice


def show(update: ConversationUpdated) -> None:
    if update.delta and update.delta.transcript:
        print(update.delta.transcript, end="", flush=True)


async def main() -> None:
    async with RealtimeClient() as client, voice(client) as talking:
        client.on("conversation.updated", show)
        talking.by_hand = True
        await client.update_session(instructions="You are a friendly parrot.", turn_detection=None)
        while True:
            await asyncio.to_thread(input, "\nPress Enter to talk. ")
            await talking.press()
            await asyncio.to_thread(input, "Listening. Press Enter to send. ")
            await talking.release()
            await client.wait_until_quiet()


try:
    asyncio.run(main())
except EOFError:
    print()
