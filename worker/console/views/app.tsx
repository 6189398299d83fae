import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Softphone } from "../model/softphone.ts";
import { CallStrip } from "./call-strip.tsx";
import { CallView } from "./call-view.tsx";
import { ContactsPanel } from "./contacts-panel.tsx";
import { Header } from "./header.tsx";
import { HistoryPanel } from "./history-panel.tsx";
import { ClockIcon, KeypadIcon, PeopleIcon, PhoneIcon } from "./icons.tsx";
import { IncomingCalls } from "./incoming-calls.tsx";
import { Keypad } from "./keypad.tsx";
import { PhoneContext, usePhone } from "./phone-context.ts";
import { SignIn } from "./sign-in.tsx";

export function App({ phone }: { readonly phone: Softphone }): JSX.Element {
  return (
    <PhoneContext.Provider value={phone}>
      <Announcer />
      {phone.session.value === undefined ? <SignIn at={phone} /> : <Workspace />}
    </PhoneContext.Provider>
  );
}

/** What happens is said to those who do not see it. */
function Announcer(): JSX.Element {
  const { alerts } = usePhone();
  return (
    <div class="hidden">
      <div aria-live="polite">{alerts.polite.value}</div>
      <div aria-live="assertive">{alerts.urgent.value}</div>
    </div>
  );
}

/** Which part a small screen shows; a wide one shows the keypad or call always, beside one of the lists. */
type Tab = "phone" | "contacts" | "history";

function Workspace(): JSX.Element {
  const phone = usePhone();
  const tab = useSignal<Tab>("phone");
  const list = useSignal<Exclude<Tab, "phone">>("contacts");
  const active = phone.active.value;
  // A small screen shows one thing: a call that begins is that thing.
  useEffect(() => {
    if (active !== undefined) tab.value = "phone";
  }, [active, tab]);
  return (
    <div class="shell" data-tab={tab.value}>
      <Header />
      <IncomingCalls />
      <main>
        <div class="side">
          <Tabs tab={tab} list={list} isBusy={active !== undefined} />
          {list.value === "contacts" ? <ContactsPanel /> : <HistoryPanel />}
        </div>
        <div class="stage">
          <CallStrip />
          {active === undefined ? <Keypad /> : <CallView key={active.id} call={active} />}
        </div>
      </main>
    </div>
  );
}

interface TabsProps {
  readonly tab: Signal<Tab>;
  readonly list: Signal<Exclude<Tab, "phone">>;
  readonly isBusy: boolean;
}

function Tabs({ tab, list, isBusy }: TabsProps): JSX.Element {
  const show = (which: Tab): void => {
    tab.value = which;
    if (which !== "phone") list.value = which;
  };
  return (
    <nav class="tabs" aria-label="Sections">
      <button
        type="button"
        class="tab only-small"
        aria-current={tab.value === "phone" && "page"}
        onClick={() => show("phone")}
      >
        {isBusy ? <PhoneIcon /> : <KeypadIcon />}
        <span>{isBusy ? "Call" : "Keypad"}</span>
      </button>
      <button
        type="button"
        class="tab"
        data-list={list.value === "contacts"}
        aria-current={tab.value === "contacts" && "page"}
        onClick={() => show("contacts")}
      >
        <PeopleIcon />
        <span>Contacts</span>
      </button>
      <button
        type="button"
        class="tab"
        data-list={list.value === "history"}
        aria-current={tab.value === "history" && "page"}
        onClick={() => show("history")}
      >
        <ClockIcon />
        <span>Recent</span>
      </button>
    </nav>
  );
}
