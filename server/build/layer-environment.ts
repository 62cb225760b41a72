import { join } from "node:path";
import { isFolder, listFolder, readUntrusted } from "./untrusted-files.ts";

export type Environment = Record<string, string>;

/** A layer as the container sees it at `target`, with its content on the host at `path`. */
export interface PlacedLayer {
  readonly target: string;
  readonly path: string;
}

/** Folders of a layer that become parts of search paths (buildpack spec, "Layer Paths"). */
const launchFolders = { bin: ["PATH"], lib: ["LD_LIBRARY_PATH"] };
const buildFolders = {
  bin: ["PATH"],
  lib: ["LD_LIBRARY_PATH", "LIBRARY_PATH"],
  include: ["CPATH"],
  pkgconfig: ["PKG_CONFIG_PATH"],
};

/** Adds what a buildpack's layers mean for later buildpacks; layers in order of their names. */
export async function addBuildEnvironment(
  environment: Environment,
  layers: readonly PlacedLayer[],
): Promise<void> {
  for (const layer of layers) {
    await addFolders(environment, layer, buildFolders);
    for (const folder of ["env", "env.build"]) await addFiles(environment, join(layer.path, folder));
  }
}

/** Adds what a buildpack's layers mean for a process of the app: first all search paths, then all variables. */
export async function addLaunchEnvironment(
  environment: Environment,
  layers: readonly PlacedLayer[],
  processType: string,
): Promise<void> {
  for (const layer of layers) await addFolders(environment, layer, launchFolders);
  for (const { path } of layers) {
    await addFiles(environment, join(path, "env"));
    if (!(await isFolder(join(path, "env.launch")))) continue;
    await addFiles(environment, join(path, "env.launch"));
    await addFiles(environment, join(path, "env.launch", processType));
  }
}

async function addFolders(
  environment: Environment,
  { path, target }: PlacedLayer,
  folders: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  for (const [folder, names] of Object.entries(folders)) {
    if (!(await isFolder(join(path, folder)))) continue;
    for (const name of names) prepend(environment, name, join(target, folder), ":");
  }
}

/** Applies the files of an env folder: NAME or NAME.override, .default, .append, .prepend, with .delim in between. */
async function addFiles(environment: Environment, folder: string): Promise<void> {
  for (const file of await listFolder(folder)) {
    const value = await readUntrusted(join(folder, file));
    const [, name, action] = /^([^.]+)(?:\.(\w+))?$/.exec(file) ?? [];
    if (value === null || name === undefined) continue;
    const delimiter = (await readUntrusted(join(folder, `${name}.delim`))) ?? "";
    if (action === undefined || action === "override") environment[name] = value;
    else if (action === "default") environment[name] ??= value;
    else if (action === "prepend") prepend(environment, name, value, delimiter);
    else if (action === "append") {
      const before = environment[name];
      environment[name] = before === undefined ? value : `${before}${delimiter}${value}`;
    }
  }
}

export function prepend(environment: Environment, name: string, value: string, delimiter: string): void {
  const after = environment[name];
  environment[name] = after === undefined || after === "" ? value : `${value}${delimiter}${after}`;
}
