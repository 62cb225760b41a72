import type { Db } from "./database.ts";
import type { Secret } from "./secret.ts";

/** Config vars of one app, or, with `null`, of every app. Values are decrypted only when read. */
export class ConfigVarStore {
  readonly #db: Db;
  readonly #secret: Secret;

  constructor(db: Db, secret: Secret) {
    this.#db = db;
    this.#secret = secret;
  }

  /** Sorted by name. */
  get(appId: number | null): Map<string, string> {
    const rows = this.#db
      .prepare("SELECT name, value FROM config_vars WHERE app_id IS ? ORDER BY name")
      .all(appId) as { name: string; value: Buffer }[];
    return new Map(rows.map(({ name, value }) => [name, this.#secret.decrypt(value)]));
  }

  /** Global ones, overridden by the app's own: what its processes get. */
  merged(appId: number): Map<string, string> {
    return new Map([...this.get(null), ...this.get(appId)]);
  }

  set(appId: number | null, vars: ReadonlyMap<string, string>): void {
    const remove = this.#removal();
    const insert = this.#db.prepare("INSERT INTO config_vars (app_id, name, value) VALUES (?, ?, ?)");
    this.#db.transaction(() => {
      for (const [name, value] of vars) {
        remove.run(appId, name);
        insert.run(appId, name, this.#secret.encrypt(value));
      }
    })();
  }

  unset(appId: number | null, names: readonly string[]): void {
    const remove = this.#removal();
    this.#db.transaction(() => {
      for (const name of names) remove.run(appId, name);
    })();
  }

  #removal() {
    return this.#db.prepare("DELETE FROM config_vars WHERE app_id IS ? AND name = ?");
  }
}
