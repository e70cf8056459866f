"""What the terminal assistant says about itself, in the languages that it knows."""

from __future__ import annotations

import locale
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from louro.client.sound_errors import Direction, SoundError, SoundProblem

Language: TypeAlias = Literal["en", "pt"]
State: TypeAlias = Literal[
    "loading", "connecting", "ready", "listening", "hearing", "thinking", "working", "speaking", "over"
]


@dataclass(frozen=True)
class Words:
    states: dict[State, str]
    you: str
    louro: str
    tool: str
    microphone: str
    loudspeaker: str
    muted: str
    no_sound: str
    hint_voice: str
    hint_by_hand: str
    hint_silent: str
    placeholder: str
    decimal_point: str
    latency: str
    """With {seconds}."""
    short_latency: str
    """The same, where there is little room."""
    tokens: str
    """With {count}."""
    cost: str
    """With {usd} and {model}."""
    saved: str
    """With {folder}."""
    reconnected: str
    error: str
    """With {message}."""
    voice_mode: str
    by_hand_mode: str
    talk: str
    send: str
    type: str
    interrupt: str
    mute: str
    push_to_talk: str
    by_voice: str
    space: str
    """The key."""
    save: str
    quit: str
    leave: str
    """Of the line that is being typed."""
    instructions: str
    """To the model: who it is, and what it speaks."""
    remembered: str
    """To the model, with {memories}."""
    devices: dict[Direction, str]
    no_devices: str
    no_canceller: str
    """This and the next are empty in English: `louro.client` says it in that."""
    sound_problems: dict[SoundProblem, str]
    """With {direction}, {device} and {detail}."""

    def sound_problem(self, error: SoundError) -> str:
        if error.problem not in self.sound_problems:
            return str(error)
        return self.sound_problems[error.problem].format(
            direction=self.devices[error.direction], device=error.device, detail=error.detail
        )

    def number(self, value: float, decimals: int) -> str:
        return f"{value:.{decimals}f}".replace(".", self.decimal_point)


ENGLISH = Words(
    states={
        "loading": "loading",
        "connecting": "connecting",
        "ready": "ready",
        "listening": "listening",
        "hearing": "you speak",
        "thinking": "thinking",
        "working": "using a tool",
        "speaking": "speaking",
        "over": "over",
    },
    you="You",
    louro="Louro",
    tool="tool",
    microphone="mic",
    loudspeaker="out",
    muted="muted",
    no_sound="no sound",
    hint_voice="Talk: it listens. Speak into the answer to interrupt it.",
    hint_by_hand="Space: talk. Enter: send.",
    hint_silent="T: type a message.",
    placeholder="Type a message, Enter sends it",
    decimal_point=".",
    latency="answered in {seconds} s",
    short_latency="{seconds} s",
    tokens="{count} tokens",
    cost="${usd} on {model}",
    saved="Saved in {folder}",
    reconnected="The connection was lost, and is back. Nothing was forgotten.",
    error="Error: {message}",
    voice_mode="Voice activated: just talk.",
    by_hand_mode="Push to talk: Space begins, Enter sends.",
    talk="Talk",
    send="Send",
    type="Type",
    interrupt="Stop",
    mute="Mute",
    push_to_talk="Push to talk",
    by_voice="Voice",
    space="space",
    save="Save",
    quit="Quit",
    leave="Back",
    instructions="You are Louro, a friendly and lively parrot. Speak briefly, in one or two short sentences.",
    remembered="What you remember about the user: {memories}.",
    devices={"microphone": "microphone", "loudspeaker": "loudspeaker"},
    no_devices="No microphone and no loudspeaker.",
    no_canceller="",
    sound_problems={},
)

PORTUGUESE = Words(
    states={
        "loading": "carregando",
        "connecting": "conectando",
        "ready": "pronto",
        "listening": "ouvindo",
        "hearing": "você fala",
        "thinking": "pensando",
        "working": "usando uma função",
        "speaking": "falando",
        "over": "fim",
    },
    you="Você",
    louro="Louro",
    tool="função",
    microphone="mic",
    loudspeaker="som",
    muted="mudo",
    no_sound="sem som",
    hint_voice="Fale: ele está ouvindo. Fale por cima da resposta para interromper.",
    hint_by_hand="Espaço: falar. Enter: enviar.",
    hint_silent="T: escrever uma mensagem.",
    placeholder="Escreva uma mensagem, Enter envia",
    decimal_point=",",
    latency="respondeu em {seconds} s",
    short_latency="{seconds} s",
    tokens="{count} tokens",
    cost="US$ {usd} em {model}",
    saved="Gravado em {folder}",
    reconnected="A conexão caiu e voltou. Nada foi esquecido.",
    error="Erro: {message}",
    voice_mode="Ativado por voz: é só falar.",
    by_hand_mode="Apertar para falar: Espaço começa, Enter envia.",
    talk="Falar",
    send="Enviar",
    type="Escrever",
    interrupt="Parar",
    mute="Mudo",
    push_to_talk="Aperte e fale",
    by_voice="Voz",
    space="espaço",
    save="Gravar",
    quit="Sair",
    leave="Voltar",
    instructions="Você é o Louro, um papagaio simpático e animado. Responda em português, em uma ou duas frases curtas.",
    remembered="O que você sabe sobre o usuário: {memories}.",
    devices={"microphone": "microfone", "loudspeaker": "alto-falante"},
    no_devices="Nenhum microfone e nenhum alto-falante.",
    no_canceller=(
        "O eco não é cancelado: falta o pywebrtc-audio. Use fones de ouvido, ou instale 'louro[audio]'."
    ),
    sound_problems={
        "no_package": "Não há som aqui: instale 'louro[audio]'.",
        "no_portaudio": (
            "Não há som aqui: falta o PortAudio. No Debian ou Ubuntu: apt install libportaudio2;"
            " no Fedora: dnf install portaudio; no macOS: brew install portaudio."
        ),
        "no_system": "O sistema de som não informa seus dispositivos: {detail}.",
        "no_device": (
            "Não há {direction}. Conecte um, ou verifique se este usuário pode usar o sistema de som, e comece de novo."
        ),
        "no_such_device": "Nenhum {direction} se chama {device!r}. Escolha um destes: {detail}.",
        "refused": (
            "Não foi possível abrir o {direction} {device!r}: {detail}."
            " Talvez outro programa o esteja usando: feche-o, ou escolha outro dispositivo."
        ),
        "refused_on_macos": (
            "Não foi possível abrir o {direction} {device!r}: {detail}."
            " Talvez outro programa o esteja usando: feche-o, ou escolha outro dispositivo."
            " Verifique se este programa pode usar o microfone (Ajustes do Sistema > Privacidade)."
        ),
        "stopped": "O {direction} {device!r} parou. Ele ainda está conectado?",
    },
)


def words_of(language: Language | None) -> Words:
    """None: the language of this terminal, English where it is neither."""
    if language is None:
        language = "pt" if (locale.getlocale()[0] or "").startswith("pt") else "en"
    return PORTUGUESE if language == "pt" else ENGLISH
