import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder that holds package.json; assets are read from the source tree even when compiled code runs. */
export const packageRoot = findPackageRoot(import.meta.dirname);

function findPackageRoot(from: string): string {
  if (existsSync(join(from, "package.json"))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error("package.json not found above the server's code");
  return findPackageRoot(parent);
}

/** Every path under the data directory, in one place. */
export function dataPaths(root: string) {
  return {
    root,
    database: join(root, "slipway.db"),
    secretKey: join(root, "secret.key"),
    hostKey: join(root, "ssh_host_ed25519_key"),
    /** Bare repositories, one folder an app. */
    repositories: join(root, "repositories"),
    /** Image store: an OCI layout plus unpacked layers. */
    images: join(root, "images"),
    /** Roots that stacks synthesise. */
    stacks: join(root, "stacks"),
    /** Build caches, one folder an app. */
    caches: join(root, "caches"),
    /** Scratch of builds in progress; emptied at start. */
    builds: join(root, "builds"),
    /** One folder a container: its record, control socket, exit record, writable layer. */
    containers: join(root, "containers"),
    /** What the apps wrote, one folder an app. */
    logs: join(root, "logs"),
    /** Build logs, one file a release. */
    buildLogs: join(root, "build-logs"),
    hookSocket: join(root, "hook.sock"),
    proxySocket: join(root, "proxy.sock"),
    proxyLog: join(root, "proxy.log"),
    routingTable: join(root, "routes.json"),
  } as const;
}

export type DataPaths = ReturnType<typeof dataPaths>;
