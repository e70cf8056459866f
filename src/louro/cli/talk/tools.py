"""The tools of `louro talk`: those of the tutorial, and the user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import platformdirs

from louro.config import ConfigProblem

GEOCODING = "https://geocoding-api.open-meteo.com/v1/search"
FORECAST = "https://api.open-meteo.com/v1/forecast"
NETWORK_TIMEOUT_S = 8.0
MAX_MEMORIES = 200
"""Told to the model at the start of every conversation: they must fit into its context."""


def calculate_sum(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: the first number
        b: the second number
    """
    return a + b


class Weather:
    """Open-Meteo's, which asks for no key. The addresses are those of a double in tests."""

    def __init__(self, geocoding: str = GEOCODING, forecast: str = FORECAST) -> None:
        self._geocoding = geocoding
        self._forecast = forecast

    async def get_weather(self, location: str) -> dict[str, Any]:
        """Get the weather of a place at this moment.

        Args:
            location: the name of a city or town
        """
        try:
            async with httpx.AsyncClient(timeout=NETWORK_TIMEOUT_S) as http:
                places = await _get(http, self._geocoding, {"name": location, "count": 1})
                if not places.get("results"):
                    return {"error": f"No place is called {location}."}
                place = places["results"][0]
                where = {"latitude": place["latitude"], "longitude": place["longitude"]}
                current = "temperature_2m,wind_speed_10m"
                weather = await _get(http, self._forecast, {**where, "current": current})
        except httpx.HTTPError as error:
            return {"error": f"The weather service cannot be reached ({type(error).__name__})."}
        now, units = weather["current"], weather["current_units"]
        return {
            "location": place["name"],
            "temperature": f"{now['temperature_2m']} {units['temperature_2m']}",
            "wind_speed": f"{now['wind_speed_10m']} {units['wind_speed_10m']}",
        }


async def _get(http: httpx.AsyncClient, url: str, query: dict[str, Any]) -> dict[str, Any]:
    response = await http.get(url, params=query)
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


class Memory:
    """What the user wants to be remembered, in a file, from one conversation to the next."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or platformdirs.user_data_path("louro") / "memory.json"

    async def set_memory(self, key: str, value: str) -> str:
        """Remember something about the user for later conversations.

        Args:
            key: a short name for it, in snake_case
            value: what to remember
        """
        await anyio.to_thread.run_sync(self._keep, key, value)
        return "Remembered."

    def _keep(self, key: str, value: str) -> None:
        known = {**self.read(), key: value}
        while len(known) > MAX_MEMORIES:
            del known[next(iter(known))]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        written = self._file.with_suffix(".new")
        written.write_text(json.dumps(known, ensure_ascii=False, indent=2), "utf-8")
        written.replace(self._file)

    def read(self) -> dict[str, str]:
        """Oldest first; empty when there is no file.

        Raises:
            ConfigProblem: the file is none of ours.
        """
        try:
            known = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigProblem(f"{self._file} cannot be read: {error}. Mend it, or delete it.") from None
        if not isinstance(known, dict):
            raise ConfigProblem(f"{self._file} is not an object of names and values. Mend it, or delete it.")
        return {str(name): str(value) for name, value in known.items()}

    def told(self) -> str:
        """All of it in one line; empty when there is nothing."""
        return "; ".join(f"{name}: {value}" for name, value in self.read().items())
