/** A call being changed by one input: the new state and the effects that it asks for. Nothing leaves before the state is stored. */
import type { CallCommand } from "#protocol/call-messages";
import type { CallToken, GatewayId, LegId } from "#protocol/ids";
import type { CallContext, CallEffect } from "./call-input.ts";
import type { CallStatus } from "./call-object-api.ts";
import type { CallLeg, CallState, CallTransfer, GatewayParty } from "./call-state.ts";

const LOG_LIMIT = 300;

export class CallDraft {
  readonly state: CallState;
  readonly context: CallContext;
  readonly effects: CallEffect[] = [];

  constructor(state: CallState, context: CallContext) {
    this.state = state;
    this.context = context;
  }

  leg(id: LegId | string | undefined): CallLeg | undefined {
    return this.state.legs.find((leg) => leg.leg === id);
  }

  /** Whom the call is carried out for: who called, until a transfer made it somebody else. */
  get caller(): CallLeg | undefined {
    const { main, legs } = this.state;
    return main === undefined ? legs.find((leg) => leg.side === "caller") : this.leg(main);
  }

  get winner(): CallLeg | undefined {
    return this.state.winner === undefined ? undefined : this.leg(this.state.winner);
  }

  get callees(): readonly CallLeg[] {
    return this.state.legs.filter((leg) => leg.side === "callee");
  }

  /** Whom this leg talks with, if it does. */
  peerOf(leg: CallLeg): CallLeg | undefined {
    const { caller, winner } = this;
    if (leg === caller) return winner;
    return leg === winner ? caller : undefined;
  }

  /** The transfer under way whose target this leg rings. */
  transferOf(leg: CallLeg): CallTransfer | undefined {
    const { transfer } = this.state;
    return leg.group !== undefined && leg.group === transfer?.group ? transfer : undefined;
  }

  /** For a browser that takes another leg's place; those of phones are named by their gateways, with an `r`. */
  newReplacementLeg(): LegId {
    const used = this.state.legs.filter(({ leg }) => leg.startsWith("t")).length;
    // Minted here: the letter and a count are a leg id by construction.
    return `t${used + 1}` as LegId;
  }

  get ended(): boolean {
    return this.state.endedAtMs !== undefined;
  }

  /** Numbers a command for the gateway that holds the leg. `false` when no gateway holds it. */
  command(leg: CallLeg, command: CallCommand): boolean {
    return leg.holder !== undefined && this.commandTo(leg.holder, command);
  }

  commandTo(gateway: GatewayId, command: CallCommand): boolean {
    const party = this.party(gateway);
    if (party === undefined) return false;
    party.lastCommand += 1;
    const numbered = { seq: party.lastCommand, epoch: this.state.epoch, command };
    party.outbox.push(numbered);
    this.effects.push({ kind: "send-command", gateway, command: numbered });
    return true;
  }

  /** The control stream with a gateway, opened to its present instance when there is none yet. */
  party(gateway: GatewayId): GatewayParty | undefined {
    const known = this.state.parties.find((party) => party.gateway === gateway);
    if (known !== undefined) return known;
    const status = this.context.fleet.find((entry) => entry.gateway === gateway);
    if (status?.instance === undefined) return undefined;
    const party: GatewayParty = {
      gateway,
      instance: status.instance,
      region: status.region,
      channel: channelOf(this.state.token, status.channels),
      lastEvent: 0,
      lastCommand: 0,
      outbox: [],
    };
    this.state.parties.push(party);
    return party;
  }

  sendSip(leg: CallLeg, text: string): void {
    if (leg.kind !== "browser") return;
    this.effects.push({ kind: "send-sip", leg: leg.leg, bridge: leg.bridge, socket: leg.socket, text });
  }

  log(event: string, about: { readonly leg?: string; readonly gateway?: string; readonly detail?: string } = {}): void {
    this.state.logSeq += 1;
    if (this.state.log.length >= LOG_LIMIT) this.state.log.splice(1, 1);
    this.state.log.push({ seq: this.state.logSeq, atMs: this.context.nowMs, event, ...about });
  }

  setStatus(status: CallStatus): void {
    this.state.status = status;
  }

  /** Its list hears of a call when legs are rung and when it ends; what happens in between it asks for when it is read. */
  record(): void {
    if (!this.effects.some((effect) => effect.kind === "record")) this.effects.push({ kind: "record" });
  }
}

/** The channel for a gateway's first part in a call: any fixed function of the token spreads calls (docs/design/control-channel.md). */
export function channelOf(token: CallToken, channels: number): number {
  let sum = 0;
  for (let i = 0; i < token.length; i += 1) sum = (sum * 31 + token.charCodeAt(i)) >>> 0;
  return sum % Math.max(1, channels);
}
