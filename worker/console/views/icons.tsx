/** Drawn here: a handful of lines each, no font and no request. They never speak; the controls that hold them do. */
import type { ComponentChildren, JSX } from "preact";

function Icon({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

const HANDSET =
  "M5 4h3.2l1.7 4.4-2.1 1.5a12 12 0 0 0 6.3 6.3l1.5-2.1 4.4 1.7V19a2 2 0 0 1-2.2 2A16.8 16.8 0 0 1 3 6.2 2 2 0 0 1 5 4Z";

export const PhoneIcon = (): JSX.Element => (
  <Icon>
    <path d={HANDSET} />
  </Icon>
);
export const HangUpIcon = (): JSX.Element => (
  <Icon>
    <path d="M3.2 14.6c-.6-1.3-.3-2.9.8-3.8a13.3 13.3 0 0 1 16 0c1.1.9 1.4 2.5.8 3.8l-.5 1a1 1 0 0 1-1.2.5l-3-1a1 1 0 0 1-.7-1v-2a12 12 0 0 0-6.8 0v2a1 1 0 0 1-.7 1l-3 1a1 1 0 0 1-1.2-.5Z" />
  </Icon>
);
export const MicrophoneIcon = ({ off = false }: { readonly off?: boolean }): JSX.Element => (
  <Icon>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
    {off && <path d="M4 3.5 20 20.5" />}
  </Icon>
);
export const KeypadIcon = (): JSX.Element => (
  <Icon>
    {[5, 12, 19].flatMap((y) =>
      [5, 12, 19].map((x) => <circle key={`${x} ${y}`} cx={x} cy={y} r="1.3" fill="currentColor" />),
    )}
  </Icon>
);
export const PauseIcon = (): JSX.Element => (
  <Icon>
    <path d="M8.5 5v14M15.5 5v14" />
  </Icon>
);
export const ResumeIcon = (): JSX.Element => (
  <Icon>
    <path d="M7.5 4.8v14.4L19 12Z" />
  </Icon>
);
export const AudioIcon = (): JSX.Element => (
  <Icon>
    <path d="M4 14v-2a8 8 0 0 1 16 0v2" />
    <rect x="3" y="14" width="4.5" height="6" rx="1.8" />
    <rect x="16.5" y="14" width="4.5" height="6" rx="1.8" />
  </Icon>
);
export const PeopleIcon = (): JSX.Element => (
  <Icon>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.5 20a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5" />
  </Icon>
);
export const ClockIcon = (): JSX.Element => (
  <Icon>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M12 7v5l3.5 2" />
  </Icon>
);
export const BackspaceIcon = (): JSX.Element => (
  <Icon>
    <path d="M9 5h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-6-7Z" />
    <path d="m12 9.5 5 5m0-5-5 5" />
  </Icon>
);
export const CloseIcon = (): JSX.Element => (
  <Icon>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
);
export const PlusIcon = (): JSX.Element => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);
export const SignOutIcon = (): JSX.Element => (
  <Icon>
    <path d="M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8M10 12h11m-3.5-4 4 4-4 4" />
  </Icon>
);
export const SearchIcon = (): JSX.Element => (
  <Icon>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m16 16 4.5 4.5" />
  </Icon>
);
/** Out to them, in from them, or in and missed. */
export const DirectionIcon = ({ kind }: { readonly kind: "outgoing" | "incoming" | "missed" }): JSX.Element => (
  <Icon>
    {kind === "outgoing" && <path d="M7 17 17 7M9 7h8v8" />}
    {kind === "incoming" && <path d="M17 7 7 17m8 0H7V9" />}
    {kind === "missed" && <path d="m4 8 7 7 9-9M4 14V8h6" />}
  </Icon>
);
export const CheckIcon = ({ verdict }: { readonly verdict: "good" | "warning" | "bad" }): JSX.Element => (
  <Icon>
    <circle cx="12" cy="12" r="9" />
    {verdict === "good" && <path d="m8 12.3 2.7 2.7L16 9.5" />}
    {verdict === "warning" && <path d="M12 7.5v5.5m0 3v.01" />}
    {verdict === "bad" && <path d="m9 9 6 6m0-6-6 6" />}
  </Icon>
);
export const LogoMark = (): JSX.Element => (
  <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="9" />
    <path d="M8 22c0-7.7 6.3-14 14-14" opacity=".55" />
    <path d="M13.5 22a8.5 8.5 0 0 1 8.5-8.5" opacity=".8" />
    <circle cx="21.5" cy="21.5" r="3.3" />
  </svg>
);
export const DetailsIcon = (): JSX.Element => (
  <Icon>
    <path d="M6 3v18M18 3v18M6 8h8m-2.5-2.5L14 8l-2.5 2.5M18 16h-8m2.5-2.5L10 16l2.5 2.5" />
  </Icon>
);
export const TransferIcon = (): JSX.Element => (
  <Icon>
    <path d="M4 17v-3a4 4 0 0 1 4-4h11m-4.5-4.5L19 10l-4.5 4.5" />
  </Icon>
);
/** Three sliders. */
export const SettingsIcon = (): JSX.Element => (
  <Icon>
    <path d="M4 7h9m4 0h3M4 12h2m4 0h10M4 17h9m4 0h3" />
    <circle cx="15" cy="7" r="2" />
    <circle cx="8" cy="12" r="2" />
    <circle cx="15" cy="17" r="2" />
  </Icon>
);
