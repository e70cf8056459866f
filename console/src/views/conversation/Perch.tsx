import { FileMusic, Mic, MicOff, PhoneOff, SendHorizontal, Square } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import { Switch } from "../../ui/Switch";
import { useConsole, useConsoleState } from "../context";
import { LoudspeakerChoice } from "./Loudspeaker";
import { MicrophoneChoice, MicrophoneNotice } from "./Microphone";
import { ParrotEye } from "./ParrotEye";
import { sayFile } from "./sound_file";
import { Waveform } from "./Waveform";

/** Where one talks from: both voices, the eye to press, and the written word. */
export function Perch() {
  const { t } = useTranslation();
  return (
    <section className="perch" aria-label={t("perch")}>
      <MicrophoneNotice />
      <div className="voices">
        <Waveform side="input" label={t("wave.input")} />
        <TalkButton />
        <Waveform side="output" label={t("wave.output")} />
      </div>
      <Controls />
      <MessageBox />
    </section>
  );
}

function TalkButton() {
  const { t } = useTranslation();
  const console = useConsole();
  const mode = useConsoleState((state) => state.mode);
  const holding = useConsoleState((state) => state.holding);
  const muted = useConsoleState((state) => state.microphone.muted);
  const assistant = useConsoleState((state) => state.assistantState);
  const push = mode === "push";
  const label = push ? t(holding ? "talk.release" : "talk.hold") : t(muted ? "unmute" : "mute");
  const hold = push ? holdHandlers(console.startTalking.bind(console), console) : {};
  return (
    <div className="talk">
      <button
        type="button"
        className="eye"
        data-holding={holding}
        aria-label={label}
        aria-pressed={push ? holding : muted}
        onClick={() => {
          if (!push) console.mute(!muted);
        }}
        {...hold}
      >
        <ParrotEye />
      </button>
      <p className="talk-state">
        {push && assistant === "idle" ? label : t(`assistant.${assistant}`)}
      </p>
    </div>
  );
}

function holdHandlers(start: () => void, console: ReturnType<typeof useConsole>) {
  const stop = () => {
    if (console.state.holding) console.stopTalking();
  };
  return {
    onPointerDown: (event: PointerEvent<HTMLButtonElement>) => {
      // Captured, so that a finger that slides off the button still lets go of it.
      event.currentTarget.setPointerCapture(event.pointerId);
      start();
    },
    onPointerUp: stop,
    onPointerCancel: stop,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.repeat || (event.key !== " " && event.key !== "Enter")) return;
      event.preventDefault();
      start();
    },
    onKeyUp: stop,
    onBlur: stop,
  };
}

function Controls() {
  const { t } = useTranslation();
  const console = useConsole();
  const mode = useConsoleState((state) => state.mode);
  const muted = useConsoleState((state) => state.microphone.muted);
  const busy = useConsoleState((state) => state.assistantState !== "idle");
  return (
    <div className="controls">
      <Switch
        label={t("voiceMode")}
        checked={mode === "voice"}
        onChange={(on) => console.setMode(on ? "voice" : "push")}
      />
      <MicrophoneChoice />
      <LoudspeakerChoice />
      <span className="controls-end">
        <button
          type="button"
          className="icon-button"
          aria-label={t(muted ? "unmute" : "mute")}
          aria-pressed={muted}
          onClick={() => console.mute(!muted)}
        >
          {muted ? <MicOff aria-hidden="true" /> : <Mic aria-hidden="true" />}
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t("interrupt")}
          disabled={!busy}
          onClick={() => console.interrupt()}
        >
          <Square aria-hidden="true" />
        </button>
        <button
          type="button"
          className="icon-button danger"
          aria-label={t("hangUp")}
          onClick={() => console.disconnect()}
        >
          <PhoneOff aria-hidden="true" />
        </button>
      </span>
    </div>
  );
}

function MessageBox() {
  const { t } = useTranslation();
  const console = useConsole();
  const [text, setText] = useState("");
  const send = () => {
    if (!text.trim()) return;
    console.sendText(text.trim());
    setText("");
  };
  return (
    <form
      className="message-box"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <FileButton />
      <input
        id="message"
        value={text}
        autoComplete="off"
        aria-label={t("message.label")}
        placeholder={t("message.placeholder")}
        onChange={(event) => setText(event.target.value)}
      />
      <button
        type="submit"
        className="icon-button send"
        aria-label={t("message.send")}
        disabled={!text.trim()}
      >
        <SendHorizontal aria-hidden="true" />
      </button>
    </form>
  );
}

/** For who has no microphone, and for who wants to say the same thing twice. */
function FileButton() {
  const { t } = useTranslation();
  const console = useConsole();
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        className="icon-button file"
        aria-label={t("file.choose")}
        onClick={() => picker.current?.click()}
      >
        <FileMusic aria-hidden="true" />
      </button>
      <input
        ref={picker}
        type="file"
        accept="audio/*"
        hidden
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) void sayFile(console, file);
          event.target.value = "";
        }}
      />
    </>
  );
}
