import { appNotFound, UserError } from "../model/error.ts";
import type { App } from "../model/app.ts";
import type { Db } from "./database.ts";

// Host ids between systemd-nspawn's range and 2^31 are nobody's (systemd.io/UIDS-GIDS): 4095 ranges of 65 536.
const firstIdBase = 1_879_048_192;
const idRange = 65_536;
const lastIdBase = 2_147_418_112 - idRange;

interface Row {
  id: number;
  name: string;
  created_at: number;
  deploy_branch: string | null;
  id_base: number;
  current_release_id: number | null;
  wanted: number;
}

export class AppStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Throws a UserError when the name is taken or all id ranges are. */
  create(name: string): App {
    return this.#db.transaction(() => {
      if (this.find(name) !== null) throw new UserError("Name is already taken");
      const row = this.#db
        .prepare("INSERT INTO apps (name, created_at, id_base) VALUES (?, ?, ?) RETURNING *")
        .get(name, Date.now(), this.#freeIdBase()) as Row;
      return toApp(row);
    })();
  }

  #freeIdBase(): number {
    const used = new Set(this.#db.prepare("SELECT id_base FROM apps").pluck().all() as number[]);
    for (let base = firstIdBase; base <= lastIdBase; base += idRange) {
      if (!used.has(base)) return base;
    }
    throw new UserError("No user id range is free for another app: destroy an app that is not needed");
  }

  find(name: string): App | null {
    const row = this.#db.prepare("SELECT * FROM apps WHERE name = ?").get(name) as Row | undefined;
    return row === undefined ? null : toApp(row);
  }

  /** Throws appNotFound. */
  get(name: string): App {
    const app = this.find(name);
    if (app === null) throw appNotFound(name);
    return app;
  }

  byId(id: number): App | null {
    const row = this.#db.prepare("SELECT * FROM apps WHERE id = ?").get(id) as Row | undefined;
    return row === undefined ? null : toApp(row);
  }

  list(): App[] {
    return (this.#db.prepare("SELECT * FROM apps ORDER BY name").all() as Row[]).map(toApp);
  }

  delete(id: number): void {
    this.#db.prepare("DELETE FROM apps WHERE id = ?").run(id);
  }

  setDeployBranch(id: number, branch: string): void {
    this.#db.prepare("UPDATE apps SET deploy_branch = ? WHERE id = ?").run(branch, id);
  }

  setCurrentRelease(id: number, releaseId: number): void {
    this.#db.prepare("UPDATE apps SET current_release_id = ? WHERE id = ?").run(releaseId, id);
  }

  setWanted(id: number, wanted: boolean): void {
    this.#db.prepare("UPDATE apps SET wanted = ? WHERE id = ?").run(wanted ? 1 : 0, id);
  }
}

function toApp(row: Row): App {
  return {
    id: row.id,
    name: row.name,
    createdAt: row.created_at,
    deployBranch: row.deploy_branch,
    idBase: row.id_base,
    currentReleaseId: row.current_release_id,
    wanted: row.wanted === 1,
  };
}
