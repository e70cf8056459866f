import { textAt } from "../ui/json";
import { createStoredStore } from "../ui/store";

export interface Connection {
  /** "": the server this page came from. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
}

/** In sessionStorage: a key must not outlive its tab. */
export const connection = createStoredStore<Connection>(
  "sessionStorage",
  "louro.connection",
  (raw) => ({
    url: textAt(raw, "url"),
    key: textAt(raw, "key"),
    model: textAt(raw, "model", "gpt-realtime"),
  }),
);

export function targetOf({ url, key, model }: Connection): {
  url: string;
  key: string | null;
  model: string;
} {
  return { url: url.trim(), key: key.trim() || null, model: model.trim() || "gpt-realtime" };
}

/** The HTTP address of the API, as the official client libraries want it. */
export function baseUrlOf(url: string, page: string): string {
  const address = new URL(url.trim() || "./", page);
  const scheme = address.protocol.replace("ws", "http");
  const path = address.pathname.replace(/\/(v1(\/realtime)?\/?)?$/, "");
  return `${scheme}//${address.host}${path}/v1`;
}
