import type { Process, ProcessState } from "../model/process.ts";
import type { Db } from "./database.ts";

interface Row {
  id: number;
  app_id: number;
  release_id: number;
  type: string;
  number: number;
  state: ProcessState;
  container_id: string;
  pid: number | null;
  pid_start_time: string | null;
  port: number | null;
  restarts: number;
  started_at: number;
  last_exit: string | null;
}

export interface NewProcess {
  readonly appId: number;
  readonly releaseId: number;
  readonly type: string;
  readonly index: number;
  readonly containerId: string;
  readonly port: number | null;
}

export class ProcessStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  create(process: NewProcess): Process {
    const row = this.#db
      .prepare(
        `INSERT INTO processes (app_id, release_id, type, number, state, container_id, port, started_at)
         VALUES (@appId, @releaseId, @type, @index, 'starting', @containerId, @port, @now) RETURNING *`,
      )
      .get({ ...process, now: Date.now() }) as Row;
    return toProcess(row);
  }

  /** Writes everything that can change in a process's life. */
  update(process: Process): void {
    this.#db
      .prepare(
        `UPDATE processes SET state = @state, container_id = @containerId, pid = @pid, pid_start_time = @pidStartTime,
         restarts = @restarts, started_at = @startedAt, last_exit = @lastExit WHERE id = @id`,
      )
      .run(process);
  }

  delete(id: number): void {
    this.#db.prepare("DELETE FROM processes WHERE id = ?").run(id);
  }

  /** Ordered by type and number; those of an old release that drains included. */
  list(appId: number): Process[] {
    return (
      this.#db
        .prepare("SELECT * FROM processes WHERE app_id = ? ORDER BY type, number, id")
        .all(appId) as Row[]
    ).map(toProcess);
  }

  all(): Process[] {
    return (this.#db.prepare("SELECT * FROM processes ORDER BY id").all() as Row[]).map(toProcess);
  }
}

function toProcess(row: Row): Process {
  return {
    id: row.id,
    appId: row.app_id,
    releaseId: row.release_id,
    type: row.type,
    index: row.number,
    state: row.state,
    containerId: row.container_id,
    pid: row.pid,
    pidStartTime: row.pid_start_time,
    port: row.port,
    restarts: row.restarts,
    startedAt: row.started_at,
    lastExit: row.last_exit,
  };
}
