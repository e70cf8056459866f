"""All responses of a session: the one of the conversation, those out of band, and the draft."""

from __future__ import annotations

from dataclasses import replace

from msgspec import UNSET, structs

from louro.protocol import server_events as ev
from louro.protocol.errors import ClientError, invalid_value
from louro.protocol.items import InputItem, InputText, ItemReference, KeptItem, MessageItem
from louro.protocol.response import (
    BetaResponseParams,
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseParams,
)
from louro.protocol.session import AudioFormat, MaxTokens, RealtimeSession
from louro.session import actions
from louro.session.accounting import CountTokens, as_input, in_context, tokens_of_preamble
from louro.session.answer import Answer, Trigger, Wish
from louro.session.conversation import Entry
from louro.session.hearing import Hearing, Hearings
from louro.session.items import Items
from louro.session.limits import MAX_ACTIVE_RESPONSES
from louro.session.outgoing import Outgoing
from louro.session.reports import AllowanceChanged, Quota, ResponseReport
from louro.session.setup import (
    Setup,
    check_modalities,
    check_prompt,
    check_tool_choice,
    check_tools,
    functions,
    instructions_of,
    voice_name,
)
from louro.session.tokens import Tokens
from louro.session.window import ContextOverflow, fit

RATE_WINDOW_S = 60.0


