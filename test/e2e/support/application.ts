/** An application server under test: it answers with documents, and keeps what it was asked. */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import twilio from "twilio";

export interface ApplicationRequest {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  /** By Twilio's own validator. */
  readonly isSigned: boolean;
}

export interface Application {
  readonly origin: string;
  readonly requests: readonly ApplicationRequest[];
  close(): Promise<void>;
}

/** A document, or whatever else an application may do. */
export type ApplicationAnswer = string | ((response: ServerResponse) => void);

/** `answers`: what each path answers. */
export async function startApplication(
  authToken: string,
  answers: Readonly<Record<string, ApplicationAnswer>>,
): Promise<Application> {
  const requests: ApplicationRequest[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      const path = request.url ?? "";
      const form = Object.fromEntries(new URLSearchParams(body));
      const signature = String(request.headers["x-twilio-signature"]);
      requests.push({ path, form, isSigned: twilio.validateRequest(authToken, signature, origin + path, form) });
      const document = answers[path];
      if (document === undefined) response.writeHead(404).end();
      else if (typeof document === "function") document(response);
      else response.writeHead(200, { "Content-Type": "text/xml" }).end(document);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
