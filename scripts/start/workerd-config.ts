import type { BundleModule } from "./worker-bundle.ts";
import type { WorkerSettings } from "./worker-settings.ts";

/** What one workerd process serves, and where. Embedded files count from the configuration's own folder: Cap'n Proto takes "/" for its import path. */
export interface WorkerdPlan {
  readonly settings: WorkerSettings;
  readonly modules: readonly BundleModule[];
  /** Text bindings. */
  readonly texts: Readonly<Record<string, string>>;
  readonly storageFolder: string;
  readonly http: WorkerdAddress;
  readonly https?: WorkerdAddress & { readonly keyFile: string; readonly certificateFile: string };
}

export interface WorkerdAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The configuration of workerd in its Cap'n Proto text form (node_modules/workerd/workerd.capnp). Object namespaces
 * keep their unique key for ever: workerd derives object ids and the storage folder from it.
 */
export function encodeWorkerdConfig(plan: WorkerdPlan): string {
  const { settings } = plan;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .mainWorker),
    (name = "storage", disk = (path = ${quote(plan.storageFolder)}, writable = true)),
    # Applications under development answer on loopback and private addresses.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [
    ${encodeSockets(plan).join(",\n    ")},
  ],
);

const mainWorker :Workerd.Worker = (
  modules = [
    ${plan.modules.map(encodeModule).join(",\n    ")},
  ],
  compatibilityDate = ${quote(settings.compatibilityDate)},
  compatibilityFlags = [${settings.compatibilityFlags.map(quote).join(", ")}],
  bindings = [
    ${encodeBindings(plan).join(",\n    ")},
  ],
  durableObjectNamespaces = [
    ${encodeNamespaces(settings).join(",\n    ")},
  ],
  durableObjectStorage = (localDisk = "storage"),
);
`;
}

function encodeSockets({ http, https }: WorkerdPlan): readonly string[] {
  const sockets = [`(name = "http", address = ${quote(addressText(http))}, http = (), service = "main")`];
  if (https !== undefined) {
    const keypair = `(privateKey = embed ${quote(https.keyFile)}, certificateChain = embed ${quote(https.certificateFile)})`;
    sockets.push(
      `(name = "https", address = ${quote(addressText(https))}, https = (options = (), tlsOptions = (keypair = ${keypair})), service = "main")`,
    );
  }
  return sockets;
}

function encodeModule({ name, kind, file }: BundleModule): string {
  return `(name = ${quote(name)}, ${kind} = embed ${quote(file)})`;
}

function encodeBindings({ settings, texts }: WorkerdPlan): readonly string[] {
  const all = { ...settings.vars, ...texts };
  return [
    ...settings.objects.map(
      ({ binding, className }) => `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...Object.entries(all).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`),
  ];
}

function encodeNamespaces(settings: WorkerSettings): readonly string[] {
  const classNames = new Set(settings.objects.map(({ className }) => className));
  return [...classNames].map(
    (className) =>
      `(className = ${quote(className)}, uniqueKey = ${quote(`${settings.name}-${className}`)}, enableSql = true)`,
  );
}

function addressText({ host, port }: WorkerdAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Cap'n Proto has C's escapes and no \u: everything beyond printable ASCII goes as the octets of its UTF-8. */
export function quote(text: string): string {
  let quoted = '"';
  for (const octet of new TextEncoder().encode(text)) {
    const sign = String.fromCharCode(octet);
    if (sign === '"' || sign === "\\") quoted += `\\${sign}`;
    else if (octet >= 0x20 && octet < 0x7f) quoted += sign;
    else quoted += `\\x${octet.toString(16).padStart(2, "0")}`;
  }
  return `${quoted}"`;
}
