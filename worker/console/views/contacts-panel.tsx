import type { JSX } from "preact";
import type { Contact } from "../api/types.ts";
import { Avatar } from "./avatar.tsx";
import { PhoneIcon, SearchIcon } from "./icons.tsx";
import { usePhone } from "./phone-context.ts";

export function ContactsPanel(): JSX.Element {
  const contacts = usePhone().contacts.value;
  const list = contacts?.list.value;
  return (
    <section class="panel" aria-labelledby="contacts-title">
      <h2 id="contacts-title">Contacts</h2>
      <label class="search">
        <SearchIcon />
        <input
          type="search"
          aria-label="Search contacts"
          placeholder="Search"
          onInput={({ currentTarget }) => void contacts?.searchFor(currentTarget.value)}
        />
      </label>
      {contacts?.isStale.value === true && <p class="note">No connection: this is how it was last.</p>}
      {list === undefined && <p class="quiet">Looking…</p>}
      {list?.length === 0 && (
        <p class="quiet">
          {contacts?.search.value === "" ? "You are alone in your organisation." : "Nobody has that name."}
        </p>
      )}
      <ul class="rows">
        {list?.map((contact) => (
          <ContactRow key={contact.identity} contact={contact} />
        ))}
      </ul>
      {contacts?.more.value === true && <p class="quiet">There are more: search for them.</p>}
      <Numbers />
    </section>
  );
}

const NUMBER_WORDS: Readonly<Record<string, string>> = {
  echo: "Hear yourself",
  music: "Listen to a tune",
  conference: "A room for everybody who calls it",
};

/** What the platform itself answers; a search is for people. */
function Numbers(): JSX.Element | null {
  const phone = usePhone();
  const numbers = phone.me.value?.numbers ?? [];
  if (numbers.length === 0 || phone.contacts.value?.search.value !== "") return null;
  return (
    <>
      <h3>Numbers to try</h3>
      <ul class="rows">
        {numbers.map((number) => (
          <li class="row" key={number}>
            <span class="row-text">
              <b>{number}</b>
              <small>{NUMBER_WORDS[number] ?? "Answered by the platform"}</small>
            </span>
            <button type="button" class="round" aria-label={`Call ${number}`} onClick={() => phone.dial(number)}>
              <PhoneIcon />
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function ContactRow({ contact }: { readonly contact: Contact }): JSX.Element {
  const phone = usePhone();
  const { identity, presence } = contact;
  return (
    <li class="row" data-presence={presence}>
      <span class="with-presence">
        <Avatar name={identity} />
        <i class="dot" aria-hidden="true" />
      </span>
      <span class="row-text">
        <b>{identity}</b>
        <small>{presenceWords(contact)}</small>
      </span>
      <button type="button" class="round" aria-label={`Call ${identity}`} onClick={() => phone.dial(identity)}>
        <PhoneIcon />
      </button>
    </li>
  );
}

function presenceWords({ presence, devices, regions }: Contact): string {
  if (presence === "offline") return "Offline";
  if (devices > 1) return `Online · ${devices} devices`;
  return ["Online", ...regions].join(" · ");
}
