import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

export type Db = Database.Database;

/** Opens (or makes) the database and brings its schema up to date. `migrationsDir` holds NNNN-name.sql files. */
export function openDatabase(path: string, migrationsDir: string): Db {
  const db = new Database(path, { timeout: 500 });
  // One server owns a data directory: a second one that opens it fails here with SQLITE_BUSY.
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  migrate(db, migrationsDir);
  return db;
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
