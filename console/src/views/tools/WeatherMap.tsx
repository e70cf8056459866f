import { geoEqualEarth, geoGraticule10, geoPath } from "d3-geo";
import { useMemo } from "react";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import land from "world-atlas/countries-110m.json";
import { useTranslation } from "../../i18n/translation";
import type { Weather } from "../../tools/weather";

interface WeatherMapProps {
  readonly weathers: readonly Weather[];
}

const WIDTH = 640;
const HEIGHT = 312;

const projection = geoEqualEarth().fitExtent(
  [
    [4, 4],
    [WIDTH - 4, HEIGHT - 4],
  ],
  { type: "Sphere" },
);

export default function WeatherMap({ weathers }: WeatherMapProps) {
  const { t } = useTranslation();
  const shapes = useMemo(outlines, []);
  return (
    <>
      <svg
        className="map"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={t("weather.map")}
      >
        <path className="map-grid" d={shapes.grid} />
        <path className="map-land" d={shapes.countries} />
        {weathers.map((weather) => (
          <Marker key={weather.place.name} weather={weather} />
        ))}
      </svg>
      <ul className="weather-list">
        {weathers.map(({ place, now }) => (
          <li key={place.name}>
            <strong>{place.name}</strong>{" "}
            {now
              ? t("weather.now", { celsius: now.celsius, wind: now.windKmh })
              : t("weather.unreachable")}
          </li>
        ))}
      </ul>
    </>
  );
}

function Marker({ weather: { place, now } }: { readonly weather: Weather }) {
  const [x, y] = projection([place.longitude, place.latitude]) ?? [0, 0];
  // Turned to the left where the words would run off the map.
  const left = x > WIDTH * 0.75;
  return (
    <g className="marker" transform={`translate(${x} ${y})`}>
      <circle r={9} className="marker-ring" />
      <circle r={4} className="marker-point" />
      <text x={left ? -14 : 14} y={5} textAnchor={left ? "end" : "start"}>
        {place.name}
        {now && ` ${Math.round(now.celsius)}°`}
      </text>
    </g>
  );
}

function outlines(): { readonly countries: string; readonly grid: string } {
  const path = geoPath(projection);
  const topology = land as unknown as Topology<{ countries: GeometryCollection }>;
  return {
    countries: path(feature(topology, topology.objects.countries)) ?? "",
    grid: path(geoGraticule10()) ?? "",
  };
}
