"""The tools of the assistant."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest

from louro.cli.talk.tools import MAX_MEMORIES, Memory, Weather, calculate_sum
from louro.config import ConfigProblem
from louro.functions import load_functions


class OpenMeteoDouble(BaseHTTPRequestHandler):
    """Answers as Open-Meteo does, about one place."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name = parse_qs(parts.query).get("name", [""])[0]
        places = [{"name": "Lisbon", "latitude": 38.7, "longitude": -9.1}] if name == "Lisbon" else []
        answers: dict[str, object] = {
            "/search": {"results": places},
            "/forecast": {
                "current": {"temperature_2m": 18.5, "wind_speed_10m": 12.0},
                "current_units": {"temperature_2m": "°C", "wind_speed_10m": "km/h"},
            },
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answers[parts.path]).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def weather() -> Iterator[Weather]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OpenMeteoDouble) as server:
        threading.Thread(target=server.serve_forever).start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        yield Weather(f"{base}/search", f"{base}/forecast")
        server.shutdown()


def test_a_sum() -> None:
    assert calculate_sum(7, 5) == 12


@pytest.mark.anyio
async def test_the_weather_of_a_place(weather: Weather) -> None:
    told = await weather.get_weather("Lisbon")
    assert told == {"location": "Lisbon", "temperature": "18.5 °C", "wind_speed": "12.0 km/h"}


@pytest.mark.anyio
async def test_a_place_that_is_none(weather: Weather) -> None:
    assert await weather.get_weather("Nowhere") == {"error": "No place is called Nowhere."}


@pytest.mark.anyio
async def test_without_a_network_the_model_is_told_so() -> None:
    told = await Weather("http://127.0.0.1:9/search").get_weather("Lisbon")
    assert told == {"error": "The weather service cannot be reached (ConnectError)."}


def test_memories_are_kept_between_runs_and_told_to_the_model(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "memory.json"
    assert Memory(file).told() == ""
    anyio.run(Memory(file).set_memory, "name", "Ana")
    anyio.run(Memory(file).set_memory, "city", "São Paulo")
    assert Memory(file).read() == {"name": "Ana", "city": "São Paulo"}
    assert Memory(file).told() == "name: Ana; city: São Paulo"


def test_the_oldest_memory_goes_when_there_are_too_many(tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    file.write_text(json.dumps({str(number): "x" for number in range(MAX_MEMORIES)}))
    anyio.run(Memory(file).set_memory, "new", "y")
    known = Memory(file).read()
    assert len(known) == MAX_MEMORIES
    assert "0" not in known
    assert known["new"] == "y"


@pytest.mark.parametrize("text", ["no json", "[1, 2]"])
def test_a_file_that_is_no_memory_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "memory.json"
    file.write_text(text)
    with pytest.raises(ConfigProblem, match=r"memory\.json"):
        Memory(file).read()


def test_tools_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "my_tools_of_today.py").write_text(
        "def lamp(on: bool): ...\ndef door(open: bool): ...\nnot_one = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    assert [tool.__name__ for tool in load_functions(["my_tools_of_today:lamp,door"])] == ["lamp", "door"]


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nothing", "MODULE:NAME"),
        (":x", "MODULE:NAME"),
        ("json:", "MODULE:NAME"),
        ("no_such_module_here:f", "No module named"),
        ("json:nothing", "there is no function nothing in json"),
        ("builtins:print", "can be no tool: print"),
    ],
)
def test_tools_that_are_not_there_are_named(place: str, told: str) -> None:
    with pytest.raises(ConfigProblem, match=told):
        load_functions([place])
