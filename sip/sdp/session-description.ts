/**
 * An SDP text cut into its sections (RFC 8866 section 5), nothing more: values stay text, because numbers made of
 * `ice-ufrag:0012` or of 64-bit session ids would no longer be what the peer wrote.
 */

/** Longest SDP that is read, in characters: twice what a browser with every kind of media and many candidates writes. */
export const SDP_LIMIT = 16 * 1024;
/** Most m-lines that are read. */
export const MEDIA_LIMIT = 20;

export interface SdpLine {
  readonly type: string;
  readonly value: string;
}

export interface MediaSection {
  /** The value of the m-line, as sent. */
  readonly media: string;
  /** `audio`, lower case. */
  readonly kind: string;
  readonly port: number;
  /** `UDP/TLS/RTP/SAVPF`, upper case. */
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly lines: readonly SdpLine[];
}

export interface SessionDescription {
  readonly lines: readonly SdpLine[];
  readonly media: readonly MediaSection[];
}

/**
 * What no SDP may hold. The grammar leaves out NUL (RFC 8866 section 9, byte-string).
 *
 * DEVIATION (docs/compliance.md#8866-9): all other control characters but tab are refused as well.
 */
// oxlint-disable-next-line no-control-regex -- they are what is looked for.
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Why a body cannot be read as SDP, whoever it is for; `undefined` when only its lines can tell. */
export function sdpProblem(body: string): SdpProblem | undefined {
  if (body.length > SDP_LIMIT) return "sdp-too-long";
  return CONTROLS.test(body) ? "sdp-with-controls" : undefined;
}

export type SdpProblem = "sdp-too-long" | "sdp-with-controls";

/** RFC 3261 sections 21.4.11 and 21.4.26. */
export function sdpStatus(problem: SdpProblem): 413 | 488 {
  return problem === "sdp-too-long" ? 413 : 488;
}

/** Cuts an SDP into sections; unknown lines are kept, broken ones are skipped (RFC 8866 section 5: ignore unknown attributes). */
export function parseSessionDescription(sdp: string): SessionDescription | undefined {
  if (sdpProblem(sdp) !== undefined || !/^v=0\s*$/m.test(sdp.slice(0, 16))) return undefined;
  const session: SdpLine[] = [];
  const media: (MediaSection & { readonly lines: SdpLine[] })[] = [];
  let lines = session;
  for (const text of sdp.split(/\r\n|\n|\r/)) {
    const line = parseLine(text);
    if (line === undefined) continue;
    if (line.type !== "m") {
      lines.push(line);
      continue;
    }
    const section = parseMediaLine(line.value);
    if (section === undefined || media.length === MEDIA_LIMIT) return undefined;
    lines = section.lines;
    media.push(section);
  }
  return { lines: session, media };
}

function parseLine(text: string): SdpLine | undefined {
  const type = text[0];
  if (type === undefined || text[1] !== "=" || !/[a-z]/.test(type)) return undefined;
  return { type, value: text.slice(2).trim() };
}

function parseMediaLine(value: string): (MediaSection & { readonly lines: SdpLine[] }) | undefined {
  const [kind, portText, protocol, ...formats] = value.split(/ +/);
  // `49170/2` announces two ports for layered streams (RFC 8866 section 5.14); only the first is of use.
  const port = /^(\d{1,5})(\/\d{1,5})?$/.exec(portText ?? "")?.[1];
  if (kind === undefined || kind === "" || port === undefined || Number(port) > 65_535) return undefined;
  if (protocol === undefined || formats.length === 0) return undefined;
  return {
    media: value,
    kind: kind.toLowerCase(),
    port: Number(port),
    protocol: protocol.toUpperCase(),
    formats,
    lines: [],
  };
}

interface Section {
  readonly lines: readonly SdpLine[];
}

/** The first line of this type, `c` or `o`. */
export function lineValue(section: Section, type: string): string | undefined {
  return section.lines.find((line) => line.type === type)?.value;
}

/** The first `a=name` or `a=name:value`; a flag has the value "". */
export function attribute(section: Section, name: string): string | undefined {
  for (const line of section.lines) {
    const value = attributeOf(line, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

export function attributes(section: Section, name: string): readonly string[] {
  return section.lines.flatMap((line) => attributeOf(line, name) ?? []);
}

function attributeOf(line: SdpLine, name: string): string | undefined {
  if (line.type !== "a" || !line.value.startsWith(name)) return undefined;
  if (line.value.length === name.length) return "";
  return line.value[name.length] === ":" ? line.value.slice(name.length + 1).trim() : undefined;
}
