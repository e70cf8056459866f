// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { beforeEach, expect, test, vi } from "vitest";
import { languages, translate } from "../../i18n/dictionary";
import { createConsole } from "../../realtime/console";
import { FakeLoudspeaker, FakeMicrophone, FakeNetwork } from "../../realtime/testing/double";
import { preferences } from "../../settings/preferences";
import { ConsoleContext } from "../context";
import { MicrophoneNotice } from "./Microphone";

beforeEach(() => vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true));

/** What the page says after the browser refused the microphone with an error of that name. */
async function noticeAfter(name: string): Promise<string> {
  const microphone = new FakeMicrophone();
  microphone.error = Object.assign(new Error(name), { name });
  const console = createConsole({
    network: new FakeNetwork(),
    microphone,
    loudspeaker: new FakeLoudspeaker(),
    schedule: (task) => task(),
  });
  const place = document.createElement("div");
  const root = createRoot(place);
  await act(async () =>
    root.render(
      <ConsoleContext value={console}>
        <MicrophoneNotice />
      </ConsoleContext>,
    ),
  );
  await act(() => console.enableMicrophone());
  const words = place.querySelector("[role=alert] p")?.textContent ?? "";
  await act(async () => root.unmount());
  return words;
}

test.each(languages)(
  "who blocked the microphone is told another cure than who has none: %s",
  async (language) => {
    preferences.set({ theme: null, language });
    const blocked = await noticeAfter("NotAllowedError");
    const none = await noticeAfter("NotFoundError");
    expect(blocked).toContain(translate(language, "microphone.denied.cure"));
    expect(none).toContain(translate(language, "microphone.missing.cure"));
    expect(blocked).not.toBe(none);
  },
);