class Responses:
    def __init__(
        self, setup: Setup, items: Items, hearings: Hearings, out: Outgoing, count_tokens: CountTokens
    ) -> None:
        self._setup = setup
        self._items = items
        self._hearings = hearings
        self._out = out
        self._count_tokens = count_tokens
        self._conversation_id = out.new_id("conv")
        self._answers: dict[str, Answer] = {}
        self._current: Answer | None = None
        """The one that belongs to the conversation."""
        self._draft: Answer | None = None
        self._draft_entry: Entry | None = None
        self._spent: list[tuple[float, int]] = []
        self._allowance = AllowanceChanged()
        self._begun = 0
        """Answers, since the allowance was told."""
        self.has_spoken = False
        self.played_until = 0.0
        """When the last answer's audio will have been played, if it is played as it comes."""

    def allow(self, allowance: AllowanceChanged) -> None:
        """What is still paid for."""
        self._allowance = allowance
        self._begun = 0

    def refusal(self, now: float) -> ClientError | None:
        """Why nothing more is done for now, if that is so."""
        if not self._allowance.refuses(now):
            return None
        return ClientError(self._allowance.code, self._allowance.refusal or "")

    # Asked for

    def create(
        self, settings: RealtimeSession, params: ResponseParams | None, audio_format: AudioFormat, now: float
    ) -> None:
        answer = self._new_answer(settings, params or ResponseParams(), audio_format, "client")
        self._admit(answer, now)
        self._announce(answer, now)
        self._start(answer, now)

    def answer_turn(
        self, settings: RealtimeSession, audio_format: AudioFormat, entry: Entry, trigger: Trigger, now: float
    ) -> None:
        """Answer what was just committed, with the draft if there is one of it."""
        draft, drafted = self._draft, self._draft_entry
        self._draft = self._draft_entry = None
        if draft is None or drafted is not entry:
            draft = self._new_answer(settings, ResponseParams(), audio_format, trigger)
        self._admit(draft, now)
        held, draft.held = draft.held or [], None
        self._announce(draft, now)
        if not draft.is_started:
            self._start(draft, now)
            return
        self._out.start(actions.Confirm(draft.id))
        for report in held:
            self.receive(report, now)

    def draft(self, settings: RealtimeSession, audio_format: AudioFormat, entry: Entry, now: float) -> None:
        """Begin to answer a turn that may not be over, unless an answer is under way."""
        self.drop_draft()
        if self._current is not None or self._allowance.refuses(now):
            return
        self._draft = self._new_answer(settings, ResponseParams(), audio_format, "turn")
        self._draft.held = []
        self._draft_entry = entry
        self._start(self._draft, now)

    def drop_draft(self) -> None:
        draft, self._draft, self._draft_entry = self._draft, None, None
        if draft is not None and draft.is_started:
            self._out.start(actions.Stop(draft.id))

    def warm(self, settings: RealtimeSession) -> None:
        self._warm(settings, ())

    def _warm(self, settings: RealtimeSession, context: tuple[KeptItem, ...]) -> None:
        instructions = instructions_of(settings.instructions, settings.prompt, self._setup)
        tools = functions(settings.tools)
        self._out.start(actions.Warm(instructions, tools, settings.tool_choice, context))

    def read_along(self, settings: RealtimeSession, words: str) -> None:
        """The user is speaking, and *words* were heard; the last of them may have been half a word."""
        if self._current is not None or self._draft is not None:
            return
        entries = [entry for entry in self._items.conversation if entry.item.status != "in_progress"]
        context = [entry.reading for entry in entries if entry.is_heard and not entry.forgotten]
        if certain := words.rpartition(" ")[0].strip():
            said = InputText(certain)
            context.append(MessageItem(id=None, role="user", content=(said,), status="in_progress"))
        if context:
            self._warm(settings, tuple(context))

    # Ended

    def cancel(self, response_id: str | None, now: float) -> None:
        answer = self._answers.get(response_id) if response_id else self._current
        if answer is None:
            raise ClientError("response_cancel_not_active", "Cancellation failed: no active response found")
        answer.cancel("client_cancelled")
        self._stop(answer, now)

    def interrupt(self, now: float) -> None:
        """The user speaks: whatever the conversation was hearing is over."""
        if self._current is not None:
            answer = self._current
            answer.cancel("turn_detected")
            self._stop(answer, now)

    def end_all(self, message: str, now: float) -> None:
        """The session is over: what is being answered ends here, and is told and counted as far as it came."""
        self.drop_draft()
        for answer in list(self._answers.values()):
            answer.fail("invalid_request_error", "session_expired", message)
            self._stop(answer, now)

    @property
    def is_answering(self) -> bool:
        return self._current is not None

    # Engines said

    def receive(self, report: ResponseReport, now: float) -> None:
        draft = self._draft
        if draft is not None and draft.id == report.response_id and draft.held is not None:
            draft.held.append(report)
            return
        answer = self._answers.get(report.response_id)
        if answer is not None and answer.receive(report, now):
            self._forget(answer, now)

    def heard(self, hearing: Hearing, now: float) -> None:
        """A transcript is there: answers that waited for it can begin."""
        for answer in self._waiting():
            if hearing.failure is not None and hearing.entry in self._context(answer):
                self._give_up(answer, hearing.failure, now)
            else:
                self._start(answer, now)

    def start_those_that_can(self, now: float) -> None:
        """What they waited for may be gone."""
        for answer in self._waiting():
            self._start(answer, now)

    def _waiting(self) -> list[Answer]:
        answers = [*self._answers.values()] + ([self._draft] if self._draft else [])
        return [answer for answer in answers if not answer.is_started]

    def _give_up(self, answer: Answer, message: str, now: float) -> None:
        if answer is self._draft:
            self.drop_draft()
            return
        answer.fail("server_error", "transcription_failed", message)
        self._forget(answer, now)

    # From wish to work

    def _admit(self, answer: Answer, now: float) -> None:
        refusal = self.refusal(now)
        if refusal is not None:
            raise refusal
        if answer.wish.in_conversation and self._current is not None:
            raise ClientError(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self._current.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        if len(self._answers) >= MAX_ACTIVE_RESPONSES:
            raise ClientError(
                "too_many_active_responses",
                f"A session has at most {MAX_ACTIVE_RESPONSES} responses at a time. Wait for one to finish.",
            )
        self._answers[answer.id] = answer
        if answer.wish.in_conversation:
            self._current = answer

    def _announce(self, answer: Answer, now: float) -> None:
        answer.announce()
        self._begun += 1
        if self._setup.limits_first:
            self._say_limits(now)

    def _start(self, answer: Answer, now: float) -> None:
        """Ask the model, if everything that it is to read has been heard."""
        entries = self._context(answer)
        if not all(entry.is_heard for entry in entries):
            return
        if answer.wish.trigger == "turn" and entries and not any(entries[-1].heard):
            self._say_nothing(answer, now)
            return
        wish = answer.wish
        preamble = tokens_of_preamble(wish.instructions, wish.tools, self._count_tokens)
        room = self._setup.context_tokens - self._setup.reserved_tokens - preamble
        try:
            entries = fit(entries, room, wish.truncation, lambda e: in_context(e, self._count_tokens))
        except ContextOverflow:
            self._overflow(answer, now)
            return
        taken = [as_input(entry, self._count_tokens) for entry in entries]
        answer.taken = Tokens.sum([Tokens(text=preamble), *taken])
        answer.is_started = True
        self._out.start(self._order(answer, entries))

    def _order(self, answer: Answer, entries: list[Entry]) -> actions.Respond:
        wish = answer.wish
        return actions.Respond(
            response_id=answer.id,
            instructions=wish.instructions,
            context=tuple(entry.reading for entry in entries),
            tools=wish.tools,
            tool_choice=wish.tool_choice,
            speaks=answer.speaks,
            voice=wish.voice,
            speed=wish.speed,
            language=wish.language,
            max_tokens=_number(answer.response.max_output_tokens),
            temperature=wish.temperature,
            draft=answer is self._draft,
        )

    def _say_nothing(self, answer: Answer, now: float) -> None:
        """Noise made a turn: nobody said a word, and nobody is answered."""
        if answer is self._draft:
            self.drop_draft()
            return
        answer.finish_without_words()
        self._forget(answer, now)

    def _overflow(self, answer: Answer, now: float) -> None:
        if answer is self._draft:
            self.drop_draft()
            return
        answer.fail(
            "invalid_request_error",
            "context_length_exceeded",
            f"The conversation is longer than the {self._setup.context_tokens} tokens that the model can read, and "
            "truncation is disabled. Delete items, or set truncation to 'auto'.",
        )
        self._forget(answer, now)

    def _context(self, answer: Answer) -> list[Entry]:
        if answer.wish.input is not None:
            return list(answer.wish.input)
        entries = [entry for entry in self._items.conversation if entry.item.status != "in_progress"]
        if answer is self._draft and self._draft_entry is not None:
            entries.append(self._draft_entry)
        return entries

    def _new_answer(
        self, settings: RealtimeSession, params: ResponseParams, audio_format: AudioFormat, trigger: Trigger
    ) -> Answer:
        if params.conversation not in (None, "auto", "none"):
            raise invalid_value(
                f"Invalid value: '{params.conversation}'. Supported values are: 'auto' and 'none'.",
                "response.conversation",
            )
        wish = self._wish(settings, params, trigger)
        if params.input is not None:
            wish = replace(wish, input=self._input(params.input, audio_format))
        output = settings.audio.output
        if params.audio is not None and params.audio.output is not None:
            asked = params.audio.output
            output = structs.replace(
                output, format=asked.format or output.format, voice=asked.voice or output.voice
            )
        temperature = wish.temperature if wish.temperature is not None else settings.temperature
        voice = voice_name(output.voice)
        response = Response(
            id=self._out.new_id("resp"),
            conversation_id=self._conversation_id if wish.in_conversation else None,
            output_modalities=params.output_modalities or settings.output_modalities,
            max_output_tokens=params.max_output_tokens or settings.max_output_tokens,
            audio=ResponseAudio(output=ResponseAudioOutput(format=output.format, voice=voice)),
            metadata=dict(params.metadata) if params.metadata is not None else None,
            temperature=temperature,
        )
        return Answer(
            response,
            replace(wish, voice=voice),
            self._out,
            self._items.adopt,
            self._count_tokens,
        )

    def _wish(self, settings: RealtimeSession, params: ResponseParams, trigger: Trigger) -> Wish:
        tools = settings.tools if params.tools is None else params.tools
        check_tools(tools, "response.tools")
        prompt = params.prompt or settings.prompt
        check_prompt(prompt, self._setup, "response.prompt")
        choice = settings.tool_choice if params.tool_choice is None else params.tool_choice
        check_tool_choice(choice, "response.tool_choice")
        check_modalities(params.output_modalities or settings.output_modalities, "response.output_modalities")
        instructions = settings.instructions if params.instructions is None else params.instructions
        temperature = settings.temperature if settings.temperature is not UNSET else None
        if isinstance(params, BetaResponseParams) and params.temperature is not None:
            temperature = params.temperature
        transcription = settings.audio.input.transcription
        return Wish(
            instructions=instructions_of(instructions, prompt, self._setup),
            tools=functions(tools),
            tool_choice=choice,
            voice=voice_name(settings.audio.output.voice),
            speed=settings.audio.output.speed,
            language=transcription.language if transcription else None,
            temperature=temperature,
            truncation=settings.truncation,
            in_conversation=params.conversation != "none",
            trigger=trigger,
        )

    def _input(self, items: tuple[InputItem, ...], audio_format: AudioFormat) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        sounds: list[tuple[Entry, int, bytes]] = []
        for index, item in enumerate(items):
            param = f"response.input[{index}]"
            if isinstance(item, ItemReference):
                found = self._items.conversation.get(item.id)
                if found is None:
                    raise invalid_value(f"Item with id '{item.id}' does not exist.", f"{param}.id")
                entries.append(found)
                continue
            entry, unheard = self._items.entry_of(item, audio_format, param)
            entries.append(entry)
            sounds += [(entry, part, pcm) for part, pcm in unheard.items()]
        for entry, part, pcm in sounds:
            self._hearings.listen(entry, part, pcm, None)
        return tuple(entries)

    # Afterwards

    def _stop(self, answer: Answer, now: float) -> None:
        if answer.is_started:
            self._out.start(actions.Stop(answer.id))
        self._forget(answer, now)

    def _forget(self, answer: Answer, now: float) -> None:
        del self._answers[answer.id]
        if answer is self._current:
            self._current = None
            self.played_until = (answer.first_audio_at or now) + answer.audio_ms / 1000
        self.has_spoken = self.has_spoken or answer.audio_ms > 0
        assert answer.response.usage is not None
        self._spent.append((now, answer.response.usage.total_tokens))
        if not self._setup.limits_first:
            self._say_limits(now)

    def _say_limits(self, now: float) -> None:
        self._spent = [(at, tokens) for at, tokens in self._spent if at > now - RATE_WINDOW_S]
        remaining = self._setup.token_limit - sum(tokens for _, tokens in self._spent)
        reset_s = self._spent[0][0] + RATE_WINDOW_S - now if self._spent else 0.0
        quotas = self._allowance.quotas
        if not any(quota.name == "tokens" for quota in quotas):
            quotas = (Quota("tokens", self._setup.token_limit, max(remaining, 0), reset_s), *quotas)
        limits = tuple(
            ev.RateLimit(
                name=quota.name,
                limit=quota.limit,
                remaining=max(quota.remaining - (self._begun if quota.name == "requests" else 0), 0),
                reset_seconds=round(quota.reset_s, 3),
            )
            for quota in quotas
        )
        self._out.send(ev.RateLimitsUpdated(event_id=self._out.event_id(), rate_limits=limits))


def _number(tokens: MaxTokens) -> int | None:
    return None if tokens == "inf" else tokens
