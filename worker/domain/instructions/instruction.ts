/** A TwiML document as data: verbs in their order, every default filled in. JSON, because a call's state contains it. */
import type { EndpointId } from "#protocol/ids";
import type { SourcePosition } from "./twiml-problem.ts";

export type HttpMethod = "GET" | "POST";

/** A `<Parameter>`: what the application wants to tell the callee's client. */
export interface CustomParameter {
  readonly name: string;
  readonly value: string;
}

export type DialTarget =
  | { readonly kind: "client"; readonly identity: EndpointId; readonly parameters: readonly CustomParameter[] }
  | { readonly kind: "sip"; readonly uri: string }
  /** Digits, `*`, `#` and a leading `+`; what people write between them is gone. */
  | { readonly kind: "number"; readonly number: string }
  | { readonly kind: "conference"; readonly name: string };

/** Whom to call and how, as the owner of the call carries it out. */
export interface DialPlan {
  /** All ring together and the first to answer wins. A conference is always alone. */
  readonly targets: readonly DialTarget[];
  readonly timeoutSeconds: number;
  readonly timeLimitSeconds: number;
  readonly answerOnBridge: boolean;
  readonly hangupOnStar: boolean;
  readonly callerId?: string;
  /** Country whose ringback the caller hears; without one, the caller's region decides. */
  readonly ringTone?: string;
}

interface Positioned {
  readonly at: SourcePosition;
}

export interface DialInstruction extends Positioned, DialPlan {
  readonly kind: "dial";
  /** Requested when the dial is over; its document takes the place of this one. */
  readonly action?: { readonly url: string; readonly method: HttpMethod };
}

export type Instruction =
  | DialInstruction
  | (Positioned & { readonly kind: "play"; readonly url: string; readonly loop: number })
  | (Positioned & { readonly kind: "play-digits"; readonly digits: string; readonly loop: number })
  | (Positioned & {
      readonly kind: "say";
      /** Plain: the marks of SSML are gone, its words are kept. */
      readonly text: string;
      readonly voice?: string;
      readonly language?: string;
      readonly loop: number;
    })
  | (Positioned & { readonly kind: "pause"; readonly seconds: number })
  /** An empty URL is the document's own. */
  | (Positioned & { readonly kind: "redirect"; readonly url: string; readonly method: HttpMethod })
  | (Positioned & { readonly kind: "reject"; readonly reason: "rejected" | "busy" })
  | (Positioned & { readonly kind: "hangup" })
  | (Positioned & { readonly kind: "echo" });

export interface TwimlDocument {
  readonly verbs: readonly Instruction[];
}
