import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { log } from "../lib/log.ts";
import { messageOf, UserError } from "../model/error.ts";
import type { Key } from "../model/key.ts";
import { parsePublicKey, type PublicKey } from "../model/public-key.ts";
import type { KeyStore } from "../state/keys.ts";

export interface AdminKeyOptions {
  readonly keys: KeyStore;
  /** What the operator configured: the key's text or the path of its file; null for ~/.ssh/*.pub. */
  readonly configured: string | null;
  /** Home directory to look in for .ssh/*.pub. */
  readonly home: string;
}

/**
 * Lets the administrator in at first start: adds the configured key as "admin", or every key of ~/.ssh/*.pub as "admin",
 * "admin-2" and so on. Does nothing once an administrator is known. Throws a UserError when the configured key is none.
 */
export async function addAdminKey({ keys, configured, home }: AdminKeyOptions): Promise<Key[]> {
  if (keys.list().some((key) => key.role === "admin")) return [];
  const found = configured === null ? await keysOfHome(home) : [await configuredKey(configured)];
  if (found.length === 0)
    log("nobody can sign in yet: no key was configured with --admin-key and none is in ~/.ssh", { home });
  return found.map((key, index) =>
    keys.add({ name: index === 0 ? "admin" : `admin-${index + 1}`, role: "admin", ...key }),
  );
}

async function configuredKey(configured: string): Promise<PublicKey> {
  if (/^(ssh|ecdsa)-\S+\s/.test(configured)) return parsePublicKey(configured);
  let text: string;
  try {
    text = await readFile(configured, "utf8");
  } catch (error) {
    throw new UserError(`--admin-key is neither a public key nor a file with one: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return parsePublicKey(text);
}

async function keysOfHome(home: string): Promise<PublicKey[]> {
  const directory = join(home, ".ssh");
  const files = await readdir(directory).catch(() => []);
  const found = new Map<string, PublicKey>();
  for (const file of files.filter((name) => name.endsWith(".pub")).toSorted()) {
    try {
      const key = parsePublicKey(await readFile(join(directory, file), "utf8"));
      found.set(key.publicKey, key);
    } catch (error) {
      log("not taken as the administrator's key", { file, reason: messageOf(error) });
    }
  }
  return [...found.values()];
}
