"""From the session's audio formats to codecs."""

from __future__ import annotations

from louro.audio.codec import Decoder, Encoder, Encoding
from louro.protocol.session import AudioFormat, PcmaFormat, PcmFormat, PcmuFormat

_ENCODINGS: dict[type[AudioFormat], Encoding] = {
    PcmFormat: "pcm16",
    PcmuFormat: "g711_ulaw",
    PcmaFormat: "g711_alaw",
}


def decoder_for(audio_format: AudioFormat, rate_hz: int) -> Decoder:
    """*rate_hz* is that of pcm; G.711 has its own."""
    return Decoder(_ENCODINGS[type(audio_format)], rate_hz)


def encoder_for(audio_format: AudioFormat) -> Encoder:
    return Encoder(_ENCODINGS[type(audio_format)])
