/** The browser's own microphone, loudspeaker, network and clock. */
import { RATE_HZ } from "../protocol/bytes";
import type { Input, InputListener, MicrophoneSource } from "./microphone";
import type { LoudspeakerSource, Output } from "./player";
import type { Device } from "./types";
import captureUrl from "./worklets/capture.worklet.ts?worker&url";
import { CAPTURE, type FromCapture, type FromPlayer, PLAYER } from "./worklets/messages";
import playerUrl from "./worklets/player.worklet.ts?worker&url";
import { pcmOf } from "./worklets/samples";

const WAVE_SAMPLES = 512;

/** The standard's, which not all browsers have. */
type Choosing = AudioContext & { setSinkId?(id: string): Promise<void> };

export const browserLoudspeaker: LoudspeakerSource = {
  open: openLoudspeaker,
  devices: () => ("setSinkId" in AudioContext.prototype ? devicesOf("audiooutput") : noDevices()),
};

const noDevices = () => Promise.resolve([]);

async function openLoudspeaker(listen: (event: FromPlayer) => void): Promise<Output> {
  const context: Choosing = new AudioContext({
    sampleRate: RATE_HZ,
    latencyHint: "interactive",
  });
  await context.audioWorklet.addModule(playerUrl);
  const node = new AudioWorkletNode(context, PLAYER, {
    numberOfInputs: 0,
    outputChannelCount: [1],
  });
  node.port.onmessage = ({ data }: MessageEvent<FromPlayer>) => listen(data);
  const analyser = analyserOf(context);
  node.connect(analyser).connect(context.destination);
  return {
    post: (order) => node.port.postMessage(order, order.type === "sound" ? [order.pcm] : []),
    latencyMs: () => (context.baseLatency + (context.outputLatency || 0)) * 1000,
    resume: () => void context.resume(),
    choose: async (device) => context.setSinkId?.(device ?? ""),
    wave: (into) => analyser.getFloatTimeDomainData(into),
  };
}

export const browserMicrophone: MicrophoneSource = {
  open: openMicrophone,
  devices: () => devicesOf("audioinput"),
  onDevicesChanged: (listener) =>
    navigator.mediaDevices?.addEventListener("devicechange", listener),
};

async function devicesOf(kind: MediaDeviceKind): Promise<readonly Device[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all
    .filter((each) => each.kind === kind && each.deviceId !== "")
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

async function openMicrophone(device: string | undefined, listener: InputListener): Promise<Input> {
  // Pages that are neither local nor encrypted have no mediaDevices at all.
  if (!navigator.mediaDevices) throw new DOMException("No secure context.", "NotAllowedError");
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {
      channelCount: 1,
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...(device && { deviceId: { exact: device } }),
    },
  });
  const track = stream.getAudioTracks()[0];
  const { context, source } = listening(stream);
  await context.audioWorklet.addModule(captureUrl);
  const node = new AudioWorkletNode(context, CAPTURE, { numberOfOutputs: 0, channelCount: 1 });
  node.port.onmessage = ({ data }: MessageEvent<FromCapture>) =>
    listener.frame(new Uint8Array(data.pcm));
  const analyser = analyserOf(context);
  source.connect(analyser);
  source.connect(node);
  track?.addEventListener("ended", () => listener.ended());
  return {
    device: track?.getSettings().deviceId ?? null,
    setMuted: (muted) => {
      if (track) track.enabled = !muted;
    },
    wave: (into) => analyser.getFloatTimeDomainData(into),
    close: () => {
      track?.stop();
      void context.close();
    },
  };
}

interface Listening {
  readonly context: AudioContext;
  readonly source: MediaStreamAudioSourceNode;
}

/** At our own rate where the browser converts; else at the machine's, and the worklet converts. */
function listening(stream: MediaStream): Listening {
  const ours = new AudioContext({ sampleRate: RATE_HZ });
  try {
    return { context: ours, source: ours.createMediaStreamSource(stream) };
  } catch {
    void ours.close();
    const context = new AudioContext();
    return { context, source: context.createMediaStreamSource(stream) };
  }
}

/** The sound of an audio file, as 24 kHz mono int16. */
export async function decodeAudioFile(file: File): Promise<Uint8Array> {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  const buffer = await context.decodeAudioData(await file.arrayBuffer());
  const mono = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const samples = buffer.getChannelData(channel);
    for (let index = 0; index < mono.length; index += 1) {
      mono[index] = (mono[index] ?? 0) + (samples[index] ?? 0) / buffer.numberOfChannels;
    }
  }
  return new Uint8Array(pcmOf(mono).buffer);
}

function analyserOf(context: AudioContext): AnalyserNode {
  const analyser = context.createAnalyser();
  analyser.fftSize = WAVE_SAMPLES;
  return analyser;
}
