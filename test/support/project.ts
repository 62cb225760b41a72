import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Finished, LocalServer } from "../../deploy/local-server.ts";
import { packageRoot } from "../../server/paths.ts";

/** A developer's working copy: a git repository of its own made from a sample app, pushed with real git. */
export class Project {
  readonly directory: string;
  readonly #server: LocalServer;
  readonly #app: string;

  private constructor(directory: string, server: LocalServer, app: string) {
    this.directory = directory;
    this.#server = server;
    this.#app = app;
  }

  /** `sample` is a folder of test/fixtures/apps; null begins with no file. */
  static async create(server: LocalServer, app: string, sample: string | null): Promise<Project> {
    const directory = await mkdtemp(join(tmpdir(), "slipway-project-"));
    const project = new Project(directory, server, app);
    if (sample !== null)
      await cp(join(packageRoot, "test/fixtures/apps", sample), directory, { recursive: true });
    await project.git("init", "--quiet", "--initial-branch=main");
    if (sample !== null) await project.commit({});
    return project;
  }

  async git(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#server.git(this.directory, args);
    assert.equal(code, 0, `git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  /** Writes files and commits everything. */
  async commit(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.directory, name)), { recursive: true });
      await writeFile(join(this.directory, name), content);
    }
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message=Change");
  }

  /** Pushes; the client's stderr holds the deploy's lines. */
  async push(refspec = "main", key = "admin"): Promise<Finished> {
    return await this.#server.git(this.directory, ["push", this.#server.gitUrl(this.#app), refspec], key);
  }

  /** Pushes and fails the test with the deploy's lines when it was not accepted. */
  async deploy(): Promise<string> {
    const { code, stderr } = await this.push();
    assert.equal(code, 0, stderr);
    return stderr;
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The lines that the server said during a push, without git's prefix. */
export function remoteLines(stderr: string): string[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("remote: "))
    .map((line) => line.slice("remote: ".length).trimEnd());
}

/** The last line that the server said during a push: there the cause of a failure must be. */
export function lastLine(stderr: string): string {
  return remoteLines(stderr).findLast((line) => line !== "") ?? "";
}
