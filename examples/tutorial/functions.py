"""Give it a tool: the model decides when to call it, and speaks about what comes back."""

import asyncio

from louro.client import RealtimeClient


def calculate_sum(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: the first number
        b: the second number
    """
    print(f"calculate_sum({a:g}, {b:g})")
    return a + b


async def main() -> None:
    async with RealtimeClient() as client:
        await client.add_tool(calculate_sum)
        await client.send_user_message("Please calculate the sum of 7 and 5 with calculate_sum.")
        while True:
            item = await client.wait_for_next_completed_item()
            if item.role == "assistant":
                print(item.words)
                break


asyncio.run(main())
