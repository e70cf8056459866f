import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./ui/styles/fonts.css";
import "./ui/styles/tokens.css";
import "./ui/styles/base.css";
import "./ui/styles/shell.css";
import "./ui/styles/conversation.css";
import "./ui/styles/instruments.css";
import { createConsole } from "./realtime/console";
import type { RealtimeConsole } from "./realtime/types";
import { applyPreferences, preferences } from "./settings/preferences";
import { App } from "./views/App";
import { ConsoleContext } from "./views/context";

applyPreferences(preferences.get());
preferences.subscribe(() => applyPreferences(preferences.get()));
matchMedia("(prefers-color-scheme: light)").addEventListener("change", () =>
  applyPreferences(preferences.get()),
);

async function consoleOfThisPage(): Promise<RealtimeConsole> {
  const search = new URLSearchParams(location.search);
  if (import.meta.env.DEV && search.has("demo")) {
    const { createDemoConsole } = await import("./views/testing/demo_console");
    const { pretendAccounts } = await import("./accounts/testing/pretended");
    pretendAccounts(search);
    return createDemoConsole(search);
  }
  return createConsole();
}

function show(console: RealtimeConsole, root: HTMLElement): void {
  createRoot(root).render(
    <StrictMode>
      <ConsoleContext value={console}>
        <App />
      </ConsoleContext>
    </StrictMode>,
  );
}

const root = document.getElementById("root");
if (root) void consoleOfThisPage().then((console) => show(console, root));
