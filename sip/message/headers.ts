/** Reading and rewriting header fields. Nothing is changed in place: a message is a value. */
import { splitList } from "./characters.ts";
import { canonicalHeaderName, headerKey, headerSpec } from "./header-names.ts";
import type { HeaderField, SipMessage } from "./sip-message.ts";

/** Whether a stored name is the one that `key` (from `headerKey`) stands for. */
function isNamed(field: HeaderField, key: string): boolean {
  return field.name === key || (field.name.length === key.length && field.name.toLowerCase() === key);
}

/** The whole value of the first such field, not split at commas. */
export function header(message: SipMessage, name: string): string | undefined {
  const key = headerKey(name);
  for (const field of message.headers) {
    if (isNamed(field, key)) return field.value;
  }
  return undefined;
}

/** All values in order. Fields whose grammar is a comma-separated list are split; empty list items are left out. */
export function headerValues(message: SipMessage, name: string): readonly string[] {
  const key = headerKey(name);
  const isList = headerSpec(key)?.isList ?? false;
  const values: string[] = [];
  for (const field of message.headers) {
    if (!isNamed(field, key)) continue;
    if (!isList) values.push(field.value);
    else for (const part of splitList(field.value)) if (part !== "") values.push(part);
  }
  return values;
}

export function withoutHeaders<M extends SipMessage>(message: M, ...names: readonly string[]): M {
  const keys = names.map(headerKey);
  return { ...message, headers: message.headers.filter((field) => !keys.some((key) => isNamed(field, key))) };
}

/** Replaces the first such field and drops any further ones; appends when there is none. */
export function withHeader<M extends SipMessage>(message: M, name: string, value: string): M {
  const key = headerKey(name);
  const field: HeaderField = { name: canonicalHeaderName(name), value };
  const headers: HeaderField[] = [];
  let placed = false;
  for (const other of message.headers) {
    if (!isNamed(other, key)) headers.push(other);
    else if (!placed) {
      headers.push(field);
      placed = true;
    }
  }
  if (!placed) headers.push(field);
  return { ...message, headers };
}

/** Puts a field before all others, where the topmost Via or Route belongs. */
export function withTopHeader<M extends SipMessage>(message: M, name: string, value: string): M {
  return { ...message, headers: [{ name: canonicalHeaderName(name), value }, ...message.headers] };
}
