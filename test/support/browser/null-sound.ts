/** A sound server whose only loudspeaker leads nowhere: Firefox leaves its audio clock standing without one. */
import { join } from "node:path";
import { temporaryFolder } from "../lab.ts";
import { PeerProcess } from "../peer-process.ts";
import { waitUntil } from "../wait-until.ts";
import { stat } from "node:fs/promises";

export interface NullSound {
  /** For the process that is to use it. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function startNullSound(): Promise<NullSound> {
  const folder = await temporaryFolder();
  const socket = join(folder.path, "pulse.socket");
  const process = await PeerProcess.start({
    name: "pulseaudio",
    command: "pulseaudio",
    args: [
      "-n",
      "--daemonize=no",
      "--use-pid-file=no",
      "--exit-idle-time=-1",
      "--disallow-exit",
      "--load=module-null-sink sink_name=nowhere",
      `--load=module-native-protocol-unix auth-anonymous=1 socket=${socket}`,
    ],
    env: { HOME: folder.path, XDG_RUNTIME_DIR: folder.path, PULSE_RUNTIME_PATH: folder.path },
  });
  const close = async (): Promise<void> => {
    await process.close();
    await folder.close();
  };
  try {
    await waitUntil("pulseaudio's socket", async () => await stat(socket).catch(() => undefined));
  } catch (failure) {
    await close();
    throw failure;
  }
  return { env: { PULSE_SERVER: `unix:${socket}` }, close };
}
