import { UserError } from "../../model/error.ts";
import { parsePublicKey } from "../../model/public-key.ts";
import { defineCommand } from "../command.ts";
import { readText } from "../stdin.ts";

const keyName = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;
const longestKey = 16_384;

export const sshKeysAdd = defineCommand({
  name: "ssh-keys:add",
  summary: "Add the public key on standard input",
  role: "admin",
  effect: "change",
  args: { name: { kind: "word", label: "name" } },
  flags: {
    role: {
      kind: "choice",
      choices: ["admin", "deploy"],
      summary: "admin may do everything, deploy only push and change the apps it made or was given",
    },
  },
  examples: ["ssh-keys:add alice < ~/.ssh/id_ed25519.pub", "ssh-keys:add --role deploy ci < ci.pub"],
  async run(ctx, input) {
    if (!keyName.test(input.name))
      throw new UserError(`"${input.name}" is no name for a key: letters, digits and . _ @ + - only`);
    const key = parsePublicKey(await readText(ctx.stdin, longestKey));
    return ctx.state.keys.add({ name: input.name, role: input.role, ...key });
  },
  text: (key) => [key.fingerprint],
});
