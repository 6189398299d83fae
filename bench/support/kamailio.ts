/** Kamailio as registrar and proxy: digest on REGISTER and INVITE, users in memory, one UDP worker, on loopback. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../test/support/free-port.ts";
import { Lab } from "../../test/support/lab.ts";
import { PeerProcess } from "../../test/support/peer-process.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import type { BenchUser } from "./bench-stack.ts";
import { findProgram, KAMAILIO } from "./debian-package.ts";
import { SipPhone } from "./sip-phone.ts";
import type { Address } from "./sip-fields.ts";

export const KAMAILIO_DOMAIN = "bench.kamailio.test";
const PASSWORD = "password-of-benchmarks";

export interface Kamailio {
  readonly server: Address;
  /** Of the process whose children do the work. */
  readonly pid: number;
  user(index: number): BenchUser;
  close(): Promise<void>;
}

export interface KamailioOptions {
  /** Control address of an rtpengine that anchors the audio of each call. */
  readonly rtpengine?: Address;
}

/** Undefined where it is not installed. */
export async function startKamailio({ rtpengine }: KamailioOptions = {}): Promise<Kamailio | undefined> {
  const command = findProgram(KAMAILIO);
  if (command === undefined) return undefined;
  const lab = new Lab();
  try {
    const folder = await lab.folder();
    const port = await freePort();
    const file = join(folder, "kamailio.cfg");
    writeFileSync(file, configuration(port, rtpengine));
    const check = spawnSync(command, ["-c", "-f", file, "-Y", folder], { encoding: "utf8" });
    if (check.status !== 0) throw new Error(`kamailio refuses its configuration: ${check.stderr}`);
    // -DD: in the foreground, but with its children, as it runs in production.
    const args = ["-DD", "-E", "-f", file, "-Y", folder, "-m", "256", "-M", "16"];
    const process = await lab.own(PeerProcess.start({ name: "kamailio", command, args, exitSignal: "SIGTERM" }));
    const server = { host: "127.0.0.1", port };
    const user = (index: number): BenchUser => ({
      identity: `bench${index}`,
      domain: KAMAILIO_DOMAIN,
      password: PASSWORD,
    });
    await waitUntil("kamailio answers", () => answers(user(0), server), { timeoutMs: 15_000, everyMs: 200 });
    const close = async (): Promise<void> => {
      // Killed, it would leave its children.
      process.signal("SIGTERM");
      const late = setTimeout(() => process.kill(), 5_000);
      await process.ended;
      clearTimeout(late);
      await lab.close();
    };
    return { server, pid: process.pid, user, close };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

async function answers(user: BenchUser, server: Address): Promise<boolean> {
  const phone = await SipPhone.open({ user, server });
  try {
    await Promise.race([
      phone.register(),
      new Promise((_, reject) => setTimeout(() => reject(new Error("not yet")), 500)),
    ]);
    return true;
  } catch {
    return false;
  } finally {
    phone.close();
  }
}

function configuration(port: number, rtpengine: Address | undefined): string {
  const media = rtpengine !== undefined;
  const modules = ["tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "usrloc", "registrar", "auth"];
  if (media) modules.push("rtpengine");
  return `#!KAMAILIO
debug=1
log_stderror=yes
children=1
socket_workers=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:${port}
alias="${KAMAILIO_DOMAIN}"
${modules.map((name) => `loadmodule "${name}.so"`).join("\n")}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", 7200)
modparam("auth", "nonce_expire", 3600)
modparam("tm", "failure_reply_mode", 3)
${media ? `modparam("rtpengine", "rtpengine_sock", "udp:${rtpengine.host}:${rtpengine.port}")` : ""}

request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (has_totag()) {
    if (loose_route()) {
      ${media ? 'if (is_method("BYE")) rtpengine_delete();' : ""}
      if (!is_method("ACK")) t_on_reply("MEDIA");
      t_relay();
      exit;
    }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not Here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("${KAMAILIO_DOMAIN}", "${PASSWORD}", "0")) { www_challenge("${KAMAILIO_DOMAIN}", "1"); exit; }
    save("location");
    exit;
  }
  if (is_method("INVITE")) {
    if (!pv_proxy_authenticate("${KAMAILIO_DOMAIN}", "${PASSWORD}", "0")) { proxy_challenge("${KAMAILIO_DOMAIN}", "1"); exit; }
    consume_credentials();
    record_route();
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    ${media ? 'rtpengine_offer("replace-origin");\n    t_on_reply("MEDIA");' : ""}
    if (!t_relay()) sl_reply_error();
    exit;
  }
  sl_send_reply("405", "Method Not Allowed");
}

onreply_route[MEDIA] {
  ${media ? 'if (t_check_status("200") && has_body("application/sdp")) rtpengine_answer("replace-origin");' : "return;"}
}
`;
}
