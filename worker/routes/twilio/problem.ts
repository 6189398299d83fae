import type { Context } from "hono";

/** Twilio's error bodies; `code` is theirs, so that client libraries know it. */
const PROBLEMS = {
  authenticate: { code: 20003, status: 401, message: "Authenticate" },
  "page-size-invalid": { code: 20007, status: 400, message: "Page size must be between 1 and 1000" },
  "parameter-invalid": { code: 20001, status: 400, message: "A parameter is not valid" },
  "not-found": { code: 20404, status: 404, message: "" },
  unavailable: { code: 20503, status: 503, message: "Service unavailable, try again" },
  "internal-error": { code: 20500, status: 500, message: "An internal server error has occurred" },
} as const;

/** A refusal in Twilio's form. `detail` names the parameter; it never holds anything of an error. */
export function twilioProblem(c: Context, kind: keyof typeof PROBLEMS, detail?: string): Response {
  const { code, status, message } = PROBLEMS[kind];
  const text = kind === "not-found" ? `The requested resource ${c.req.path} was not found` : message;
  if (kind === "authenticate") c.header("WWW-Authenticate", 'Basic realm="Twilio API"');
  return c.json(
    {
      code,
      message: detail === undefined ? text : `${text}: ${detail}`,
      more_info: `https://www.twilio.com/docs/errors/${code}`,
      status,
    },
    status,
  );
}
