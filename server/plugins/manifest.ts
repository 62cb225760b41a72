import { hookNames, type HookName } from "../model/hook.ts";

/** A plugin's plugin.json. */
export interface Manifest {
  /** The name of the plugin's folder. */
  readonly name: string;
  /** One line that says what it is good for. */
  readonly description: string;
  /** Every hook that it has, no others. */
  readonly hooks: readonly HookName[];
}

/** Throws an Error that says what is wrong with the manifest of the plugin in folder `folder`. */
export function parseManifest(json: string, folder: string): Manifest {
  const { name, description, hooks } = JSON.parse(json) as Record<string, unknown>;
  if (name !== folder) throw new Error(`plugin.json: "name" must be "${folder}", the folder's name`);
  if (typeof description !== "string" || description === "")
    throw new Error('plugin.json: "description" is missing');
  if (!Array.isArray(hooks) || !hooks.every(isHookName))
    throw new Error(`plugin.json: "hooks" must be a list of ${hookNames.join(", ")}`);
  return { name: folder, description, hooks };
}

function isHookName(value: unknown): value is HookName {
  return (hookNames as readonly unknown[]).includes(value);
}
