from louro.protocol.session import (
    AudioInput,
    AudioInputPatch,
    AudioOutputPatch,
    BetaRealtimeSessionPatch,
    FunctionTool,
    NoiseReduction,
    PcmuFormat,
    RealtimeAudio,
    RealtimeAudioPatch,
    RealtimeSession,
    RealtimeSessionPatch,
    SemanticVad,
    ServerVad,
    StoredPrompt,
    Transcription,
    TranscriptionAudioPatch,
    TranscriptionSession,
    TranscriptionSessionPatch,
    merge,
    merge_patches,
)

SESSION = RealtimeSession(
    id="sess_1",
    model="gpt-realtime",
    expires_at=1,
    instructions="Be brief.",
    tools=(FunctionTool(name="now"),),
    tracing="auto",
    prompt=StoredPrompt("pmpt_1"),
    include=("item.input_audio_transcription.logprobs",),
    audio=RealtimeAudio(
        input=AudioInput(
            transcription=Transcription(model="whisper-1", language="pt"),
            noise_reduction=NoiseReduction("near_field"),
            turn_detection=ServerVad(threshold=0.9, silence_duration_ms=700),
        )
    ),
)


def heard(patch: AudioInputPatch) -> AudioInput:
    return merge(SESSION, RealtimeSessionPatch(audio=RealtimeAudioPatch(input=patch))).audio.input


def test_an_empty_patch_changes_nothing() -> None:
    assert merge(SESSION, RealtimeSessionPatch()) == SESSION
    assert merge(SESSION, RealtimeSessionPatch(audio=RealtimeAudioPatch(input=AudioInputPatch()))) == SESSION


def test_only_what_is_set_changes() -> None:
    changed = merge(SESSION, RealtimeSessionPatch(instructions="Sing.", max_output_tokens=5))
    assert changed.instructions == "Sing."
    assert changed.max_output_tokens == 5
    assert changed.tools == SESSION.tools


def test_empty_clears_instructions_and_tools() -> None:
    changed = merge(SESSION, RealtimeSessionPatch(instructions="", tools=()))
    assert (changed.instructions, changed.tools) == ("", ())


def test_null_clears_what_can_be_cleared() -> None:
    changed = merge(SESSION, RealtimeSessionPatch(tracing=None, prompt=None, include=None))
    assert (changed.tracing, changed.prompt, changed.include) == (None, None, None)
    silent = heard(AudioInputPatch(turn_detection=None, transcription=None, noise_reduction=None))
    assert silent == AudioInput(turn_detection=None)


def test_null_leaves_what_cannot_be_cleared() -> None:
    nothing = RealtimeSessionPatch(
        output_modalities=None,
        instructions=None,
        tools=None,
        tool_choice=None,
        max_output_tokens=None,
        truncation=None,
        parallel_tool_calls=None,
        audio=RealtimeAudioPatch(
            input=AudioInputPatch(format=None), output=AudioOutputPatch(format=None, voice=None, speed=None)
        ),
    )
    assert merge(SESSION, nothing) == SESSION
    assert merge(SESSION, RealtimeSessionPatch(audio=None)) == SESSION
    assert merge(SESSION, RealtimeSessionPatch(audio=RealtimeAudioPatch(input=None, output=None))) == SESSION


def test_audio_merges_by_key() -> None:
    patch = RealtimeSessionPatch(audio=RealtimeAudioPatch(output=AudioOutputPatch(speed=1.25)))
    changed = merge(SESSION, patch)
    assert changed.audio.output.speed == 1.25
    assert changed.audio.output.voice == SESSION.audio.output.voice
    assert changed.audio.input == SESSION.audio.input
    assert heard(AudioInputPatch(format=PcmuFormat())).transcription == SESSION.audio.input.transcription


def test_units_are_replaced_whole() -> None:
    changed = heard(
        AudioInputPatch(
            turn_detection=ServerVad(threshold=0.25), transcription=Transcription(model="whisper-2")
        )
    )
    assert changed.turn_detection == ServerVad(threshold=0.25)
    assert changed.transcription == Transcription(model="whisper-2")
    assert heard(AudioInputPatch(turn_detection=SemanticVad())).turn_detection == SemanticVad()


def test_the_model_stays_what_it_is() -> None:
    assert merge(SESSION, RealtimeSessionPatch(model="other")) == SESSION


def test_warmth_can_be_set_in_the_beta_dialect() -> None:
    assert merge(SESSION, BetaRealtimeSessionPatch(temperature=0.7)).temperature == 0.7
    assert merge(SESSION, BetaRealtimeSessionPatch(temperature=None)) == SESSION


def test_a_transcription_session_merges_alike() -> None:
    session = TranscriptionSession(id="sess_2", expires_at=1)
    patch = TranscriptionSessionPatch(
        audio=TranscriptionAudioPatch(input=AudioInputPatch(transcription=Transcription(model="whisper-1")))
    )
    changed = merge(session, patch)
    assert changed.audio.input.transcription == Transcription(model="whisper-1")
    assert changed.audio.input.turn_detection == ServerVad()


def test_two_patches_become_the_one_that_does_what_both_do() -> None:
    first = RealtimeSessionPatch(
        instructions="Sing.", audio=RealtimeAudioPatch(input=AudioInputPatch(turn_detection=None))
    )
    then = RealtimeSessionPatch(
        tools=(), audio=RealtimeAudioPatch(output=AudioOutputPatch(speed=1.5), input=AudioInputPatch())
    )
    assert merge(SESSION, merge_patches(first, then)) == merge(merge(SESSION, first), then)
