import { at, flagAt, isObject, numberAt, objectAt, textAt } from "../ui/json";

export type Detection = "server_vad" | "semantic_vad" | "none";
export type Eagerness = "auto" | "low" | "medium" | "high";

/** What the form shows of a session: flat, every field present. */
export interface SessionForm {
  readonly instructions: string;
  readonly voice: string;
  readonly modality: "audio" | "text";
  readonly detection: Detection;
  readonly threshold: number;
  readonly prefixPaddingMs: number;
  readonly silenceMs: number;
  readonly eagerness: Eagerness;
  readonly createResponse: boolean;
  readonly interruptResponse: boolean;
  /** JSON, as typed. */
  readonly tools: string;
}

export const emptyForm: SessionForm = {
  instructions: "",
  voice: "alloy",
  modality: "audio",
  detection: "server_vad",
  threshold: 0.5,
  prefixPaddingMs: 300,
  silenceMs: 200,
  eagerness: "auto",
  createResponse: true,
  interruptResponse: true,
  tools: "[]",
};

export function formOf(session: unknown): SessionForm {
  if (!isObject(session)) return emptyForm;
  const detection = at(session, "audio", "input", "turn_detection");
  const modalities = session.output_modalities;
  return {
    instructions: textAt(session, "instructions"),
    voice: voiceOf(at(session, "audio", "output", "voice")),
    modality: Array.isArray(modalities) && modalities.includes("text") ? "text" : "audio",
    ...detectionOf(detection),
    tools: JSON.stringify(session.tools ?? [], null, 2),
  };
}

export function turnDetectionOf(form: SessionForm): object | null {
  const shared = {
    create_response: form.createResponse,
    interrupt_response: form.interruptResponse,
  };
  switch (form.detection) {
    case "none":
      return null;
    case "semantic_vad":
      return { type: "semantic_vad", eagerness: form.eagerness, ...shared };
    case "server_vad":
      return {
        type: "server_vad",
        threshold: form.threshold,
        prefix_padding_ms: form.prefixPaddingMs,
        silence_duration_ms: form.silenceMs,
        ...shared,
      };
  }
}

/** The whole form as the session of a session.update. */
export function sessionOf(form: SessionForm): Record<string, unknown> {
  return {
    type: "realtime",
    instructions: form.instructions,
    output_modalities: [form.modality],
    audio: {
      input: { turn_detection: turnDetectionOf(form) },
      output: { voice: form.voice },
    },
    tools: JSON.parse(form.tools) as unknown,
  };
}

/** Only what changed: a voice repeated after the first answer would have the whole update refused. */
export function patchBetween(before: SessionForm, after: SessionForm): Record<string, unknown> {
  const old = sessionOf(before);
  const full = sessionOf(after);
  const patch: Record<string, unknown> = { type: "realtime" };
  for (const key of ["instructions", "output_modalities", "tools"]) {
    if (!same(old[key], full[key])) patch[key] = full[key];
  }
  const audio: Record<string, unknown> = {};
  if (!same(turnDetectionOf(before), turnDetectionOf(after))) {
    audio.input = { turn_detection: turnDetectionOf(after) };
  }
  if (before.voice !== after.voice) audio.output = { voice: after.voice };
  if (Object.keys(audio).length > 0) patch.audio = audio;
  return patch;
}

export function isUnchanged(patch: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(patch).length === 1;
}

function detectionOf(
  detection: unknown,
): Omit<SessionForm, "instructions" | "voice" | "modality" | "tools"> {
  const d = objectAt(detection);
  return {
    detection: kindOf(detection),
    threshold: numberAt(d, "threshold", emptyForm.threshold),
    prefixPaddingMs: numberAt(d, "prefix_padding_ms", emptyForm.prefixPaddingMs),
    silenceMs: numberAt(d, "silence_duration_ms", emptyForm.silenceMs),
    eagerness: eagernessOf(textAt(d, "eagerness")),
    createResponse: flagAt(d, "create_response", true),
    interruptResponse: flagAt(d, "interrupt_response", true),
  };
}

/** Where nothing is said of it, the server's own default holds; null is to have none. */
function kindOf(detection: unknown): Detection {
  if (detection === undefined) return emptyForm.detection;
  const type = textAt(detection, "type");
  return type === "server_vad" || type === "semantic_vad" ? type : "none";
}

function eagernessOf(raw: string): Eagerness {
  return raw === "low" || raw === "medium" || raw === "high" ? raw : "auto";
}

function voiceOf(voice: unknown): string {
  return typeof voice === "string" ? voice : textAt(voice, "id", emptyForm.voice);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
