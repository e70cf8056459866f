// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { beforeEach, expect, test, vi } from "vitest";
import { createConsole } from "../../realtime/console";
import {
  FakeLoudspeaker,
  FakeMicrophone,
  FakeNetwork,
  settled,
} from "../../realtime/testing/double";
import { preferences } from "../../settings/preferences";
import { ConsoleContext } from "../context";
import { SessionView } from "./SessionView";

const session = (instructions = "Sell parrots.") => ({
  type: "realtime",
  instructions,
  audio: { input: { turn_detection: { type: "server_vad", silence_duration_ms: 200 } } },
});

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  preferences.set({ theme: null, language: "en" });
});

function type(field: HTMLTextAreaElement, text: string): void {
  const { set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value") ?? {};
  set?.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

test("what was applied stays in the form until the server has it, and when it refuses", async () => {
  const network = new FakeNetwork();
  const console = createConsole({
    network,
    microphone: new FakeMicrophone(),
    loudspeaker: new FakeLoudspeaker(),
    schedule: (task) => task(),
  });
  void console.connect({ url: "", key: null, model: "m" });
  await settled();
  network.socket.say({ type: "session.created", session: session() });
  await settled();
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  await act(async () =>
    root.render(
      <ConsoleContext value={console}>
        <SessionView />
      </ConsoleContext>,
    ),
  );
  const field = () => place.querySelector("textarea") as HTMLTextAreaElement;
  const told = () => place.querySelector(".apply-bar p")?.textContent;
  await act(async () => type(field(), "Be brief."));
  const changed = told();
  await act(async () => (place.querySelector(".button.primary") as HTMLElement).click());
  expect(network.socket.sent.at(-1)).toMatchObject({ session: { instructions: "Be brief." } });
  expect([field().value, told()]).toEqual(["Be brief.", changed]);

  await act(async () =>
    network.socket.say({ type: "error", error: { type: "invalid_request_error", message: "No." } }),
  );
  expect([field().value, told()]).toEqual(["Be brief.", changed]);

  await act(async () =>
    network.socket.say({
      type: "session.updated",
      session: session("Be brief."),
    }),
  );
  expect([field().value, told()]).toEqual(["Be brief.", "As the server has it."]);

  await act(async () =>
    network.socket.say({
      type: "session.updated",
      session: session("Be long."),
    }),
  );
  expect([field().value, told()]).toEqual(["Be long.", "As the server has it."]);
  await act(async () => root.unmount());
});
