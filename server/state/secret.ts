import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFileAtomic } from "../lib/atomic-file.ts";

const nonceBytes = 12;
const tagBytes = 16;

/** Encrypts config values at rest: AES-256-GCM, stored as nonce, tag, ciphertext. */
export class Secret {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    if (key.length !== 32) throw new Error("the secret key must have 32 bytes");
    this.#key = key;
  }

  encrypt(text: string): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  /** Throws when the key is another one or the bytes were changed. */
  decrypt(sealed: Buffer): string {
    const nonce = sealed.subarray(0, nonceBytes);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    const body = sealed.subarray(nonceBytes + tagBytes);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
  }
}

/** Reads the key file beside the database, or makes it on first start (mode 0600). */
export async function loadSecret(path: string): Promise<Secret> {
  try {
    return new Secret(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = randomBytes(32);
  await writeFileAtomic(path, key);
  return new Secret(key);
}
