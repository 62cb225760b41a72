import { UserError } from "../model/error.ts";
import type { Db } from "./database.ts";

/** Domains added to apps; each belongs to one app only. */
export class DomainStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  list(appId: number): string[] {
    return this.#db
      .prepare("SELECT name FROM domains WHERE app_id = ? ORDER BY name")
      .pluck()
      .all(appId) as string[];
  }

  /** False when the app has it already. Throws a UserError when another app does. */
  add(appId: number, name: string): boolean {
    const owner = this.#db
      .prepare("SELECT apps.id, apps.name FROM domains JOIN apps ON apps.id = app_id WHERE domains.name = ?")
      .get(name) as { id: number; name: string } | undefined;
    if (owner?.id === appId) return false;
    if (owner !== undefined) throw new UserError(`${name} is already in use by another app`);
    this.#db.prepare("INSERT INTO domains (name, app_id) VALUES (?, ?)").run(name, appId);
    return true;
  }

  /** False when the app does not have it. */
  remove(appId: number, name: string): boolean {
    return this.#db.prepare("DELETE FROM domains WHERE app_id = ? AND name = ?").run(appId, name).changes > 0;
  }
}
