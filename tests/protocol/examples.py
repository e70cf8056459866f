"""One of everything that travels, and strategies that make more."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET, inspect, structs

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import (
    AudioPart,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    MessageItem,
    OutputAudio,
    OutputText,
    TextPart,
)
from louro.protocol.response import (
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseAudioOutputParams,
    ResponseAudioParams,
    ResponseError,
    ResponseParams,
    StatusDetails,
    Usage,
)
from louro.protocol.session import (
    AudioInput,
    AudioInputPatch,
    AudioOutputPatch,
    FunctionChoice,
    FunctionTool,
    NoiseReduction,
    PcmFormat,
    PcmuFormat,
    RealtimeAudio,
    RealtimeAudioPatch,
    RealtimeSession,
    RealtimeSessionPatch,
    Reasoning,
    SemanticVad,
    ServerVad,
    Transcription,
    TranscriptionAudio,
    TranscriptionAudioPatch,
    TranscriptionSession,
    TranscriptionSessionPatch,
)

USER = MessageItem(
    id="item_1",
    status="completed",
    role="user",
    content=(InputAudio(transcript="Hello."), InputText("Hi")),
)
PICTURE = MessageItem(
    id="item_5", status="completed", role="user", content=(InputImage("data:image/png;base64,AA=="),)
)
ASSISTANT = MessageItem(
    id="item_2", status="completed", role="assistant", content=(OutputAudio("Hello!"), OutputText("Hi!"))
)
CALL = FunctionCallItem(id="item_3", status="completed", name="now", arguments="{}", call_id="call_1")
OUTPUT = FunctionCallOutputItem(id="item_4", status="completed", call_id="call_1", output="noon")
TOOL = FunctionTool(name="now", description="The time.", parameters={"type": "object", "default": None})
AUDIO = ResponseAudio(output=ResponseAudioOutput(format=PcmFormat(), voice="alloy"))
STARTED = Response(id="resp_1", audio=AUDIO, conversation_id="conv_1")
DONE = Response(
    id="resp_1", audio=AUDIO, status="completed", output=(ASSISTANT, CALL), usage=Usage(), metadata={"a": "b"}
)
FAILED = Response(
    id="resp_2",
    audio=AUDIO,
    status="failed",
    output_modalities=("text",),
    status_details=StatusDetails(
        type="failed", error=ResponseError(type="server_error", code="x", message="y")
    ),
    usage=Usage(),
)
CUT = Response(
    id="resp_3",
    audio=AUDIO,
    status="cancelled",
    status_details=StatusDetails(type="cancelled", reason="turn_detected"),
    usage=Usage(),
)
SESSION = RealtimeSession(id="sess_1", model="gpt-realtime", expires_at=1, tools=(TOOL,))
HEARING_SESSION = TranscriptionSession(
    id="sess_2",
    expires_at=1,
    audio=TranscriptionAudio(input=AudioInput(transcription=Transcription(model="whisper-1"))),
)
BUSY_SESSION = RealtimeSession(
    id="sess_3",
    model="gpt-realtime",
    expires_at=1,
    output_modalities=("text",),
    audio=RealtimeAudio(
        input=AudioInput(
            format=PcmuFormat(),
            transcription=Transcription(model="whisper-1", language="pt"),
            noise_reduction=NoiseReduction("near_field"),
            turn_detection=SemanticVad(eagerness="high"),
        )
    ),
)
FULL_SESSION = RealtimeSession(
    id="sess_4",
    model="gpt-realtime-2",
    expires_at=1,
    parallel_tool_calls=False,
    reasoning=Reasoning("low"),
    audio=RealtimeAudio(
        input=AudioInput(
            transcription=Transcription(
                model="gpt-transcribe", languages=("pt", "en"), keywords=("louro",), delay="low"
            ),
            noise_reduction=NoiseReduction("near_field", strength=0.5),
        )
    ),
)

_OF_ITEM: dict[str, Any] = {
    "event_id": "event_1",
    "response_id": "resp_1",
    "item_id": "item_2",
    "output_index": 0,
}
_OF_PART: dict[str, Any] = {**_OF_ITEM, "content_index": 0}
_OF_HEARD: dict[str, Any] = {"event_id": "event_1", "item_id": "item_1"}
_OF_MCP: dict[str, Any] = {"event_id": "event_1", "output_index": 0, "item_id": "item_9"}

SERVER_EVENTS: list[ev.AnyServerEvent] = [
    ev.Error(
        event_id="event_1",
        error=ev.ErrorDetail(code="invalid_value", message="No.", param="session.audio.output.voice"),
    ),
    ev.RateLimitsUpdated(
        event_id="event_1",
        rate_limits=(ev.RateLimit(name="tokens", limit=9, remaining=8, reset_seconds=0.5),),
    ),
    ev.SessionCreated(event_id="event_1", session=SESSION),
    ev.ConversationCreated(event_id="event_1", conversation=ev.Conversation(id="conv_1")),
    ev.SessionCreated(event_id="event_1", session=HEARING_SESSION),
    ev.SessionUpdated(event_id="event_1", session=BUSY_SESSION),
    ev.SessionUpdated(event_id="event_1", session=FULL_SESSION),
    ev.SessionUpdated(event_id="event_1", session=HEARING_SESSION),
    *(
        ev.ConversationItemAdded(event_id="event_1", previous_item_id=None, item=item)
        for item in (USER, ASSISTANT, CALL, OUTPUT)
    ),
    ev.ConversationItemDone(event_id="event_1", previous_item_id="item_1", item=ASSISTANT),
    ev.ConversationItemRetrieved(event_id="event_1", item=USER),
    ev.ConversationItemTruncated(event_id="event_1", item_id="item_2", content_index=0, audio_end_ms=5),
    ev.ConversationItemDeleted(event_id="event_1", item_id="item_2"),
    ev.InputAudioBufferSpeechStarted(**_OF_HEARD, audio_start_ms=5),
    ev.InputAudioBufferSpeechStopped(**_OF_HEARD, audio_end_ms=9),
    ev.InputAudioBufferCommitted(**_OF_HEARD, previous_item_id=None),
    ev.InputAudioBufferCleared(event_id="event_1"),
    ev.InputAudioTranscriptionDelta(**_OF_HEARD, delta="Hel"),
    ev.InputAudioTranscriptionDelta(
        **_OF_HEARD, delta="lo", logprobs=(ev.LogProb(token="lo", logprob=-0.5, bytes=(108, 111)),)
    ),
    ev.InputAudioTranscriptionCompleted(
        **_OF_HEARD, transcript="Hello.", usage=ev.TranscriptionDuration(seconds=1.5)
    ),
    ev.InputAudioTranscriptionCompleted(
        **_OF_HEARD,
        transcript="Hello.",
        usage=ev.TranscriptionTokens(
            total_tokens=3,
            input_tokens=2,
            output_tokens=1,
            input_token_details=ev.TranscriptionInputDetails(audio_tokens=2),
        ),
        logprobs=(ev.LogProb(token="H", logprob=-0.5, bytes=(72,)),),
        languages=(ev.DetectedLanguage("en"),),
    ),
    ev.InputAudioTranscriptionFailed(
        **_OF_HEARD, error=ev.TranscriptionError(type="server_error", message="No.")
    ),
    ev.ResponseCreated(event_id="event_1", response=STARTED),
    ev.ResponseDone(event_id="event_1", response=DONE),
    ev.ResponseDone(event_id="event_1", response=FAILED),
    ev.ResponseDone(event_id="event_1", response=CUT),
    ev.ResponseOutputItemAdded(event_id="event_1", response_id="resp_1", output_index=0, item=ASSISTANT),
    ev.ResponseOutputItemDone(event_id="event_1", response_id="resp_1", output_index=0, item=CALL),
    ev.ResponseContentPartAdded(**_OF_PART, part=AudioPart()),
    ev.ResponseContentPartAdded(**_OF_PART, part=TextPart()),
    ev.ResponseContentPartDone(**_OF_PART, part=TextPart("Hi!")),
    ev.ResponseContentPartDone(**_OF_PART, part=AudioPart("Hello!")),
    ev.ResponseOutputTextDelta(**_OF_PART, delta="Hi"),
    ev.ResponseOutputTextDone(**_OF_PART, text="Hi!"),
    ev.ResponseOutputAudioTranscriptDelta(**_OF_PART, delta="Hel"),
    ev.ResponseOutputAudioTranscriptDone(**_OF_PART, transcript="Hello!"),
    ev.ResponseOutputAudioDelta(**_OF_PART, delta=b"\x01\x02"),
    ev.ResponseOutputAudioDone(**_OF_PART),
    ev.ResponseFunctionCallArgumentsDelta(**_OF_ITEM, call_id="call_1", delta="{"),
    ev.ResponseFunctionCallArgumentsDone(**_OF_ITEM, call_id="call_1", name="now", arguments="{}"),
    ev.SessionUpdated(
        event_id="event_1", session=structs.replace(SESSION, tool_choice=FunctionChoice("now"))
    ),
    ev.ConversationItemAdded(event_id="event_1", item=PICTURE),
    ev.InputAudioBufferTimeoutTriggered(**_OF_HEARD, audio_start_ms=5, audio_end_ms=9),
    ev.InputAudioTranscriptionSegment(**_OF_HEARD, text="Hi", id="seg_1", speaker="A", start=0.0, end=1.0),
    ev.McpListToolsInProgress(event_id="event_1", item_id="item_9"),
    ev.McpListToolsCompleted(event_id="event_1", item_id="item_9"),
    ev.McpListToolsFailed(event_id="event_1", item_id="item_9"),
    ev.ResponseMcpCallArgumentsDelta(**_OF_ITEM, delta="{"),
    ev.ResponseMcpCallArgumentsDone(**_OF_ITEM, arguments="{}"),
    ev.ResponseMcpCallInProgress(**_OF_MCP),
    ev.ResponseMcpCallCompleted(**_OF_MCP),
    ev.ResponseMcpCallFailed(**_OF_MCP),
]

CLIENT_EVENTS: list[ce.AnyClientEvent] = [
    ce.SessionUpdate(
        event_id="mine",
        session=RealtimeSessionPatch(
            output_modalities=("audio",),
            instructions="Be brief.",
            tools=(TOOL,),
            tool_choice=FunctionChoice("now"),
            max_output_tokens=50,
            tracing="auto",
            include=("item.input_audio_transcription.logprobs",),
            audio=RealtimeAudioPatch(
                input=AudioInputPatch(
                    format=PcmuFormat(),
                    transcription=Transcription(model="whisper-1"),
                    noise_reduction=NoiseReduction("far_field"),
                    turn_detection=None,
                ),
                output=AudioOutputPatch(format=PcmFormat(), voice="ash", speed=1.25),
            ),
        ),
    ),
    ce.SessionUpdate(
        session=TranscriptionSessionPatch(
            audio=TranscriptionAudioPatch(input=AudioInputPatch(turn_detection=ServerVad(threshold=0.25)))
        )
    ),
    ce.InputAudioBufferAppend(audio=b"\x01\x02"),
    ce.InputAudioBufferAppend(event_id="mine", audio=b""),
    ce.InputAudioBufferCommit(),
    ce.InputAudioBufferClear(),
    *(ce.ConversationItemCreate(item=item) for item in (USER, ASSISTANT, CALL, OUTPUT)),
    ce.ConversationItemCreate(item=USER, previous_item_id="root"),
    ce.ConversationItemRetrieve(item_id="item_1"),
    ce.ConversationItemTruncate(item_id="item_1", content_index=0, audio_end_ms=5),
    ce.ConversationItemDelete(item_id="item_1"),
    ce.ResponseCreate(),
    ce.ResponseCreate(
        event_id="mine",
        response=ResponseParams(
            output_modalities=("text",),
            instructions="Sing.",
            audio=ResponseAudioParams(output=ResponseAudioOutputParams(format=PcmFormat(), voice="ash")),
            tools=(TOOL,),
            tool_choice="none",
            max_output_tokens="inf",
            conversation="none",
            metadata={"a": "b"},
            input=(USER, ASSISTANT),
        ),
    ),
    ce.ResponseCancel(response_id="resp_1"),
]


def events(union: Any) -> st.SearchStrategy[Any]:
    """Instances of *union*, every optional field now there and now not."""
    return _instances(inspect.type_info(union))


def _instances(info: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901 - one case for each type
    match info:
        case inspect.UnionType(types=types):
            return st.one_of(*map(_instances, types))
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: _values(field) for field in fields})
        case inspect.VarTupleType(item_type=item):
            return st.lists(_instances(item), max_size=2).map(tuple)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_instances(key), _instances(value), max_size=2)
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.IntType(ge=ge, le=le):
            return st.integers(-(2**31) if ge is None else ge, 2**31 if le is None else le)
        case inspect.FloatType(ge=ge, le=le):
            return st.floats(-1e9 if ge is None else ge, 1e9 if le is None else le)
        case inspect.StrType():
            return st.text(max_size=8)
        case inspect.BytesType():
            return st.binary(max_size=8)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case _:
            return st.sampled_from([None, 1, "x", [None], {"a": None}])


def _values(field: inspect.Field) -> st.SearchStrategy[Any]:
    values = _instances(field.type)
    return values | st.just(UNSET) if field.default is UNSET else values
