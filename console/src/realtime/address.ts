/** Where the server is, and how to get in. */
import type { Target } from "./types";

export interface Ticket {
  readonly url: string;
  readonly protocols: readonly string[];
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export class ConnectionRefused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

type Fetch = typeof globalThis.fetch;

const KEY_PROTOCOL = "openai-insecure-api-key.";
/** A server that has no such door, but may have the other one. */
const NO_DOOR = new Set([404, 405, 501]);

/** The server of this page gives a key for one session; another server is met with the key itself. */
export async function ticketFor(target: Target, page: string, fetch: Fetch): Promise<Ticket> {
  const base = baseOf(target.url, page);
  const key = target.url === "" ? await ephemeralKey(base, target, fetch) : target.key;
  const url = new URL("realtime", base);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("model", target.model);
  return { url: url.href, protocols: key ? ["realtime", KEY_PROTOCOL + key] : ["realtime"] };
}

/** The address of the API, with its slash: people write it with and without what follows the host. */
export function baseOf(url: string, page: string): URL {
  const base = addressOf(url, page);
  base.protocol = base.protocol.replace(/^ws/, "http");
  base.search = "";
  base.hash = "";
  base.pathname = url
    ? `${base.pathname.replace(/\/(v1(\/realtime)?)?\/?$/, "")}/v1/`
    : new URL("./v1/", base).pathname;
  return base;
}

function addressOf(url: string, page: string): URL {
  const full = url === "" || /^[a-z]+:\/\//i.test(url) ? url : `http://${url}`;
  try {
    const address = new URL(full || page, page);
    if (/^(https?|wss?):$/.test(address.protocol)) return address;
  } catch {
    // Told below, in words.
  }
  throw new ConnectionRefused({ code: "invalid_url", message: `Not an address: ${url}` });
}

async function ephemeralKey(base: URL, target: Target, fetch: Fetch): Promise<string | null> {
  const answer = await asked(base, target, fetch);
  if (NO_DOOR.has(answer.status)) return target.key;
  const body = (await answer.json().catch(() => null)) as SecretAnswer | null;
  if (answer.ok && typeof body?.value === "string") return body.value;
  throw new ConnectionRefused({
    code: body?.error?.code ?? `http_${answer.status}`,
    message: body?.error?.message ?? `The server answered ${answer.status}.`,
  });
}

interface SecretAnswer {
  readonly value?: string;
  readonly error?: { readonly code?: string | null; readonly message?: string };
}

async function asked(base: URL, target: Target, fetch: Fetch): Promise<Response> {
  try {
    return await fetch(new URL("realtime/client_secrets", base), {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(target.key && { Authorization: `Bearer ${target.key}` }),
      },
      body: JSON.stringify({ session: { type: "realtime", model: target.model } }),
    });
  } catch {
    throw new ConnectionRefused({ code: "unreachable", message: "The server does not answer." });
  }
}
