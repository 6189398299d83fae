import { Hono } from "hono";
import { count } from "./counters.ts";
import { ConfigurationError } from "./settings.ts";
import { DeadlineExceeded } from "./adapters/deadline.ts";
import { faultCode, log } from "./log.ts";
import type { AppTypes } from "./middleware/app-types.ts";
import { calls } from "./routes/calls.ts";
import { consolePage } from "./routes/console.ts";
import { controlChannel } from "./routes/control-channel.ts";
import { endpoints } from "./routes/endpoints.ts";
import { gateways } from "./routes/gateways.ts";
import { health } from "./routes/health.ts";
import { me } from "./routes/me.ts";
import { numbers } from "./routes/numbers.ts";
import { operator } from "./routes/operator.ts";
import { sipSocket } from "./routes/sip-socket.ts";
import { tokens } from "./routes/tokens.ts";
import { twilioProblem } from "./routes/twilio/problem.ts";
import { twilioCalls } from "./routes/twilio/calls.ts";

const TWILIO_PATH = "/2010-04-01";

/** Everything that is asked over HTTP, mounted in one place. */
export const app = new Hono<AppTypes>();

app.route("/", consolePage);
app.route("/health", health);
app.route("/sip", sipSocket);
app.route("/control", controlChannel);
app.route("/v1/operator", operator);
app.route("/v1/endpoints", endpoints);
app.route("/v1/calls", calls);
app.route("/v1/gateways", gateways);
app.route("/v1/numbers", numbers);
app.route("/v1/tokens", tokens);
app.route("/v1/me", me);
app.route(`${TWILIO_PATH}/Accounts/:accountSid`, twilioCalls);

app.notFound((c) => {
  if (c.req.path.startsWith(TWILIO_PATH)) return twilioProblem(c, "not-found");
  return c.json({ code: "not-found" }, 404);
});

/** The only place where an error becomes a response: its code is logged, nothing of it leaves. */
app.onError((error, c) => {
  count("http.fault");
  log({ event: "fault", where: `http ${c.req.routePath}`, code: faultCode(error) });
  const away = error instanceof DeadlineExceeded;
  if (c.req.path.startsWith(TWILIO_PATH)) return twilioProblem(c, away ? "unavailable" : "internal-error");
  if (error instanceof ConfigurationError) return c.json({ code: error.code }, 500);
  return away ? c.json({ code: error.code }, 503, { "Retry-After": "1" }) : c.json({ code: "internal-error" }, 500);
});
