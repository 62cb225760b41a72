import assert from "node:assert/strict";
import { parse } from "../../server/commands/parse.ts";
import { commands } from "../../server/commands/registry.ts";
import { splitWords } from "../../server/commands/words.ts";

describe("words of an exec request", () => {
  const cases: Record<string, string[]> = {
    "": [],
    "  apps:list  ": ["apps:list"],
    "config:set blog A='b  c' D=\"e 'f'\"": ["config:set", "blog", "A=b  c", "D=e 'f'"],
    [String.raw`a\ b \\ \$HOME \'`]: ["a b", "\\", "$HOME", "'"],
    [String.raw`'it'\''s' "back\slash"`]: ["it's", "back\\slash"],
    "A='' ''": ["A=", ""],
    "$(reboot) `id` * ; | &": ["$(reboot)", "`id`", "*", ";", "|", "&"],
    "'two\nlines' next\nline": ["two\nlines", "next", "line"],
  };
  for (const [text, words] of Object.entries(cases)) {
    it(`of ${JSON.stringify(text)}`, () => assert.deepEqual(splitWords(text), words));
  }

  it("refuse an open quote", () => assert.throws(() => splitWords("config:set a B='c"), /never closed/));
});

describe("parse", () => {
  const parsed = (line: string) => {
    const { command, input, ...rest } = parse(splitWords(line), commands);
    return { name: command.name, input, ...rest };
  };
  const plain = { quiet: false, force: false, format: "stdout" };

  const cases: Record<string, object> = {
    "apps:create blog": { name: "apps:create", input: { app: "blog" }, ...plain },
    "dokku apps:create blog": { name: "apps:create", input: { app: "blog" }, ...plain },
    "--app blog apps:create blog": { name: "apps:create", input: { app: "blog" }, ...plain },
    "--quiet apps": { name: "apps:list", input: {}, ...plain, quiet: true },
    "-- --force apps:destroy blog": { name: "apps:destroy", input: { app: "blog" }, ...plain, force: true },
    "apps:destroy blog --force": { name: "apps:destroy", input: { app: "blog" }, ...plain, force: true },
    "--trace --app=blog apps:list": { name: "apps:list", input: {}, ...plain },
    "apps:list --format json": { name: "apps:list", input: {}, ...plain, format: "json" },
    "config:set --no-restart blog A=1 B=2": {
      name: "config:set",
      input: { app: "blog", pairs: ["A=1", "B=2"], global: false, encoded: false, "no-restart": true },
      ...plain,
    },
    "--app blog config:set --global A=1": {
      name: "config:set",
      input: { app: null, pairs: ["A=1"], global: true, encoded: false, "no-restart": false },
      ...plain,
    },
    "config:unset blog -- --quiet": {
      name: "config:unset",
      input: { app: "blog", names: ["--quiet"], global: false, "no-restart": false },
      ...plain,
    },
    "logs blog -t -n20 --ps=web": {
      name: "logs",
      input: { app: "blog", tail: true, num: 20, ps: "web", quiet: false },
      ...plain,
    },
    "apps:report blog --app-created-at": {
      name: "apps:report",
      input: { app: "blog", global: false, row: ["--app-created-at"] },
      ...plain,
    },
    "": { name: "help", input: { topic: null, all: false }, ...plain },
    "domains:help": { name: "help", input: { topic: "domains", all: false }, ...plain },
    domains: { name: "help", input: { topic: "domains", all: false }, ...plain },
    "config:set --help": { name: "help", input: { topic: "config:set", all: false }, ...plain },
    "-v": { name: "version", input: {}, ...plain },
  };
  for (const [line, expected] of Object.entries(cases)) {
    it(`understands ${JSON.stringify(line)}`, () => assert.deepEqual(parsed(line), expected));
  }

  const refused: Record<string, RegExp> = {
    nonsense: /^`nonsense` is not a dokku command\.\nSee `dokku help` for a list of available commands\.$/,
    "apps:nonsense blog": /`apps:nonsense` is not a dokku command/,
    ["__proto__"]: /`__proto__` is not a dokku command/,
    constructor: /`constructor` is not a dokku command/,
    "apps:create": /^Please specify an app to run the command on$/,
    "config:set": /^Please specify an app to run the command on$/,
    "ps:restart": /^Please specify an app to run the command on$/,
    "config:get blog": /^Missing <name>/,
    "ps:stop blog web": /^Unexpected argument "web"/,
    "logs blog --follow": /^Unknown flag --follow/,
    "logs blog -n": /^--num needs a value/,
    "logs blog -n x": /^--num must be a whole number/,
    "logs blog --tail=yes": /^--tail takes no value/,
    "config:export blog --format xml": /^--format must be one of exports, envfile/,
    "apps:list --constructor": /^Unknown flag --constructor/,
  };
  for (const [line, message] of Object.entries(refused)) {
    it(`refuses ${JSON.stringify(line)}`, () =>
      assert.throws(() => parsed(line), { name: "UserError", message }));
  }
});
