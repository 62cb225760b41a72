import type { Db } from "./database.ts";

/** How many processes of each type an app wants. */
export class ScaleStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  get(appId: number): Map<string, number> {
    const rows = this.#db
      .prepare("SELECT type, quantity FROM scale WHERE app_id = ? ORDER BY type")
      .all(appId) as { type: string; quantity: number }[];
    return new Map(rows.map(({ type, quantity }) => [type, quantity]));
  }

  set(appId: number, quantities: ReadonlyMap<string, number>): void {
    const statement = this.#db.prepare(
      "INSERT INTO scale (app_id, type, quantity) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET quantity = excluded.quantity",
    );
    this.#db.transaction(() => {
      for (const [type, quantity] of quantities) statement.run(appId, type, quantity);
    })();
  }
}
