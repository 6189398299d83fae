/** URL references as TwiML has them, resolved by RFC 3986 section 5.2: the pure folders have no `URL`. */

interface UrlParts {
  readonly scheme?: string;
  readonly authority?: string;
  readonly path: string;
  /** With its `?`. */
  readonly query: string;
  /** With its `#`. Twilio's connection overrides travel in it. */
  readonly fragment: string;
}

/** RFC 3986 appendix B, with a scheme only where it is a legal one. */
const REFERENCE = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/;

function split(text: string): UrlParts | undefined {
  const match = REFERENCE.exec(text);
  if (match === null) return undefined;
  const [, scheme, authority, path = "", query = "", fragment = ""] = match;
  return {
    ...(scheme === undefined ? {} : { scheme: scheme.toLowerCase() }),
    ...(authority === undefined ? {} : { authority }),
    path,
    query,
    fragment,
  };
}

/** Whether a text can be a URL of one of the schemes or a relative reference, the empty one included. */
export function isUrlReference(text: string, schemes: readonly string[]): boolean {
  // White space, control characters and delimiters of running text never stand in a URL unescaped.
  if (text.length > URL_LIMIT || /[\s\p{Cc}\p{Cs}<>"\\^`{|}]/u.test(text)) return false;
  const parts = split(text);
  if (parts === undefined) return false;
  if (parts.scheme === undefined) return parts.authority !== "" && !/^[^/]*:/.test(parts.path);
  if (!schemes.includes(parts.scheme)) return false;
  return isHierarchical(parts.scheme) ? hostOf(parts.authority ?? "") !== "" : parts.path !== "";
}

/** The URL that a reference means in a document from `base`; `undefined` when it is relative and there is no base for it. */
export function resolveUrlReference(reference: string, base: string | undefined): string | undefined {
  const relative = split(reference);
  if (relative === undefined) return undefined;
  if (relative.scheme !== undefined) return reference;
  const from = base === undefined ? undefined : split(base);
  if (base === undefined || from?.scheme === undefined || !isHierarchical(from.scheme)) return undefined;
  if (reference === "") return base;
  return join({ ...target(relative, from), scheme: from.scheme, fragment: relative.fragment });
}

/** RFC 3986 section 5.2.2, below the scheme. */
function target(relative: UrlParts, base: UrlParts): UrlParts {
  if (relative.authority !== undefined) return { ...relative, path: withoutDots(relative.path) };
  if (relative.path === "") return { ...base, query: relative.query === "" ? base.query : relative.query };
  const path = relative.path.startsWith("/") ? relative.path : merged(base.path, relative.path);
  return { ...base, path: withoutDots(path), query: relative.query };
}

/** Section 5.2.3. A base with an authority and no path counts as `/`. */
function merged(base: string, path: string): string {
  return `${base.slice(0, base.lastIndexOf("/") + 1) || "/"}${path}`;
}

/** Section 5.2.4. */
function withoutDots(path: string): string {
  const segments: string[] = [];
  const all = path.split("/");
  for (const [index, segment] of all.entries()) {
    const last = index === all.length - 1;
    if (segment === "..") {
      if (segments.length > 1) segments.pop();
      if (last) segments.push("");
    } else if (segment === ".") {
      if (last) segments.push("");
    } else segments.push(segment);
  }
  return segments.join("/");
}

function join(parts: UrlParts): string {
  const authority = parts.authority === undefined ? "" : `//${parts.authority}`;
  return `${parts.scheme ?? ""}:${authority}${parts.path}${parts.query}${parts.fragment}`;
}

function isHierarchical(scheme: string): boolean {
  return scheme === "http" || scheme === "https";
}

/** Without user information and port. */
function hostOf(authority: string): string {
  return authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d*$/, "");
}

const URL_LIMIT = 4_000;
