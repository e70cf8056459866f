import type { Tool } from "../realtime/types";
import { at, numberAt, objectAt, textAt } from "../ui/json";
import { createStore } from "../ui/store";
import { knownPlace } from "./places";

export interface Place {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
}

export interface Weather {
  readonly place: Place;
  /** null: the forecast could not be reached. */
  readonly now: {
    readonly celsius: number;
    readonly windKmh: number;
    readonly code: number;
  } | null;
}

export const weathers = createStore<readonly Weather[]>([]);

const MOST_MARKERS = 12;
const PATIENCE_MS = 6_000;

export const getWeather: Tool = {
  name: "get_weather",
  description: "Look up the weather now at a place and show it on a map.",
  parameters: {
    type: "object",
    properties: {
      location: { type: "string", description: "The name of a city or place." },
      latitude: { type: "number", description: "Degrees north, if known." },
      longitude: { type: "number", description: "Degrees east, if known." },
    },
    required: ["location"],
  },
  async run(args, context) {
    const place = await find(args, context.signal);
    if (place === null) {
      return "The place was not found; there may be no network.";
    }
    const weather = { place, now: await forecast(place, context.signal) };
    weathers.set(marking(weathers.get(), weather));
    return answerOf(weather);
  },
};

export function marking(known: readonly Weather[], weather: Weather): readonly Weather[] {
  const others = known.filter((each) => each.place.name !== weather.place.name);
  return [...others, weather].slice(-MOST_MARKERS);
}

/** In words: a small model reads JSON aloud, brackets and all. */
export function answerOf({ place, now }: Weather): string {
  if (now === null) {
    return `The forecast for ${place.name} cannot be reached: there may be no network.`;
  }
  const sky = skyOf(now.code);
  return `In ${place.name} it is ${Math.round(now.celsius)} degrees Celsius${sky}, with wind of ${Math.round(now.windKmh)} kilometres an hour.`;
}

/** Of the WMO's weather codes, which Open-Meteo gives. */
function skyOf(code: number): string {
  if (code >= 95) return " and thundery";
  if ((code >= 71 && code <= 77) || code >= 85) return " and snowing";
  if (code >= 51) return " and raining";
  if (code >= 45) return " and foggy";
  return code >= 3 ? " and overcast" : code === 2 ? " and partly cloudy" : " and clear";
}

async function find(args: unknown, signal: AbortSignal | undefined): Promise<Place | null> {
  const name = textAt(args, "location").trim();
  const latitude = numberAt(args, "latitude", Number.NaN);
  const longitude = numberAt(args, "longitude", Number.NaN);
  if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180) return { name, latitude, longitude };
  return knownPlace(name) ?? (await geocode(name, signal));
}

async function geocode(name: string, signal: AbortSignal | undefined): Promise<Place | null> {
  const address = new URL("https://geocoding-api.open-meteo.com/v1/search");
  address.search = new URLSearchParams({ name, count: "1" }).toString();
  const body = await fetched(address, signal);
  const results = at(body, "results");
  const first: unknown = Array.isArray(results) ? results[0] : null;
  if (!first) return null;
  return {
    name: textAt(first, "name", name),
    latitude: numberAt(first, "latitude", 0),
    longitude: numberAt(first, "longitude", 0),
  };
}

async function forecast(place: Place, signal: AbortSignal | undefined): Promise<Weather["now"]> {
  const address = new URL("https://api.open-meteo.com/v1/forecast");
  address.search = new URLSearchParams({
    latitude: String(place.latitude),
    longitude: String(place.longitude),
    current: "temperature_2m,wind_speed_10m,weather_code",
  }).toString();
  const current = objectAt(await fetched(address, signal), "current");
  if (!("temperature_2m" in current)) return null;
  return {
    celsius: numberAt(current, "temperature_2m", 0),
    windKmh: numberAt(current, "wind_speed_10m", 0),
    code: numberAt(current, "weather_code", 0),
  };
}

/** The answer's JSON, or null: without a network the tool must still say something. */
async function fetched(address: URL, signal: AbortSignal | undefined): Promise<unknown> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await fetch(address, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      referrerPolicy: "no-referrer",
    });
    return response.ok ? ((await response.json()) as unknown) : null;
  } catch {
    return null;
  }
}
