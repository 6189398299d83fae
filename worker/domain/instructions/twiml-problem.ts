/** What is wrong with a document, and where. The codes and their levels are those of Twilio's error dictionary. */

/** One-based; a column counts characters, so that an editor shows the same one. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** The document is not run. */
export type TwimlErrorCode =
  /** A URL that cannot be one. */
  | 11100
  /** More than 64 kB. */
  | 11750
  /** Nothing in it. */
  | 11770
  /** Not well-formed XML, or beyond our limits of depth and length. */
  | 12100
  /** The root is not `<Response>`. */
  | 12102;

/** The document is run without the part in question, or with its default. */
export type TwimlWarningCode =
  /** Unknown or unsupported element, attribute or text. */
  | 12200
  /** Dial: a conference beside other nouns. */
  | 13000
  /** Dial: method, timeout, hangupOnStar, callerId, nested element, timeLimit, answerOnBridge, number. */
  | 13210
  | 13212
  | 13213
  | 13214
  | 13215
  | 13216
  | 13219
  | 13223
  /** Dial: conference name, SIP URI, callerId too long, too many nouns. */
  | 13237
  | 13243
  | 13248
  | 13250
  /** Play: loop, digits. */
  | 13410
  | 13430
  /** Say: loop, voice, language, no text, too much text. */
  | 13510
  | 13511
  | 13512
  | 13520
  | 13521
  /** Redirect: method. Reject: reason. Pause: length. */
  | 13710
  | 13810
  | 13910;

interface Described extends SourcePosition {
  readonly message: string;
  /** Name of the element that it concerns. */
  readonly element?: string;
}

export interface TwimlError extends Described {
  readonly level: "error";
  readonly code: TwimlErrorCode;
}

export interface TwimlWarning extends Described {
  readonly level: "warning";
  readonly code: TwimlWarningCode;
}

export type TwimlProblem = TwimlError | TwimlWarning;

export function twimlError(
  code: TwimlErrorCode,
  { line, column }: SourcePosition,
  message: string,
  element?: string,
): TwimlError {
  return { code, level: "error", line, column, message, ...(element === undefined ? {} : { element }) };
}

export function twimlWarning(
  code: TwimlWarningCode,
  { line, column }: SourcePosition,
  message: string,
  element: string,
): TwimlWarning {
  return { code, level: "warning", line, column, message, element };
}
