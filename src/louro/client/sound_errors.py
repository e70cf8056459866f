"""What can be wrong with microphones and loudspeakers, and what to do about it."""

from __future__ import annotations

from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["microphone", "loudspeaker"]
SoundProblem: TypeAlias = Literal[
    "no_package",
    "no_portaudio",
    "no_system",
    "no_device",
    "no_such_device",
    "refused",
    "refused_on_macos",
    "stopped",
]

ENGLISH: dict[SoundProblem, str] = {
    "no_package": "There is no sound here: install 'louro[audio]'.",
    "no_portaudio": (
        "There is no sound here: PortAudio is missing. On Debian or Ubuntu: apt install libportaudio2;"
        " on Fedora: dnf install portaudio; on macOS: brew install portaudio."
    ),
    "no_system": "The sound system cannot be asked for its devices: {detail}.",
    "no_device": (
        "There is no {direction}. Plug one in, or check that this user may use the sound system, then start again."
    ),
    "no_such_device": "No {direction} is called {device!r}. Choose one of: {detail}.",
    "refused": (
        "The {direction} {device!r} cannot be opened: {detail}."
        " Another program may be using it: close that, or choose another device."
    ),
    "refused_on_macos": (
        "The {direction} {device!r} cannot be opened: {detail}."
        " Another program may be using it: close that, or choose another device."
        " Check that this program may use the microphone (System Settings > Privacy)."
    ),
    "stopped": "The {direction} {device!r} has stopped. Is it still plugged in?",
}


class SoundError(Exception):
    """Sound cannot be had. The message names the cure, in English; for other languages there is what it is made of.

    *device* is its name, or what was asked for; *detail* the sound system's own words, or the devices that there are.
    """

    def __init__(
        self, problem: SoundProblem, direction: Direction = "microphone", device: str = "", detail: str = ""
    ) -> None:
        super().__init__(ENGLISH[problem].format(direction=direction, device=device, detail=detail))
        self.problem = problem
        self.direction = direction
        self.device = device
        self.detail = detail
