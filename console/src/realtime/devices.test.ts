import { expect, test, vi } from "vitest";
import { Microphone } from "./microphone";
import { Player } from "./player";
import { FakeLoudspeaker, FakeMicrophone, settled } from "./testing/double";

const named = (name: string) => Object.assign(new Error(name), { name });
const none = () => undefined;

test.each([
  ["NotAllowedError", "denied"],
  ["SecurityError", "denied"],
  ["NotFoundError", "missing"],
])("a microphone that fails with %s is %s", async (name, state) => {
  const source = new FakeMicrophone();
  source.error = named(name);
  const microphone = new Microphone(source, none, none);
  await microphone.enable();
  expect(microphone.state.state).toBe(state);
});

test("a microphone that is unplugged is missing", async () => {
  const source = new FakeMicrophone();
  const microphone = new Microphone(source, none, none);
  await microphone.enable();
  expect(microphone.state).toMatchObject({ state: "on", device: "built-in" });
  source.listener?.ended();
  expect(microphone.state.state).toBe("missing");
});

test("of two microphones only the newer is heard", async () => {
  const source = new FakeMicrophone();
  let frames = 0;
  const microphone = new Microphone(
    source,
    () => {
      frames += 1;
    },
    none,
  );
  await microphone.enable();
  const first = source.listener;
  await microphone.enable("other");
  first?.frame(new Uint8Array(2));
  source.hear();
  expect([frames, source.closed, microphone.state.device]).toEqual([1, 1, "other"]);
});

test("what came before the loudspeaker was open is not lost", async () => {
  const loudspeaker = new FakeLoudspeaker();
  const player = new Player(loudspeaker.open, { started: none, heard: none, finished: none });
  void player.start();
  player.play("a", new Uint8Array(480));
  await settled();
  expect(loudspeaker.queue.current).toEqual({ id: "a", samples: 0 });
});

test("without a loudspeaker the conversation goes on", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(none);
  const player = new Player(() => Promise.reject(new Error("none")), {
    started: none,
    heard: none,
    finished: none,
  });
  await player.start();
  player.play("a", new Uint8Array(480));
  expect(await player.interrupt()).toEqual([]);
  expect(warned).toHaveBeenCalledOnce();
});

test("an audio thread that does not answer holds up no interruption", async () => {
  vi.useFakeTimers();
  const silent = {
    post: none,
    latencyMs: () => 0,
    resume: none,
    choose: () => Promise.resolve(),
    wave: none,
  };
  const player = new Player(() => Promise.resolve(silent), {
    started: none,
    heard: none,
    finished: none,
  });
  await player.start();
  const heard = player.interrupt();
  vi.runAllTimers();
  expect(await heard).toEqual([]);
  vi.useRealTimers();
});
