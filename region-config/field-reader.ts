/** Reads fields of unknown data, notes every mistake and goes on, so that one run over a file finds all of them. */
import type { RegionConfigProblem, RegionConfigProblemCode } from "./schema.ts";

export type Problems = RegionConfigProblem[];

/** Reads one value at a path; `undefined` means that a problem was noted. */
export type Reader<T> = (value: unknown, path: string, problems: Problems) => T | undefined;

export function note(problems: Problems, path: string, code: RegionConfigProblemCode, detail: string): undefined {
  problems.push({ path, code, detail });
  return undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

/** The readers of an object's fields. Keys outside the table are mistakes: a misspelt option must not be silently off. */
export type FieldTable<T> = {
  readonly [K in keyof T]-?: { readonly read: Reader<NonNullable<T[K]>>; readonly optional?: boolean };
};

/** Any key that starts with `$` is for editors, not for us. */
function isEditorKey(key: string): boolean {
  return key.startsWith("$");
}

/** The fields of an object; those that could not be read are missing from the answer, so it is partial. */
export function readFields<T extends object>(
  table: FieldTable<T>,
  value: unknown,
  path: string,
  problems: Problems,
): Partial<T> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return note(problems, path, "type-wrong", `expected an object, found ${kindOf(value)}`);
  }
  const given = new Map<string, unknown>(Object.entries(value));
  const fields: Partial<T> = {};
  for (const key in table) {
    const field = table[key];
    const at = path === "" ? key : `${path}.${key}`;
    if (given.get(key) === undefined) {
      if (field.optional !== true) note(problems, at, "value-missing", "is required");
      continue;
    }
    const read = field.read(given.get(key), at, problems);
    if (read !== undefined) fields[key] = read;
  }
  for (const key of given.keys()) {
    if (Object.hasOwn(table, key) || isEditorKey(key)) continue;
    note(
      problems,
      path === "" ? key : `${path}.${key}`,
      "key-unknown",
      `known keys here: ${Object.keys(table).join(", ")}`,
    );
  }
  return fields;
}

/** A list whose unreadable members are left out of the answer; each has its problem noted. */
export function listOf<T>(read: Reader<T>, { atLeast }: { readonly atLeast: number }): Reader<readonly T[]> {
  return (value, path, problems) => {
    if (!Array.isArray(value)) return note(problems, path, "type-wrong", `expected a list, found ${kindOf(value)}`);
    if (value.length < atLeast) return note(problems, path, "list-empty", `needs at least ${atLeast}`);
    return value.flatMap((member: unknown, index) => {
      const one = read(member, `${path}[${index}]`, problems);
      return one === undefined ? [] : [one];
    });
  };
}

/** A name that a parser of `protocol/ids.ts` accepts. */
export function nameBy<T>(parse: (text: unknown) => T | undefined): Reader<T> {
  return (value, path, problems) =>
    parse(value) ??
    note(problems, path, "name-invalid", "lower-case letters, digits and hyphens, beginning with a letter");
}

export function numberIn(least: number, most: number, { integer = false } = {}): Reader<number> {
  return (value, path, problems) => {
    if (typeof value !== "number")
      return note(problems, path, "type-wrong", `expected a number, found ${kindOf(value)}`);
    const fits = value >= least && value <= most && (!integer || Number.isInteger(value));
    return fits
      ? value
      : note(
          problems,
          path,
          "number-out-of-range",
          `${value} is not ${integer ? "a whole number " : ""}from ${least} to ${most}`,
        );
  };
}

export const port = numberIn(1, 65_535, { integer: true });

export const truth: Reader<boolean> = (value, path, problems) =>
  typeof value === "boolean"
    ? value
    : note(problems, path, "type-wrong", `expected true or false, found ${kindOf(value)}`);

const NAME_LABELS = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const IPV6_CHARACTERS = /^(?=.*:.*:)[0-9a-f:.]{2,45}$/i;

/** An IPv4 or IPv6 address or a DNS name. What looks like IPv4 has to be IPv4. */
export const host: Reader<string> = (value, path, problems) => {
  if (typeof value !== "string") return note(problems, path, "type-wrong", `expected a host, found ${kindOf(value)}`);
  const looksLikeIpv4 = /^[0-9.]+$/.test(value);
  const octets = value.split(".");
  const isIpv4 = octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
  const valid = looksLikeIpv4 ? isIpv4 : NAME_LABELS.test(value) || IPV6_CHARACTERS.test(value);
  return valid
    ? value
    : note(problems, path, "host-invalid", `"${value.slice(0, 64)}" is neither an address nor a host name`);
};
