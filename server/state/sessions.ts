import { createHash, randomBytes } from "node:crypto";
import type { Db } from "./database.ts";

/** One-time sign-in links and browser sessions. Only hashes of the secrets are stored; times are Unix milliseconds. */
export class SessionStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** A new link secret for the key's owner. */
  createLink(keyId: number, lifetimeMs: number): string {
    return this.#create("sign_in_links", keyId, lifetimeMs);
  }

  /** Trades a link secret for a session secret, once; null when it is unknown, used or expired. */
  redeemLink(secret: string, sessionLifetimeMs: number): string | null {
    return this.#db.transaction(() => {
      const keyId = this.#db
        .prepare("DELETE FROM sign_in_links WHERE secret_hash = ? AND expires_at > ? RETURNING key_id")
        .pluck()
        .get(hash(secret), Date.now()) as number | undefined;
      return keyId === undefined ? null : this.#create("sessions", keyId, sessionLifetimeMs);
    })();
  }

  /** Id of the key that signed in, or null. */
  keyOf(secret: string): number | null {
    const keyId = this.#db
      .prepare("SELECT key_id FROM sessions WHERE secret_hash = ? AND expires_at > ?")
      .pluck()
      .get(hash(secret), Date.now()) as number | undefined;
    return keyId ?? null;
  }

  end(secret: string): void {
    this.#db.prepare("DELETE FROM sessions WHERE secret_hash = ?").run(hash(secret));
  }

  #create(table: "sign_in_links" | "sessions", keyId: number, lifetimeMs: number): string {
    const secret = randomBytes(32).toString("base64url");
    this.#db.prepare(`DELETE FROM ${table} WHERE expires_at <= ?`).run(Date.now());
    this.#db
      .prepare(`INSERT INTO ${table} (secret_hash, key_id, expires_at) VALUES (?, ?, ?)`)
      .run(hash(secret), keyId, Date.now() + lifetimeMs);
    return secret;
  }
}

function hash(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
