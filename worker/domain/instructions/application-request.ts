/** A question to an application, and what came of it. JSON: a call that waits for an answer remembers the question. */
import type { HttpMethod } from "./instruction.ts";

export interface ApplicationRequest {
  /** Numbers the requests of a call: an answer to an earlier one says nothing any more. */
  readonly id: number;
  readonly url: string;
  readonly method: HttpMethod;
  readonly parameters: Readonly<Record<string, string>>;
  /** The call is over and nobody waits for the answer. */
  readonly last: boolean;
  /** Asked because another URL failed: when this one fails too, so has the application. */
  readonly isFallback: boolean;
}

export type ApplicationAnswer =
  /** `url` when redirects led to another one. */
  | { readonly ok: true; readonly text: string; readonly url?: string }
  /** Twilio's code of what went wrong; `detail` is for people. */
  | { readonly ok: false; readonly code: ApplicationFault; readonly detail: string };

export type ApplicationFault =
  /** No URL that can be asked. */
  | 11100
  /** A status that is no success. */
  | 11200
  /** No connection, no answer in time, or an address that may not be asked. */
  | 11205
  /** Redirected too often. */
  | 11215
  /** More than 64 kB. */
  | 11750
  /** Something other than XML. */
  | 12300;
