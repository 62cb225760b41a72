import { appendFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { PluginContext, Hooks } from "../../server/plugins/hooks.ts";

const rotateAtBytes = 10 * 1024 * 1024;
/** Older files: audit.log.1 is the newest of them. */
const keptFiles = 5;

/** Who did what and when, for the operator's own tools (tail, jq, a log shipper), bounded on disk. */
export default function auditLog({ dataDir }: PluginContext): Hooks {
  const file = join(dataDir, "audit.log");
  return {
    async event({ at, ...rest }) {
      if ((await sizeOf(file)) >= rotateAtBytes) await rotate(file);
      const line = JSON.stringify({ at: new Date(at).toISOString(), ...rest });
      await appendFile(file, `${line}\n`, { mode: 0o600 });
    },
  };
}

async function rotate(file: string): Promise<void> {
  for (let age = keptFiles - 1; age >= 1; age--) await renameIfThere(`${file}.${age}`, `${file}.${age + 1}`);
  await renameIfThere(file, `${file}.1`);
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch(ignoreMissing);
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(ignoreMissing))?.size ?? 0;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
