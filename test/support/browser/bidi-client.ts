/** WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), as much of it as one page needs: stock Firefox speaks it, no extra driver. */
import { once } from "node:events";
import { WebSocket } from "ws";

interface BidiMessage {
  readonly id?: number;
  readonly type?: string;
  readonly method?: string;
  readonly params?: { readonly level?: string; readonly text?: string | null };
  readonly result?: unknown;
  readonly error?: string;
  readonly message?: string;
}

interface ScriptResult {
  readonly type: "success" | "exception";
  readonly result?: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string };
}

export class BidiClient {
  /** Console lines of the page. */
  readonly console: string[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Map<
    number,
    { readonly resolve: (result: unknown) => void; readonly reject: (why: Error) => void }
  >();
  #context = "";
  #commands = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#take(JSON.parse(data.toString()) as BidiMessage));
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the browser is gone"));
      this.#waiting.clear();
    });
  }

  /** Opens a session on a browser's `--remote-debugging-port` and takes its first tab. */
  static async connect(url: string): Promise<BidiClient> {
    const socket = new WebSocket(`${url}/session`);
    await once(socket, "open");
    const client = new BidiClient(socket);
    await client.#send("session.new", { capabilities: {} });
    await client.#send("session.subscribe", { events: ["log.entryAdded"] });
    const tree = (await client.#send("browsingContext.getTree", {})) as {
      readonly contexts: readonly { readonly context: string }[];
    };
    const [first] = tree.contexts;
    if (first === undefined) throw new Error("the browser has no tab");
    client.#context = first.context;
    return client;
  }

  async navigate(url: string): Promise<void> {
    await this.#send("browsingContext.navigate", { context: this.#context, url, wait: "complete" });
  }

  /** Calls a function of the page with texts and waits for the text that it promises. */
  async callFunction(declaration: string, ...args: readonly string[]): Promise<string> {
    const { type, result, exceptionDetails } = (await this.#send("script.callFunction", {
      functionDeclaration: declaration,
      awaitPromise: true,
      target: { context: this.#context },
      arguments: args.map((value) => ({ type: "string", value })),
      userActivation: true,
    })) as ScriptResult;
    if (type !== "success") throw new Error(exceptionDetails?.text ?? "the page threw");
    return String(result?.value);
  }

  close(): void {
    this.#socket.terminate();
  }

  #send(method: string, params: object): Promise<unknown> {
    const id = ++this.#commands;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }), (failure) => {
        if (failure instanceof Error) reject(failure);
      });
    });
  }

  #take({ id, type, method, params, result, error, message }: BidiMessage): void {
    if (method === "log.entryAdded") this.console.push(`${params?.level ?? ""}: ${params?.text ?? ""}`);
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (type === "success") waiting.resolve(result);
    else waiting.reject(new Error(`${error ?? "error"}: ${message ?? ""}`));
  }
}
