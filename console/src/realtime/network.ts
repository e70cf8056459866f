import type { Network } from "./connection";

export function browserNetwork(): Network {
  return {
    page: location.href,
    fetch: globalThis.fetch.bind(globalThis),
    open: (url, protocols) => new WebSocket(url, [...protocols]),
    delay,
    random: Math.random,
  };
}

export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}
