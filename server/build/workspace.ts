import { randomBytes } from "node:crypto";
import { chmod, chown, lchown, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../lib/remove-tree.ts";
import type { BindMount, Mount } from "../model/container.ts";
import { nodeMounts } from "./machine-node.ts";
import { folderName, type Buildpack } from "./buildpack.ts";

/** Id inside of containers of the user that builds and runs apps. */
const appUser = 1000;

/** Where things are in a build container; layers and app are at the same place when the app runs. */
export const inside = {
  app: "/app",
  layers: "/layers",
  platform: "/platform",
  plan: "/cnb/plan",
  home: "/home/builder",
  merged: "/cnb/merged",
} as const;

/** The scratch folder of one build, and what of it the build's containers see. */
export class Workspace {
  readonly #root: string;
  /** The app, as the build makes it. */
  readonly app: string;

  private constructor(root: string) {
    this.#root = root;
    this.app = join(root, "app");
  }

  /** `config`: the app's config vars. `source` is moved in, and its files are given to the app's user. */
  static async create(
    buildsDir: string,
    source: string,
    config: Readonly<Record<string, string>>,
    npmrc: string,
  ): Promise<Workspace> {
    const root = join(buildsDir, `build-${randomBytes(6).toString("hex")}`);
    await mkdir(join(root, "platform/env"), { recursive: true });
    for (const [name, value] of Object.entries(config)) {
      // Names from outside become file names here.
      if (/^\w+$/.test(name)) await writeFile(join(root, "platform/env", name), value);
    }
    const home = await makeOwned(join(root, "home"));
    await writeFile(join(home, ".npmrc"), npmrc);
    const workspace = new Workspace(root);
    await rename(source, workspace.app);
    await chmod(workspace.app, 0o755);
    await giveToApp(workspace.app);
    return workspace;
  }

  /** What was written over the restored layers of a buildpack: files of its own and whiteouts. */
  upper(buildpack: Buildpack): string {
    return join(this.#root, "layers", folderName(buildpack), "upper");
  }

  /** Folder for merged copies of restored layers that were changed. */
  merged(buildpack: Buildpack): string {
    return join(this.#root, "merged", folderName(buildpack));
  }

  async makeLayersFolder(buildpack: Buildpack): Promise<void> {
    await makeOwned(this.upper(buildpack));
    await mkdir(join(this.upper(buildpack), "../work"));
    await makeOwned(this.merged(buildpack));
  }

  /** A folder with the plan file that the buildpack reads or writes; returns the file's path. */
  async writePlan(buildpack: Buildpack, content: string): Promise<string> {
    const folder = await makeOwned(this.#planFolder(buildpack));
    const file = join(folder, "plan.toml");
    await writeAsApp(file, content);
    return file;
  }

  /** The mounts of every step of `buildpack`. */
  stepMounts(buildpack: Buildpack, appReadOnly: boolean): Mount[] {
    return [
      ...nodeMounts,
      bind(this.app, inside.app, appReadOnly),
      bind(join(this.#root, "platform"), inside.platform, true),
      bind(buildpack.directory, buildpackDirectory(buildpack), true),
      bind(join(this.#root, "home"), inside.home, false),
      bind(this.#planFolder(buildpack), inside.plan, false),
    ];
  }

  /** The layers folder of a buildpack: what is written, over the restored layers (host paths) if there are any. */
  layersMount(buildpack: Buildpack, restored: readonly string[]): Mount {
    const target = join(inside.layers, folderName(buildpack));
    if (restored.length === 0) return bind(this.upper(buildpack), target, false);
    return {
      kind: "overlay",
      layers: restored,
      writable: join(this.upper(buildpack), ".."),
      target,
    };
  }

  mergedMount(buildpack: Buildpack): Mount {
    return bind(this.merged(buildpack), inside.merged, false);
  }

  /** An empty folder, for a layer that is about to be stored. */
  async makeStaging(): Promise<string> {
    const folder = join(this.#root, "staging", randomBytes(6).toString("hex"));
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async remove(): Promise<void> {
    await removeTree(this.#root);
  }

  #planFolder(buildpack: Buildpack): string {
    return join(this.#root, "plans", folderName(buildpack));
  }
}

export function buildpackDirectory(buildpack: Buildpack): string {
  return join("/cnb/buildpacks", folderName(buildpack), buildpack.version);
}

function bind(source: string, target: string, readOnly: boolean): BindMount {
  return { kind: "bind", source, target, readOnly };
}

/** Writes a file that the app's user owns. */
export async function writeAsApp(path: string, content: string): Promise<void> {
  await writeFile(path, content);
  await chown(path, appUser, appUser);
}

async function makeOwned(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await chown(folder, appUser, appUser);
  return folder;
}

/** Makes the app's user the owner of a tree, of links themselves and not of what they point to. */
async function giveToApp(path: string): Promise<void> {
  await lchown(path, appUser, appUser);
  const children = await readdir(path, { withFileTypes: true });
  await Promise.all(
    children.map((child) =>
      child.isDirectory()
        ? giveToApp(join(path, child.name))
        : lchown(join(path, child.name), appUser, appUser),
    ),
  );
}
