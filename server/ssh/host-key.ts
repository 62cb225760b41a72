import { readFile } from "node:fs/promises";
import ssh2 from "ssh2";
import { writeFileAtomic } from "../lib/atomic-file.ts";

/** The server's own Ed25519 key in OpenSSH's format: made at first start, then always the same, so that clients can know it. */
export async function loadHostKey(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const made = ssh2.utils.generateKeyPairSync("ed25519", { comment: "slipway" });
  await writeFileAtomic(path, made.private, 0o600);
  return made.private;
}
