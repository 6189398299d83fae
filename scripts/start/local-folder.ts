import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Places of everything that one running stack keeps on disk; all of it is readable by its owner only. */
export interface LocalFolder {
  readonly root: string;
  readonly secrets: string;
  readonly keys: string;
  readonly tlsKey: string;
  readonly tlsCertificate: string;
  readonly bundle: string;
  readonly storage: string;
  readonly logs: string;
  readonly workerdConfig: string;
  readonly wranglerVars: string;
  readonly runFile: string;
  readonly stackFile: string;
}

export function localFolderAt(root: string): LocalFolder {
  return {
    root,
    secrets: join(root, "secrets.json"),
    keys: join(root, "keys"),
    tlsKey: join(root, "tls/key.pem"),
    tlsCertificate: join(root, "tls/certificate.pem"),
    bundle: join(root, "bundle"),
    storage: join(root, "storage"),
    logs: join(root, "logs"),
    workerdConfig: join(root, "workerd.capnp"),
    wranglerVars: join(root, "dev.vars"),
    runFile: join(root, "run.json"),
    stackFile: join(root, "stack.json"),
  };
}

export function createLocalFolder(folder: LocalFolder): void {
  makePrivateFolder(folder.root);
  makePrivateFolder(folder.storage);
  makePrivateFolder(folder.logs);
}

/** Wipes what is kept between starts, and leaves the run file, which says who is running. */
export function resetLocalFolder(folder: LocalFolder): void {
  for (const path of Object.values(folder)) {
    if (path !== folder.root && path !== folder.runFile) rmSync(path, { recursive: true, force: true });
  }
  rmSync(dirname(folder.tlsKey), { recursive: true, force: true });
}

function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

/** A reader sees the old text or the new one, never half of it. */
export function writePrivateFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

export function readIfPresent(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
