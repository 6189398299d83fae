/** What people type where a number goes, and what is dialled for it. */

export type DialTarget =
  | { readonly ok: true; readonly user: string }
  | { readonly ok: false; readonly code: "nothing-typed" | "other-domain" | "not-a-name-or-number" };

/** Digits with all that people put between them. */
const WRITTEN_NUMBER = /^\+?[\d\s().\-/*#\u00a0\u2010-\u2013]+$/;
/** As the registrar takes identities. */
const IDENTITY = /^[a-z0-9][a-z0-9._+-]{0,63}$/;
const NUMBER = /^\+?[\d*#]{1,32}$/;

export function parseDialTarget(typed: string, ownDomain: string): DialTarget {
  const address = typed.trim().replace(/^(sips?|tel):/i, "");
  if (address === "") return { ok: false, code: "nothing-typed" };
  const at = address.lastIndexOf("@");
  if (at >= 0 && address.slice(at + 1).toLowerCase() !== ownDomain.toLowerCase())
    return { ok: false, code: "other-domain" };
  const user = at < 0 ? address : address.slice(0, at);
  const dialled = WRITTEN_NUMBER.test(user) ? digitsOf(user) : user.toLowerCase();
  return NUMBER.test(dialled) || IDENTITY.test(dialled)
    ? { ok: true, user: dialled }
    : { ok: false, code: "not-a-name-or-number" };
}

/** "+44 (0)20 7946-0000": the zero in brackets is for those who dial without the country. */
function digitsOf(written: string): string {
  const international = written.startsWith("+");
  const plain = international ? written.replace(/\(\s*0\s*\)/, "") : written;
  return plain.replaceAll(/[^\d+*#]/g, "");
}

export const DIAL_PROBLEM_WORDS: Readonly<Record<Extract<DialTarget, { ok: false }>["code"], string>> = {
  "nothing-typed": "Type a name or a number first.",
  "other-domain": "Only people of your own organisation can be called. Leave out everything from the @ on.",
  "not-a-name-or-number": "That is neither a name nor a number. Names have letters, digits, dots and hyphens.",
};
