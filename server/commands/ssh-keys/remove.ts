import { UserError } from "../../model/error.ts";
import type { Key } from "../../model/key.ts";
import type { State } from "../../state/state.ts";
import { defineCommand } from "../command.ts";
import { requireKey } from "./require-key.ts";

export const sshKeysRemove = defineCommand({
  name: "ssh-keys:remove",
  summary: "Remove a key, by name or by fingerprint",
  role: "admin",
  effect: "change",
  args: { name: { kind: "optional-word", label: "name" } },
  flags: { fingerprint: { kind: "text", label: "SHA256:...", summary: "of the key to remove" } },
  examples: ["ssh-keys:remove alice"],
  run({ state }, input) {
    const key = find(state, input.name, input.fingerprint);
    const others = state.keys.list().filter((other) => other.id !== key.id);
    if (!others.some((other) => other.role === "admin"))
      throw new UserError(`${key.name} is the last key of an administrator: add another one first`);
    state.keys.remove(key.id);
  },
});

function find(state: State, name: string | null, fingerprint: string | null): Key {
  if (name !== null) return requireKey(state, name);
  if (fingerprint === null) throw new UserError("Please specify a key name or --fingerprint");
  const key = state.keys.list().find((each) => each.fingerprint === fingerprint);
  if (key === undefined) throw new UserError(`No key has the fingerprint ${fingerprint}`);
  return key;
}
