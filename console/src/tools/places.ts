import type { Place } from "./weather";

// Enough of the world for the map to answer with no network at all.
const PLACES: Readonly<Record<string, readonly [latitude: number, longitude: number]>> = {
  "São Paulo": [-23.55, -46.63],
  "Rio de Janeiro": [-22.91, -43.17],
  Brasília: [-15.79, -47.88],
  Salvador: [-12.97, -38.5],
  Recife: [-8.05, -34.88],
  Manaus: [-3.12, -60.02],
  "Porto Alegre": [-30.03, -51.23],
  "Belo Horizonte": [-19.92, -43.94],
  Lisbon: [38.72, -9.14],
  Lisboa: [38.72, -9.14],
  Porto: [41.15, -8.61],
  Madrid: [40.42, -3.7],
  Paris: [48.86, 2.35],
  London: [51.51, -0.13],
  Londres: [51.51, -0.13],
  Dublin: [53.35, -6.26],
  Berlin: [52.52, 13.4],
  Berlim: [52.52, 13.4],
  Rome: [41.9, 12.5],
  Roma: [41.9, 12.5],
  Amsterdam: [52.37, 4.9],
  Vienna: [48.21, 16.37],
  Warsaw: [52.23, 21.01],
  Stockholm: [59.33, 18.07],
  Istanbul: [41.01, 28.98],
  Cairo: [30.04, 31.24],
  Lagos: [6.52, 3.38],
  Luanda: [-8.84, 13.23],
  Maputo: [-25.97, 32.58],
  Nairobi: [-1.29, 36.82],
  "Cape Town": [-33.92, 18.42],
  Dubai: [25.2, 55.27],
  Mumbai: [19.08, 72.88],
  Delhi: [28.61, 77.21],
  Bangkok: [13.76, 100.5],
  Singapore: [1.35, 103.82],
  Beijing: [39.9, 116.41],
  Shanghai: [31.23, 121.47],
  Seoul: [37.57, 126.98],
  Tokyo: [35.68, 139.69],
  Sydney: [-33.87, 151.21],
  Auckland: [-36.85, 174.76],
  "New York": [40.71, -74.01],
  "Nova York": [40.71, -74.01],
  Boston: [42.36, -71.06],
  Chicago: [41.88, -87.63],
  "San Francisco": [37.77, -122.42],
  "Los Angeles": [34.05, -118.24],
  Toronto: [43.65, -79.38],
  "Mexico City": [19.43, -99.13],
  Bogotá: [4.71, -74.07],
  Lima: [-12.05, -77.04],
  "Buenos Aires": [-34.6, -58.38],
  Santiago: [-33.45, -70.67],
};

const byPlainName = new Map(
  Object.entries(PLACES).map(([name, [latitude, longitude]]) => [
    plain(name),
    { name, latitude, longitude } satisfies Place,
  ]),
);

/** The place by its name alone, whatever its accents, case, and the country after a comma. */
export function knownPlace(name: string): Place | null {
  return byPlainName.get(plain(name.split(",")[0] ?? "")) ?? null;
}

function plain(name: string): string {
  return name.normalize("NFD").replace(/\p{M}/gu, "").trim().toLowerCase();
}
