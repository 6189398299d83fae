import * as z from "zod";

export type BodyOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: { readonly code: "body-invalid"; readonly problems: readonly string[] } };

/** More than any of our bodies needs; a body is read whole before it is checked. */
const BODY_LIMIT = 1024 * 1024;

/** A checked JSON body, or every problem with it. */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<BodyOutcome<z.output<Schema>>> {
  const text = await request.text();
  if (text.length > BODY_LIMIT) return refuse([`longer than ${BODY_LIMIT} characters`]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(["not JSON"]);
  }
  const outcome = schema.safeParse(value);
  if (outcome.success) return { ok: true, value: outcome.data };
  return refuse(outcome.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`));
}

/** A text that one of our id parsers must accept. */
export function idText<Id extends string>(code: string, parse: (text: unknown) => Id | undefined): z.ZodType<Id> {
  return z.string().transform((text, context) => {
    const id = parse(text);
    if (id !== undefined) return id;
    context.addIssue({ code: "custom", message: code });
    return z.NEVER;
  });
}

function refuse(problems: readonly string[]): BodyOutcome<never> {
  return { ok: false, problem: { code: "body-invalid", problems } };
}
