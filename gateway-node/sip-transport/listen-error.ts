/** A port that could not be opened, said so that an operator knows which one. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  /** The system's code, such as `EADDRINUSE`. */
  readonly code: string;

  constructor(transport: string, host: string, port: number, cause: Error) {
    const code = "code" in cause && typeof cause.code === "string" ? cause.code : "UNKNOWN";
    const why = code === "EADDRINUSE" ? "it is in use" : cause.message;
    super(`cannot listen for SIP on ${transport} ${host}:${port}: ${why} (${code})`, { cause });
    this.code = code;
  }
}
