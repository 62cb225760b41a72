import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { UserError } from "../model/error.ts";

export type Db = Database.Database;

/** Opens (or makes) the database and brings its schema up to date. `migrationsDir` holds NNNN-name.sql files. */
export function openDatabase(path: string, migrationsDir: string): Db {
  const db = new Database(path, { timeout: 500 });
  takeOver(db, path);
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  migrate(db, migrationsDir);
  return db;
}

/** One server owns a data directory: a second one that opens it fails here. */
function takeOver(db: Db, path: string): void {
  try {
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("journal_mode = WAL");
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || error.code !== "SQLITE_BUSY") throw error;
    throw new UserError(`Another Slipway is using ${path}: stop it first, or choose another --data-dir`, {
      cause: error,
    });
  }
}

/** Runs each migration newer than user_version in a transaction of its own. */
function migrate(db: Db, migrationsDir: string): void {
  const files = readdirSync(migrationsDir)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort();
  const current = db.pragma("user_version", { simple: true }) as number;
  if (current > files.length) {
    throw new Error(`the database is of a newer Slipway (schema ${current}, this one knows ${files.length})`);
  }
  for (const file of files.slice(current)) {
    db.transaction(() => {
      db.exec(readFileSync(join(migrationsDir, file), "utf8"));
      db.pragma(`user_version = ${Number(file.slice(0, 4))}`);
    })();
  }
}
