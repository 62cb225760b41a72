import { defineCommand } from "../command.ts";
import { requireKey } from "./require-key.ts";

/** What holds for every key, in the words of authorized_keys(5) that Dokku's clients expect. */
const restrictions = "no-agent-forwarding,no-user-rc,no-X11-forwarding,no-port-forwarding";

export const sshKeysList = defineCommand({
  name: "ssh-keys:list",
  summary: "List the keys that may sign in",
  role: "admin",
  effect: "read",
  args: { name: { kind: "optional-word", label: "name" } },
  flags: {},
  examples: ["ssh-keys:list", "ssh-keys:list --format json"],
  run: ({ state }, input) => (input.name === null ? state.keys.list() : [requireKey(state, input.name)]),
  text: (keys) =>
    keys.map(({ fingerprint, name, role }) => {
      const line = `${fingerprint} NAME="${name}" SSHCOMMAND_ALLOWED_KEYS="${restrictions}"`;
      return role === "admin" ? line : `${line} ROLE="${role}"`;
    }),
  json: (keys) =>
    keys.map(({ fingerprint, name, role, publicKey }) => ({
      fingerprint,
      name,
      SSHCOMMAND_ALLOWED_KEYS: restrictions,
      "public-key": publicKey,
      role,
    })),
});
