import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { LinkStatus } from "../phone/sip-client.ts";
import { AudioDialog } from "./audio-dialog.tsx";
import { settingsWords } from "../model/call-settings.ts";
import { AudioIcon, LogoMark, SettingsIcon, SignOutIcon } from "./icons.tsx";
import { usePhone } from "./phone-context.ts";
import { SettingsDialog } from "./settings-dialog.tsx";

export function Header(): JSX.Element {
  const phone = usePhone();
  const [open, setOpen] = useState<"audio" | "settings" | undefined>(undefined);
  const stored = phone.callSettings.value?.stored.value;
  const ways = stored === undefined ? undefined : settingsWords(stored);
  const link = phone.link.value;
  const region = phone.me.value?.region;
  return (
    <header class="top">
      <h1 class="brand-name">
        <LogoMark />
        <span>Nearside</span>
      </h1>
      <p class="link-state" data-link={link.kind} role="status">
        <i class="dot" aria-hidden="true" />
        <span>{linkWords(link)}</span>
        {link.kind === "ready" && region !== undefined && <span class="where"> · {region}</span>}
      </p>
      {ways !== undefined && (
        <button type="button" class="ways" title="Calls to me" onClick={() => setOpen("settings")}>
          {ways}
        </button>
      )}
      <span class="who">{phone.session.value?.identity}</span>
      <button type="button" class="plain" aria-label="Audio" title="Audio" onClick={() => setOpen("audio")}>
        <AudioIcon />
      </button>
      <button
        type="button"
        class="plain"
        aria-label="Calls to me"
        title="Calls to me"
        onClick={() => setOpen("settings")}
      >
        <SettingsIcon />
      </button>
      <button type="button" class="plain" aria-label="Sign out" title="Sign out" onClick={() => phone.signOut()}>
        <SignOutIcon />
      </button>
      {open === "audio" && <AudioDialog onClose={() => setOpen(undefined)} />}
      {open === "settings" && <SettingsDialog onClose={() => setOpen(undefined)} />}
    </header>
  );
}

function linkWords(link: LinkStatus): string {
  switch (link.kind) {
    case "ready":
      return "Ready";
    case "registering":
      return "Signing on…";
    case "connecting":
      return link.failedTries === 0 ? "Connecting…" : "No connection, trying again…";
    case "refused":
      return `Calls cannot reach you (${link.status} ${link.reason})`;
    case "stopped":
      return "Signed off";
  }
}
