import { Pencil, Trash2 } from "lucide-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "../../i18n/translation";
import { memories } from "../../tools/memory";
import { ownTools } from "../../tools/own";
import { builtInTools, disabledTools, toggled } from "../../tools/toolbox";
import { weathers } from "../../tools/weather";
import { Switch } from "../../ui/Switch";
import { useStore } from "../../ui/store";
import { editTool, OwnToolForm } from "./OwnToolForm";

// The map's outlines are the heaviest thing of the page, and most visits never ask for them.
const WeatherMap = lazy(() => import("./WeatherMap"));

export function ToolsView() {
  const { t } = useTranslation();
  return (
    <div className="tools">
      <h2>{t("tools.title")}</h2>
      <p className="hint">{t("tools.hint")}</p>
      <ul className="tool-list">
        {builtInTools.map((tool) => (
          <li key={tool.name} className="tool">
            <ToolSwitch name={tool.name} description={tool.description} />
          </li>
        ))}
        <OwnTools />
      </ul>
      <Weathers />
      <Memories />
      <OwnToolForm />
    </div>
  );
}

interface ToolSwitchProps {
  readonly name: string;
  readonly description: string;
}

function ToolSwitch({ name, description }: ToolSwitchProps) {
  const off = useStore(disabledTools);
  return (
    <div>
      <Switch
        code
        label={name}
        checked={!off.includes(name)}
        onChange={(on) => disabledTools.set(toggled(off, name, on))}
      />
      <p lang="en">{description}</p>
    </div>
  );
}

function OwnTools() {
  const { t } = useTranslation();
  const tools = useStore(ownTools);
  return tools.map((tool) => (
    <li key={tool.name} className="tool own">
      <ToolSwitch name={tool.name} description={tool.description} />
      <span className="tool-deeds">
        <button
          type="button"
          className="icon-button small"
          aria-label={t("tools.change", { name: tool.name })}
          onClick={() => editTool(tool)}
        >
          <Pencil aria-hidden="true" />
        </button>
        <button
          type="button"
          className="icon-button small"
          aria-label={t("tools.remove", { name: tool.name })}
          onClick={() => ownTools.set(tools.filter((other) => other !== tool))}
        >
          <Trash2 aria-hidden="true" />
        </button>
      </span>
    </li>
  ));
}

function Weathers() {
  const { t } = useTranslation();
  const seen = useStore(weathers);
  return (
    <section className="weathers" aria-labelledby="weather-title">
      <h3 id="weather-title">{t("weather.title")}</h3>
      {seen.length === 0 ? (
        <p className="hint">{t("weather.empty")}</p>
      ) : (
        <Suspense fallback={<p className="map-loading">{t("weather.loading")}</p>}>
          <WeatherMap weathers={seen} />
        </Suspense>
      )}
    </section>
  );
}

function Memories() {
  const { t } = useTranslation();
  const known = useStore(memories);
  return (
    <section className="memories" aria-labelledby="memory-title">
      <header>
        <h3 id="memory-title">{t("memory.title")}</h3>
        {known.length > 0 && (
          <button type="button" className="button quiet" onClick={() => memories.set([])}>
            {t("memory.clear")}
          </button>
        )}
      </header>
      {known.length === 0 && <p className="hint">{t("memory.empty")}</p>}
      <dl>
        {known.map(({ key, value }) => (
          <div key={key}>
            <dt>
              <code>{key}</code>
            </dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
