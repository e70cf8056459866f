import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { Tab, TabList, Tabs } from "react-aria-components";
import { useAccountsOffered } from "../accounts/offered";
import { useTranslation } from "../i18n/translation";
import { ownTools } from "../tools/own";
import { disabledTools, offeredTools } from "../tools/toolbox";
import { useMedia } from "../ui/media";
import { useStore } from "../ui/store";
import { Announcer } from "./Announcer";
import { useConsole } from "./context";
import { ConversationView } from "./conversation/ConversationView";
import { Header } from "./Header";
import { KeysDialog } from "./KeysDialog";
import { type Place, places, showPlace, usePlace } from "./places";
import { useShortcuts } from "./shortcuts";

// Only an administrator opens it.
const AccountsView = lazy(() => import("./accounts/AccountsView"));

export function App() {
  const { t } = useTranslation();
  const narrow = useMedia("(max-width: 859px)");
  const [keysShown, setKeysShown] = useState(false);
  useShortcuts(() => setKeysShown(true));
  useOfferedTools();
  const accountsOffered = useAccountsOffered();
  // While the server has not said, the accounts wait: showing the conversation first would flash.
  const inAccounts = usePlace() === "accounts" && accountsOffered !== false;
  return (
    <>
      <a className="skip-link" href="#stage">
        {t("skip")}
      </a>
      <div className="shell">
        <Header accountsOffered={accountsOffered === true} onShowKeys={() => setKeysShown(true)} />
        {inAccounts ? (
          <AccountsLayout known={accountsOffered !== null} />
        ) : narrow ? (
          <NarrowLayout />
        ) : (
          <WideLayout />
        )}
      </div>
      <Announcer />
      <KeysDialog open={keysShown} onClose={() => setKeysShown(false)} />
    </>
  );
}

function WideLayout() {
  const { t } = useTranslation();
  return (
    <div className="columns">
      <main id="stage" className="stage" aria-label={t("place.talk")}>
        <ConversationView />
      </main>
      <aside className="instruments" aria-label={t("instruments")}>
        <PlaceTabs among={places.filter((place) => place.id !== "talk")} className="tabs" />
      </aside>
    </div>
  );
}

function NarrowLayout() {
  return (
    <main id="stage" className="pocket">
      <PlaceTabs among={places} className="tabs bottom" />
    </main>
  );
}

/** The whole page: what is counted here is the server's, and no part of the conversation. */
function AccountsLayout({ known }: { readonly known: boolean }) {
  const { t } = useTranslation();
  const waiting = <p className="books-loading">{t("accounts.loading")}</p>;
  return (
    <main id="stage" className="books" aria-label={t("accounts.title")}>
      {known ? (
        <Suspense fallback={waiting}>
          <AccountsView />
        </Suspense>
      ) : (
        waiting
      )}
    </main>
  );
}

interface PlaceTabsProps {
  readonly among: readonly Place[];
  readonly className: string;
}

function PlaceTabs({ among, className }: PlaceTabsProps) {
  const { t } = useTranslation();
  const asked = usePlace();
  const shown = among.find((place) => place.id === asked) ?? among[0];
  const [chosenTab, setChosenTab] = useState<HTMLElement | null>(null);
  return (
    <Tabs
      className={className}
      selectedKey={shown?.id ?? "turns"}
      onSelectionChange={(key) => showPlace(String(key))}
    >
      <TabList className="tab-list" aria-label={t("instruments")}>
        {among.map(({ id, label, Icon }) => (
          <Tab key={id} id={id} className="tab" {...(id === shown?.id && { ref: setChosenTab })}>
            <Icon aria-hidden="true" />
            <span>{t(label)}</span>
          </Tab>
        ))}
      </TabList>
      {shown && <Panel key={shown.id} View={shown.View} tab={chosenTab} />}
    </Tabs>
  );
}

interface PanelProps extends Pick<Place, "View"> {
  /** Known only when the tabs are there: the library draws them a moment later. */
  readonly tab: HTMLElement | null;
}

/**
 * Belongs to the chosen tab. The library's own asks, at every change in it, whether anything in it can take the focus:
 * measured, that laid out the page for a fifth of the time in which the log scrolls.
 */
function Panel({ View, tab }: PanelProps) {
  return (
    <div
      id={tab?.getAttribute("aria-controls") ?? undefined}
      role="tabpanel"
      aria-labelledby={tab?.id}
      className="tab-panel"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a panel that scrolls must be reachable by keyboard
      tabIndex={0}
    >
      <View />
    </div>
  );
}

/** Keep what the model may call equal to what is switched on in the Tools view. */
function useOfferedTools(): void {
  const console = useConsole();
  const own = useStore(ownTools);
  const off = useSyncExternalStore(disabledTools.subscribe, disabledTools.get);
  useEffect(() => {
    console.setTools(offeredTools(own, off));
  }, [console, own, off]);
}
