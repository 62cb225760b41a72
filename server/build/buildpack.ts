import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";

/** A Cloud Native Buildpack on disk (Buildpack API 0.8 to 0.12). */
export interface Buildpack {
  readonly id: string;
  readonly version: string;
  readonly name: string;
  /** Minor number of its Buildpack API: 12 is 0.12. */
  readonly api: number;
  readonly directory: string;
  /** It does not get the app's config vars as environment, only as files. */
  readonly clearEnv: boolean;
  /** It runs nothing of the app, so that its layers may serve other apps too. */
  readonly sharedLayers: boolean;
}

export interface GroupElement {
  readonly buildpack: Buildpack;
  readonly optional: boolean;
}

/** Buildpacks that build one app together, in order. */
export type Group = readonly GroupElement[];

interface GroupToml {
  readonly group: readonly { readonly id: string; readonly version?: string; readonly optional?: boolean }[];
}

interface BuildpackToml {
  readonly api: string;
  readonly buildpack: {
    readonly id: string;
    readonly version: string;
    readonly name?: string;
    readonly "clear-env"?: boolean;
  };
  readonly order?: readonly GroupToml[];
  readonly metadata?: { readonly "shared-layers"?: boolean };
}

interface Found {
  readonly toml: BuildpackToml;
  readonly buildpack: Buildpack;
}

/**
 * Reads the buildpacks in `directory` (a folder each) and its order.toml, and returns the groups to try, in order.
 * Composite buildpacks are replaced by what they are made of.
 */
export async function loadBuildpackGroups(directory: string): Promise<Group[]> {
  const found: Found[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = join(directory, entry.name);
    const toml = parse(await readFile(join(folder, "buildpack.toml"), "utf8")) as unknown as BuildpackToml;
    found.push({ toml, buildpack: describe(toml, folder) });
  }
  const order = parse(await readFile(join(directory, "order.toml"), "utf8")) as unknown as {
    order: GroupToml[];
  };
  return order.order.flatMap((group) => expand(group, found));
}

/** All groups that a group of the order stands for: one for each way through its composite buildpacks. */
function expand({ group }: GroupToml, found: readonly Found[]): Group[] {
  const [first, ...rest] = group;
  if (first === undefined) return [[]];
  const remaining = expand({ group: rest }, found);
  const { toml, buildpack } = find(first.id, first.version, found);
  const optional = first.optional ?? false;
  if (toml.order === undefined)
    return remaining.map((others) => withoutRepeats([{ buildpack, optional }, ...others]));
  const inner = toml.order.flatMap((each) => expand(each, found));
  return [...inner, ...(optional ? [[]] : [])].flatMap((members) =>
    remaining.map((others) => withoutRepeats([...members, ...others])),
  );
}

function withoutRepeats(group: Group): Group {
  return group.filter(
    ({ buildpack }, index) => group.findIndex((each) => each.buildpack.id === buildpack.id) === index,
  );
}

function find(id: string, version: string | undefined, found: readonly Found[]): Found {
  const match = found.find(
    ({ buildpack }) => buildpack.id === id && (version === undefined || buildpack.version === version),
  );
  if (match === undefined) throw new Error(`buildpack ${id} ${version ?? ""} of the order is not there`);
  return match;
}

function describe(toml: BuildpackToml, directory: string): Buildpack {
  const { id, version, name } = toml.buildpack;
  const api = Number(/^0\.(\d+)$/.exec(toml.api)?.[1]);
  if (!(api >= 8 && api <= 12))
    throw new Error(`buildpack ${id} needs Buildpack API ${toml.api}; 0.8 to 0.12 are known`);
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(id) || !/^[\w.+-]+$/.test(version))
    throw new Error(`buildpack in ${directory} has no proper id and version`);
  return {
    id,
    version,
    name: name ?? id,
    api,
    directory,
    clearEnv: toml.buildpack["clear-env"] ?? false,
    sharedLayers: toml.metadata?.["shared-layers"] ?? false,
  };
}

/** How the id is written in paths. */
export function folderName({ id }: Pick<Buildpack, "id">): string {
  return id.replaceAll("/", "_");
}
