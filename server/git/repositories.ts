import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { simpleGit, type SimpleGit } from "simple-git";
import { exec } from "../lib/exec.ts";
import { UserError } from "../model/error.ts";

export interface RepositoriesOptions {
  readonly root: string;
  /** The pre-receive program that talks to the HookServer. */
  readonly hookExecutable: string;
  readonly hookSocket: string;
}

/** Files in a checkout belong to the app's user inside containers. */
const appUser = "1000:1000";

// A push is untrusted input: objects are checked (".." and ".git" in trees are refused); flaws that only old tools left are let pass.
const receiveConfig = [
  ["receive.fsckObjects", "true"],
  ["receive.fsck.zeroPaddedFilemode", "ignore"],
  ["receive.fsck.missingSpaceBeforeDate", "ignore"],
  ["receive.maxInputSize", "2g"],
  ["receive.advertisePushOptions", "false"],
  ["gc.auto", "500"],
  ["receive.autogc", "true"],
] as const;

/** The bare repositories, one an app, named by app id so that renames never move them. */
export class Repositories {
  readonly #options: RepositoriesOptions;
  readonly #hooks: string;

  constructor(options: RepositoriesOptions) {
    this.#options = options;
    this.#hooks = join(options.root, "hooks");
  }

  /** Makes the folder of hooks; the link is renewed at each start since an upgrade may have moved the program. */
  async prepare(): Promise<void> {
    await mkdir(this.#hooks, { recursive: true, mode: 0o700 });
    const fresh = join(this.#hooks, `pre-receive.${process.pid}`);
    await rm(fresh, { force: true });
    await symlink(this.#options.hookExecutable, fresh);
    await rename(fresh, join(this.#hooks, "pre-receive"));
  }

  #path(appId: number): string {
    return join(this.#options.root, `${appId}.git`);
  }

  #git(appId: number): SimpleGit {
    const env = gitEnvironment();
    // simple-git asks for each variable that could change what git does; these are all ours.
    return simpleGit(this.#path(appId), { allowEnvironment: Object.keys(env) }).env(env);
  }

  async create(appId: number): Promise<void> {
    await mkdir(this.#path(appId), { recursive: true, mode: 0o700 });
    await this.#git(appId).init(true, ["--initial-branch=main"]);
  }

  async remove(appId: number): Promise<void> {
    await rm(this.#path(appId), { recursive: true, force: true });
  }

  /** What a clone checks out. */
  async setHead(appId: number, branch: string): Promise<void> {
    await this.#git(appId).raw(["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
  }

  /** Starts `git receive-pack`; `hookToken` lets its pre-receive hook find its way back to the deploy. */
  receivePack(appId: number, hookToken: string): ChildProcess {
    const config = [...receiveConfig, ["core.hooksPath", this.#hooks] as const].flatMap(([key, value]) => [
      "-c",
      `${key}=${value}`,
    ]);
    return spawn("git", [...config, "receive-pack", this.#path(appId)], {
      env: {
        ...gitEnvironment(),
        SLIPWAY_HOOK_SOCKET: this.#options.hookSocket,
        SLIPWAY_HOOK_TOKEN: hookToken,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  uploadPack(appId: number, gitProtocol: string | undefined): ChildProcess {
    return spawn("git", ["upload-pack", "--strict", this.#path(appId)], {
      env: { ...gitEnvironment(), ...(gitProtocol !== undefined && { GIT_PROTOCOL: gitProtocol }) },
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  /**
   * Writes the tree of `commit` into `directory` (made, without .git), owned by the app's user. `gitEnv` reaches
   * objects that a push still holds in quarantine. Throws a UserError when the commit holds no file.
   */
  async checkout(
    appId: number,
    commit: string,
    directory: string,
    gitEnv: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const index = `${directory}.index`;
    const env = {
      ...gitEnvironment(),
      ...gitEnv,
      GIT_DIR: this.#path(appId),
      GIT_INDEX_FILE: index,
      GIT_WORK_TREE: directory,
    };
    await mkdir(directory, { recursive: true, mode: 0o755 });
    try {
      await exec(["git", "read-tree", commit], { env });
      const files = await exec(["git", "ls-files", "--cached"], { env });
      if (files === "") throw new UserError("The pushed commit holds no files: there is nothing to build");
      await exec(["git", "checkout-index", "--all", "--force"], { env, cwd: directory });
    } finally {
      await rm(index, { force: true });
    }
    await exec(["chown", "--recursive", "--no-dereference", appUser, directory]);
  }
}

/** Nothing of the server's own environment and no user's configuration reaches git. */
function gitEnvironment(): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
  };
}
