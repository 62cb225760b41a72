import type { Release, ReleaseStatus } from "../model/release.ts";
import type { Db } from "./database.ts";

interface Row {
  id: number;
  app_id: number;
  version: number;
  status: ReleaseStatus;
  source: string;
  author: string;
  commit_sha: string | null;
  image_digest: string | null;
  created_at: number;
  finished_at: number | null;
  failure: string | null;
}

export interface NewRelease {
  readonly appId: number;
  readonly source: string;
  readonly author: string;
  readonly commit: string | null;
  readonly imageDigest: string | null;
}

export class ReleaseStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Starts the app's next release: building without an image, deploying with one. */
  create(release: NewRelease): Release {
    const row = this.#db
      .prepare(
        `INSERT INTO releases (app_id, version, status, source, author, commit_sha, image_digest, created_at)
         SELECT @appId, ifnull(max(version), 0) + 1, @status, @source, @author, @commit, @imageDigest, @now
         FROM releases WHERE app_id = @appId RETURNING *`,
      )
      .get({
        ...release,
        status: release.imageDigest === null ? "building" : "deploying",
        now: Date.now(),
      }) as Row;
    return toRelease(row);
  }

  setImage(id: number, imageDigest: string): void {
    this.#db
      .prepare("UPDATE releases SET image_digest = ?, status = 'deploying' WHERE id = ?")
      .run(imageDigest, id);
  }

  /** Marks the release as live and makes it the app's current one, together. */
  succeed(id: number): void {
    this.#db.transaction(() => {
      this.#db
        .prepare("UPDATE releases SET status = 'succeeded', finished_at = ? WHERE id = ?")
        .run(Date.now(), id);
      this.#db
        .prepare(
          "UPDATE apps SET current_release_id = ? WHERE id = (SELECT app_id FROM releases WHERE id = ?)",
        )
        .run(id, id);
    })();
  }

  fail(id: number, failure: string): void {
    this.#db
      .prepare("UPDATE releases SET status = 'failed', finished_at = ?, failure = ? WHERE id = ?")
      .run(Date.now(), failure, id);
  }

  byId(id: number): Release | null {
    const row = this.#db.prepare("SELECT * FROM releases WHERE id = ?").get(id) as Row | undefined;
    return row === undefined ? null : toRelease(row);
  }

  byVersion(appId: number, version: number): Release | null {
    const row = this.#db
      .prepare("SELECT * FROM releases WHERE app_id = ? AND version = ?")
      .get(appId, version) as Row | undefined;
    return row === undefined ? null : toRelease(row);
  }

  /** Newest first. */
  list(appId: number, limit = 50): Release[] {
    return (
      this.#db
        .prepare("SELECT * FROM releases WHERE app_id = ? ORDER BY version DESC LIMIT ?")
        .all(appId, limit) as Row[]
    ).map(toRelease);
  }

  /** Those that a crash of the server left half done. */
  unfinished(): Release[] {
    return (
      this.#db.prepare("SELECT * FROM releases WHERE status IN ('building', 'deploying')").all() as Row[]
    ).map(toRelease);
  }
}

function toRelease(row: Row): Release {
  return {
    id: row.id,
    appId: row.app_id,
    version: row.version,
    status: row.status,
    source: row.source,
    author: row.author,
    commit: row.commit_sha,
    imageDigest: row.image_digest,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    failure: row.failure,
  };
}
