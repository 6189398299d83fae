/** Every line that the Worker writes: JSON, a closed catalogue, ids but neither secrets nor addresses. A new line is a new member. */
export type LogEvent =
  | {
      readonly event: "control.opened";
      readonly gateway: string;
      readonly channel: number;
      readonly instance: string;
      readonly calls: number;
    }
  | { readonly event: "control.closed"; readonly gateway: string; readonly channel: number; readonly code: number }
  | { readonly event: "control.refused"; readonly gateway: string; readonly channel: number; readonly code: string }
  | {
      readonly event: "control.events-stuck";
      readonly gateway: string;
      readonly channel: number;
      readonly code: string;
    }
  /** A frame that was not taken, and what it concerned. */
  | {
      readonly event: "control.frame-lost";
      readonly gateway: string;
      readonly channel: number;
      readonly code: string;
      readonly concerns: string;
    }
  | {
      readonly event: "control.call-abandoned";
      readonly gateway: string;
      readonly channel: number;
      readonly code: string;
    }
  | { readonly event: "gateway.enrolled"; readonly gateway: string; readonly region: string }
  | { readonly event: "gateway.revoked"; readonly gateway: string; readonly region: string }
  | { readonly event: "gateway.up"; readonly gateway: string; readonly region: string; readonly instance: string }
  | { readonly event: "gateway.suspected"; readonly gateway: string; readonly region: string; readonly reason: string }
  | {
      readonly event: "gateway.verdict";
      readonly gateway: string;
      readonly region: string;
      readonly verdict: string;
      readonly afterMs: number;
    }
  | {
      readonly event: "gateway.draining";
      readonly gateway: string;
      readonly region: string;
      readonly draining: boolean;
    }
  | { readonly event: "account.stored"; readonly account: string; readonly users: number }
  | {
      readonly event: "application.failed";
      readonly account: string;
      readonly call: string;
      readonly code: number;
      readonly detail: string;
    }
  | { readonly event: "bridge.registered"; readonly account: string; readonly bridge: string }
  | { readonly event: "bridge.closed"; readonly bridge: string; readonly code: number; readonly registered: boolean }
  | { readonly event: "link.deadline"; readonly what: string; readonly deadlineMs: number }
  | { readonly event: "fault"; readonly where: string; readonly code: string };

export function log(line: LogEvent): void {
  // oxlint-disable-next-line no-console -- the one place that writes.
  console.log(JSON.stringify({ atMs: Date.now(), ...line }));
}

/** A stable word for any thrown value: its code, else its name. Messages may hold what a log must not. */
export function faultCode(error: unknown): string {
  if (error instanceof Error) return "code" in error && typeof error.code === "string" ? error.code : error.name;
  return typeof error;
}
