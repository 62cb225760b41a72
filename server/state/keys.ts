import { UserError } from "../model/error.ts";
import type { Key, Role } from "../model/key.ts";
import type { Db } from "./database.ts";

interface Row {
  id: number;
  name: string;
  public_key: string;
  fingerprint: string;
  role: Role;
}

/** SSH keys and the apps that those of role deploy may touch. */
export class KeyStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Throws a UserError when the name or the key is there already. */
  add(key: Omit<Key, "id">): Key {
    if (this.byName(key.name) !== null) throw new UserError("Duplicate ssh key name");
    if (this.byPublicKey(key.publicKey) !== null) throw new UserError("Duplicate ssh public key specified");
    const row = this.#db
      .prepare(
        `INSERT INTO ssh_keys (name, public_key, fingerprint, role)
         VALUES (@name, @publicKey, @fingerprint, @role) RETURNING *`,
      )
      .get(key) as Row;
    return toKey(row);
  }

  byName(name: string): Key | null {
    return this.#find("name", name);
  }

  byPublicKey(publicKey: string): Key | null {
    return this.#find("public_key", publicKey);
  }

  byId(id: number): Key | null {
    return this.#find("id", id);
  }

  #find(column: "id" | "name" | "public_key", value: string | number): Key | null {
    const row = this.#db.prepare(`SELECT * FROM ssh_keys WHERE ${column} = ?`).get(value) as Row | undefined;
    return row === undefined ? null : toKey(row);
  }

  list(): Key[] {
    return (this.#db.prepare("SELECT * FROM ssh_keys ORDER BY name").all() as Row[]).map(toKey);
  }

  remove(id: number): void {
    this.#db.prepare("DELETE FROM ssh_keys WHERE id = ?").run(id);
  }

  /** Names of the apps that were granted to a key; for role admin they do not matter. */
  grantedApps(keyId: number): Set<string> {
    return new Set(
      this.#db
        .prepare("SELECT apps.name FROM app_access JOIN apps ON apps.id = app_id WHERE key_id = ?")
        .pluck()
        .all(keyId) as string[],
    );
  }

  /** Names of the keys that were granted an app. */
  grantedKeys(appId: number): string[] {
    return this.#db
      .prepare(
        "SELECT ssh_keys.name FROM app_access JOIN ssh_keys ON ssh_keys.id = key_id WHERE app_id = ? ORDER BY 1",
      )
      .pluck()
      .all(appId) as string[];
  }

  grant(appId: number, keyId: number): void {
    this.#db.prepare("INSERT OR IGNORE INTO app_access (app_id, key_id) VALUES (?, ?)").run(appId, keyId);
  }

  revoke(appId: number, keyId: number): void {
    this.#db.prepare("DELETE FROM app_access WHERE app_id = ? AND key_id = ?").run(appId, keyId);
  }
}

function toKey(row: Row): Key {
  return {
    id: row.id,
    name: row.name,
    publicKey: row.public_key,
    fingerprint: row.fingerprint,
    role: row.role,
  };
}
