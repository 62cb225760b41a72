import type { Event } from "../model/event.ts";
import type { Db } from "./database.ts";

const kept = 10_000;

/** What happened, newest last; the oldest are dropped beyond a bound so that the table cannot fill the disk. */
export class EventStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  add(event: Omit<Event, "id" | "at">): Event {
    return this.#db.transaction(() => {
      const stored = this.#db
        .prepare(
          "INSERT INTO events (at, app, actor, kind, message) VALUES (@at, @app, @actor, @kind, @message) RETURNING *",
        )
        .get({ ...event, at: Date.now() }) as Event;
      this.#db.prepare("DELETE FROM events WHERE id <= ?").run(stored.id - kept);
      return stored;
    })();
  }

  /** Newest first; of all apps with `null`. */
  list(app: string | null, limit: number): Event[] {
    return this.#db
      .prepare("SELECT * FROM events WHERE @app IS NULL OR app = @app ORDER BY id DESC LIMIT @limit")
      .all({ app, limit }) as Event[];
  }
}
