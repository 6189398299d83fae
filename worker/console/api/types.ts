/** What the user API answers with, as far as the page reads it. */
import type { EndpointSettings, ForwardCondition } from "../../domain/accounts/callee-plan.ts";
import type { CallRecord } from "../../domain/calls/call-object-api.ts";
import type { Ladder } from "../../domain/ladder/ladder.ts";

export type { CallRecord, EndpointSettings, ForwardCondition, Ladder };

export interface TokenAnswer {
  readonly token: string;
  readonly expiresAt: string;
}

export interface SignInAnswer extends TokenAnswer {
  readonly identity: string;
  readonly sipDomain: string;
}

export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

export interface RegionPlace extends Place {
  readonly name: string;
}

export interface Me {
  readonly identity: string;
  readonly sipDomain: string | null;
  readonly mayReceive: boolean;
  readonly region: string;
  readonly place: Place | null;
  readonly regions: readonly RegionPlace[];
  /** That the platform itself answers. */
  readonly numbers: readonly string[];
  readonly gateways: readonly { readonly id: string; readonly region: string }[];
}

export interface Contact {
  readonly identity: string;
  readonly presence: "online" | "offline";
  readonly devices: number;
  readonly regions: readonly string[];
}

export interface ContactsAnswer {
  readonly contacts: readonly Contact[];
  readonly more: boolean;
}

export interface PastCall {
  readonly sid: string;
  readonly direction: "outgoing" | "incoming";
  readonly peer: string;
  readonly outcome: "in-progress" | "answered" | "missed" | "declined" | "busy" | "no-answer" | "canceled" | "failed";
  readonly createdAt: string;
  readonly answeredAt: string | null;
  readonly endedAt: string | null;
}

export interface PastCallsAnswer {
  readonly calls: readonly PastCall[];
  readonly more: boolean;
}
