import assert from "node:assert/strict";
import type { AnyCommand } from "../../server/commands/command.ts";
import { commands } from "../../server/commands/registry.ts";
import type { Key } from "../../server/model/key.ts";
import { CommandLineFixture } from "../support/command-line.ts";

/** A line that gives a command all it needs, about the app "blog". */
function lineFor(command: AnyCommand): string {
  const words = Object.values(command.args).map((argument) =>
    argument.kind.includes("app") ? "blog" : argument.kind === "words" ? "A=1" : "eve",
  );
  return [command.name, ...words].join(" ");
}

const takesApp = (command: AnyCommand) =>
  Object.values(command.args).some(({ kind }) => kind === "app" || kind === "optional-app");
const deployCommands = commands.filter(({ role }) => role === "deploy");

describe("access of a key of role deploy", () => {
  let slipway: CommandLineFixture;
  let eve: Key;

  before(async () => {
    slipway = await CommandLineFixture.open();
    eve = slipway.addKey("eve", "deploy");
    slipway.state.configVars.set(slipway.deploy("blog"), new Map([["SECRET", "hunter2"]]));
  });

  after(() => slipway.close());

  for (const command of commands.filter(({ role }) => role === "admin")) {
    it(`is denied to ${command.name}`, async () => {
      const before = slipway.state.keys.list();
      assert.deepEqual(await slipway.run(lineFor(command), { actor: eve, input: "ssh-ed25519 AAAA" }), {
        code: 1,
        stdout: "",
        stderr: " !     Access denied\n",
      });
      assert.deepEqual(slipway.state.keys.list(), before);
    });
  }

  for (const command of deployCommands.filter(takesApp)) {
    it(`makes another's app look as if there were none to ${command.name}`, async () => {
      const line = lineFor(command);
      const hidden = await slipway.run(`--force ${line}`, { actor: eve });
      assert.deepEqual(hidden, { code: 20, stdout: "", stderr: " !     App blog does not exist\n" });
      const absent = await slipway.run(`--force ${line.replace("blog", "none")}`, { actor: eve });
      assert.deepEqual(absent, { ...hidden, stderr: hidden.stderr.replace("blog", "none") });
    });
  }

  for (const line of [
    "set --global A=1",
    "unset --global A",
    "show --global",
    "export --global",
    "get --global A",
  ]) {
    it(`is denied to config:${line}`, async () => {
      const { code, stderr } = await slipway.run(`config:${line}`, { actor: eve });
      assert.deepEqual([code, stderr], [1, " !     Access denied\n"]);
      assert.equal(slipway.state.configVars.get(null).size, 0);
    });
  }

  it("hides other apps in lists, reports, events and --all", async () => {
    for (const line of ["apps:list", "apps:report", "ps:report", "events", "ps:stop --all"]) {
      const { stdout } = await slipway.run(line, { actor: eve });
      assert.doesNotMatch(stdout, /blog/, line);
    }
    assert.equal(slipway.state.apps.get("blog").wanted, true);
  });

  it("reaches the apps that it made, and that it was granted until they are taken from it", async () => {
    assert.equal((await slipway.run("apps:create shop", { actor: eve })).code, 0);
    assert.equal((await slipway.run("apps:list", { actor: eve })).stdout, "=====> My Apps\nshop\n");
    assert.equal((await slipway.run("acl:add blog eve")).code, 0);
    assert.equal((await slipway.run("acl:list blog")).stdout, "eve\n");
    assert.match((await slipway.run("config:show blog", { actor: eve })).stdout, /SECRET:  hunter2/);
    assert.equal((await slipway.run("acl:remove blog eve")).code, 0);
    assert.equal((await slipway.run("config:show blog", { actor: eve })).code, 20);
    assert.deepEqual(await slipway.run("apps:create blog", { actor: eve }), {
      code: 1,
      stdout: "",
      stderr: " !     Name is already taken\n",
    });
  });

  it("leaves a record of what was changed and refused, with no config value in it", async () => {
    await slipway.run("config:set blog PASSWORD=correct-horse");
    await slipway.run("config:set blog PASSWORD=correct-horse", { actor: eve });
    const events = slipway.state.events.list(null, 1000);
    const messages = events.map(({ app, actor, message }) => `${app} ${actor} ${message}`);
    assert.equal(messages[1], "blog admin config:set blog PASSWORD");
    assert.equal(messages[0], "blog eve config:set blog PASSWORD (refused)");
    assert.doesNotMatch(JSON.stringify(events), /correct-horse/);
  });
});
