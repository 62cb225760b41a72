import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mount } from "../model/container.ts";

const target = "/cnb/node";

/** Where the Node that runs this server is installed when that is not in /usr, which the host stack shows; else null. */
const prefix = findPrefix();

function findPrefix(): string | null {
  const binary = realpathSync(process.execPath);
  return binary.startsWith("/usr/") ? null : dirname(dirname(binary));
}

/** Buildpacks are written in JavaScript: builds see the server's own Node and npm. Apps do not. */
export const nodeMounts: readonly Mount[] =
  prefix === null ? [] : [{ kind: "bind", source: prefix, target, readOnly: true }];

/** Folders to search for programs first in builds. */
export const nodeSearchPath: readonly string[] = prefix === null ? [] : [join(target, "bin")];
