export type StartProblemCode =
  | "already-running"
  | "build-failed"
  | "gateway-not-ready"
  | "port-busy"
  | "port-forbidden"
  | "address-unknown"
  | "region-config-unreadable"
  | "region-config-invalid"
  | "secrets-broken"
  | "seeding-failed"
  | "settings-broken"
  | "tool-missing"
  | "worker-not-healthy";

/** Why the stack cannot start: one line for each mistake, and each line says how to mend it. */
export class StartProblem extends Error {
  override readonly name = "StartProblem";
  readonly code: StartProblemCode;
  readonly lines: readonly string[];

  constructor(code: StartProblemCode, lines: string | readonly string[]) {
    const all = typeof lines === "string" ? [lines] : lines;
    super(all.join("\n"));
    this.code = code;
    this.lines = all;
  }
}

/** The stop that the user asked for while the stack was still starting: not a failure. */
export class StartAborted extends Error {
  override readonly name = "StartAborted";
}
