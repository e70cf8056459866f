import { useEffect, useSyncExternalStore } from "react";
import { baseUrlOf, connection } from "../settings/connection";
import { flagAt } from "../ui/json";
import { createStore, useStore } from "../ui/store";

/** Whether the server this page came from keeps accounts; null: not known yet. */
const kept = createStore<boolean | null>(null);

/**
 * The accounts are those of the server the page came from: none are shown while it talks to another.
 * null: not known yet.
 */
export function useAccountsOffered(): boolean | null {
  const here = useStore(kept);
  const ours = useSyncExternalStore(connection.subscribe, () =>
    isOwnServer(connection.get().url, location.href),
  );
  useEffect(() => {
    if (kept.get() === null) void askHealth(location.href, fetch).then(kept.set);
  }, []);
  return ours ? here : false;
}

export async function askHealth(page: string, ask: typeof fetch): Promise<boolean> {
  try {
    const response = await ask(new URL("./health", page));
    return response.ok && flagAt(await response.json(), "accounts", false);
  } catch {
    // No server, or not one of ours: nothing is lost but this view.
    return false;
  }
}

export function isOwnServer(url: string, page: string): boolean {
  if (url.trim() === "") return true;
  return URL.canParse(url, page) && baseUrlOf(url, page) === baseUrlOf("", page);
}
