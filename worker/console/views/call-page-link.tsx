import type { JSX } from "preact";
import { DetailsIcon } from "./icons.tsx";

/** To the call's own page, beside this one: leaving this one would end its calls. The new tab takes the session with it. */
export function CallPageLink({ sid, peer }: { readonly sid: string; readonly peer: string }): JSX.Element {
  const name = `What happened in the call with ${peer}, in a new tab`;
  return (
    <a class="plain" href={`/calls/${sid}`} target="_blank" rel="opener" aria-label={name} title="What happened">
      <DetailsIcon />
    </a>
  );
}
