import { UserError } from "../../model/error.ts";
import type { Key } from "../../model/key.ts";
import type { State } from "../../state/state.ts";

export function requireKey(state: State, name: string): Key {
  const key = state.keys.byName(name);
  if (key === null) throw new UserError(`Key ${name} does not exist: see ssh-keys:list`);
  return key;
}
