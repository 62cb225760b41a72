import assert from "node:assert/strict";
import { CommandLineFixture } from "../support/command-line.ts";

const ok = (stdout: string, stderr = "") => ({ code: 0, stdout, stderr });
const fails = (stderr: string, code = 1) => ({ code, stdout: "", stderr });

/** Dokku's outputs and exit codes (reference: its source), and ours where Dokku has no such command. */
describe("output of", () => {
  let slipway: CommandLineFixture;

  beforeEach(async () => {
    slipway = await CommandLineFixture.open([
      { at: "2026-01-01T00:00:00.123456789Z", process: "web.1", stream: "stdout", text: "hello" },
      { at: "2026-01-01T00:00:01.000000000Z", process: "worker.1", stream: "stderr", text: "oops" },
      { at: "2026-01-01T00:00:02.000000000Z", process: "web.1", stream: "stdout", text: "bye" },
    ]);
  });

  afterEach(() => slipway.close());

  /** Runs lines one after the other and compares what each said. */
  async function expect(...pairs: [line: string, said: { code: number; stdout: string; stderr: string }][]) {
    for (const [line, said] of pairs) assert.deepEqual(await slipway.run(line), said, line);
  }

  it("apps", async () => {
    await expect(
      ["apps:list", ok("", " !     You haven't deployed any applications yet\n")],
      ["apps:list --format json", ok("[]\n", " !     You haven't deployed any applications yet\n")],
      ["apps:create blog", ok("-----> Creating blog...\n-----> Creating new app virtual host file...\n")],
      ["--quiet apps:create shop", ok("")],
      ["apps:create blog", fails(" !     Name is already taken\n")],
      ["apps:create ../etc", fails(` !     ${badName}\n`)],
      ["apps:create a..b", fails(` !     ${badName}\n`)],
      ["apps:create ''", fails(" !     Please specify an app to run the command on\n")],
      ["apps:list", ok("=====> My Apps\nblog\nshop\n")],
      ["apps --quiet", ok("blog\nshop\n")],
      ["apps:list --format json", ok('["blog","shop"]\n')],
      ["apps:exists blog", ok("")],
      ["apps:exists none", fails(" !     App none does not exist\n", 20)],
      ["nonsense", fails(nonsense)],
    );
  });

  it("apps:destroy, which asks first", async () => {
    slipway.deploy("blog");
    const question = [
      " !     WARNING: Potentially Destructive Action",
      " !     This command will destroy app blog.",
      ' !     To proceed, type "blog"',
      "> ",
    ].join("\n");
    const aborted = fails(`${question} !     Confirmation did not match blog. Aborted.\n`);
    assert.deepEqual(await slipway.run("apps:destroy blog"), aborted);
    assert.deepEqual(await slipway.run("apps:destroy blog", { input: "shop\n" }), aborted);
    const destroyed =
      "-----> Destroying blog (including all add-ons)\n-----> Cleaning up...\n-----> Retiring old containers and images\n";
    assert.deepEqual(await slipway.run("apps:destroy blog", { input: "blog\n" }), ok(destroyed, question));
    slipway.deploy("blog");
    assert.deepEqual(await slipway.run("--force apps:destroy blog"), ok(destroyed));
    assert.equal(slipway.state.apps.find("blog"), null);
  });

  it("reports: rows, one value, JSON, all apps", async () => {
    slipway.deploy("blog");
    const app = slipway.state.apps.get("blog");
    const created = String(Math.floor(app.createdAt / 1000));
    await expect(
      [
        "apps:report blog",
        ok(
          [
            "=====> blog app information",
            `       App created at:                  ${created}`,
            "       App deploy source:               git-push",
            "       App deploy source metadata:      c0ffee00c0ffee00",
            "       App global disable autocreation: false",
            "       App locked:                      false",
            "",
          ].join("\n"),
        ),
      ],
      ["apps:report blog --app-created-at", ok(`${created}\n`)],
      [
        "domains:report blog --nonsense",
        fails(
          " !     Invalid flag passed, valid flags: --domains-app-enabled, --domains-app-vhosts, --domains-global-enabled, --domains-global-vhosts\n",
        ),
      ],
      ["domains:report blog --domains-app-vhosts", ok("blog.example.com\n")],
      [
        "domains:report --global",
        ok(
          "=====> Global domains information\n       Domains global enabled:        true\n       Domains global vhosts:         example.com\n",
        ),
      ],
    );
    const json = JSON.parse((await slipway.run("apps:report blog --format json")).stdout) as object;
    assert.deepEqual(
      { ...json },
      {
        "created-at": created,
        "app-created-at": created,
        "deploy-source": "git-push",
        "app-deploy-source": "git-push",
        "deploy-source-metadata": "c0ffee00c0ffee00",
        "app-deploy-source-metadata": "c0ffee00c0ffee00",
        "global-disable-autocreation": "false",
        "app-global-disable-autocreation": "false",
        locked: "false",
        "app-locked": "false",
      },
    );
    slipway.deploy("shop");
    const { stdout } = await slipway.run("ps:report");
    assert.deepEqual(stdout.match(/^=====> .*$/gm), [
      "=====> blog ps information",
      "=====> shop ps information",
    ]);
  });

  it("config", async () => {
    slipway.deploy("blog");
    await expect(
      [
        "config:set --no-restart blog A=1 LONG_NAME='b  c'",
        ok("-----> Setting config vars\n       A:          ********\n       LONG_NAME:  ********\n"),
      ],
      ["config:show blog", ok("=====> blog env vars\nA:          1\nLONG_NAME:  b  c\n")],
      ["--quiet config blog", ok("A:          1\nLONG_NAME:  b  c\n")],
      ["config:get blog LONG_NAME", ok("b  c\n")],
      ["config:get blog NONE", fails("")],
      ["config:set blog 1x=y", fails(" !     Invalid key name: '1x'\n")],
      ["config:set blog x", fails(" !     Invalid env pair: x\n")],
      ["config:set blog", fails(" !     At least one env pair must be given\n")],
      ["config:set --encoded blog A=%%%", fails(" !     The value of A is not base64, as --encoded says\n")],
      [
        "config:set --no-restart --encoded blog A=aXQncwpoZXJl",
        ok("-----> Setting config vars\n       A:  ********\n"),
      ],
      ["config:get --quoted blog A", ok("'it'\\''s\nhere'\n")],
      ["config:export --format json blog", ok('{"A":"it\'s\\nhere","LONG_NAME":"b  c"}\n')],
      ["config:export blog --format envfile", ok('A="it\'s\\nhere"\nLONG_NAME="b  c"\n')],
      ["config:export blog", ok("export A='it'\\''s\nhere'\nexport LONG_NAME='b  c'\n")],
      ["config:export blog --format shell", ok("A='it'\\''s\nhere' LONG_NAME='b  c'\n")],
      ["config:set --global Z=9", ok("-----> Setting config vars\n       Z:  ********\n")],
      ["config:show --global", ok("=====> global env vars\nZ:  9\n")],
      [
        "config:unset --no-restart blog A B",
        ok("-----> Unsetting A\n-----> Skipping B, it is not set in the environment\n"),
      ],
      ["config:show --merged blog", ok("=====> blog env vars\nLONG_NAME:  b  c\nZ:          9\n")],
    );
    assert.deepEqual(slipway.asked, []);
  });

  it("config:set and config:unset, which restart what runs and nothing else", async () => {
    slipway.deploy("blog");
    const restarting = "-----> Restarting app blog\n-----> Deploying web (count=1)\n";
    await expect(
      ["config:set blog A=1", ok(`-----> Setting config vars\n       A:  ********\n${restarting}`)],
      ["config:unset blog A", ok(`-----> Unsetting A\n${restarting}`)],
      ["config:unset blog A", ok("-----> Skipping A, it is not set in the environment\n")],
      ["ps:stop blog", ok("-----> Stopping blog\n")],
      ["config:set blog A=1", ok("-----> Setting config vars\n       A:  ********\n")],
      ["--quiet apps:create shop", ok("")],
      ["config:set shop A=1", ok("-----> Setting config vars\n       A:  ********\n")],
    );
    assert.deepEqual(slipway.asked, ["redeploy blog config", "redeploy blog config"]);
  });

  it("domains", async () => {
    slipway.deploy("blog");
    slipway.deploy("shop");
    await expect(
      [
        "domains:add blog WWW.Example.org '*.example.org'",
        ok("-----> Added www.example.org to blog\n-----> Added *.example.org to blog\n"),
      ],
      ["domains:add blog www.example.org", ok("-----> Skipping: www.example.org already added to blog\n")],
      [
        "domains:add shop www.example.org",
        fails(" !     www.example.org is already in use by another app\n"),
      ],
      [
        "domains:add shop blog.example.com",
        fails(" !     blog.example.com is already in use by another app\n"),
      ],
      ["domains:add shop new.example.com", ok("-----> Added new.example.com to shop\n")],
      ["apps:create new", fails(" !     The domain new.example.com is already in use by another app\n")],
      ["domains:report blog --domains-app-vhosts", ok("blog.example.com *.example.org www.example.org\n")],
      ["domains:remove blog www.example.org", ok("-----> Removed www.example.org from blog\n")],
      ["urls blog", ok("http://blog.example.com\nhttp://*.example.org\n")],
      ["url blog", ok("http://blog.example.com\n")],
    );
    for (const bad of [
      "a.-b.com",
      "a_/b",
      "a..b",
      "127.0.0.1",
      "*.*.com",
      "a.com:80",
      `${"a".repeat(64)}.com`,
    ])
      assert.deepEqual(
        await slipway.run(`domains:add blog ok.com '${bad}'`),
        fails(` !     ${bad} is invalid. exiting...\n`),
      );
    assert.deepEqual(slipway.state.domains.list(slipway.state.apps.get("blog").id), ["*.example.org"]);
  });

  it("ps", async () => {
    slipway.state.apps.create("fresh");
    const id = slipway.deploy("blog");
    const blog = slipway.state.apps.get("blog");
    const process = { appId: id, releaseId: blog.currentReleaseId!, index: 1, port: 5000 };
    const web = slipway.state.processes.create({ ...process, type: "web", containerId: "0123456789abcdef" });
    slipway.state.processes.update({ ...web, state: "running" });
    slipway.state.processes.create({ ...process, type: "worker", containerId: "fedcba9876543210" });
    await expect(
      ["ps:scale fresh", ok("-----> Scaling for fresh\nproctype: qty\n--------: ---\nweb:  1\n")],
      ["ps:scale blog web=2 worker=0", ok("-----> Scaling blog processes: web=2 worker=0\n")],
      ["--quiet ps:scale blog", ok("web:  2\nworker: 0\n")],
      [
        "ps:scale blog --format json",
        ok('[{"process_type":"web","quantity":2},{"process_type":"worker","quantity":0}]\n'),
      ],
      ["ps:scale blog web", fails(" !     Missing count for process type web\n")],
      ["ps:scale blog web=-1", fails(" !     Invalid count for process type web\n")],
      ["ps:scale blog web=1000", fails(" !     Invalid count for process type web: at most 100 can run\n")],
      ["ps:scale blog web=1 web=2", fails(" !     Unable to scale process web multiple times\n")],
      ["ps:scale blog we/b=1", fails(" !     we/b is not a valid process name to scale up\n")],
      [
        "ps:report blog",
        ok(
          [
            "=====> blog ps information",
            "       Deployed:                      true",
            "       Processes:                     2",
            "       Ps can scale:                  true",
            "       Ps restart policy:             always",
            "       Restore:                       true",
            "       Running:                       mixed",
            "       Status web 1:                  running (CID: 0123456789a)",
            "       Status worker 1:               starting (CID: fedcba98765)",
            "",
          ].join("\n"),
        ),
      ],
      ["ps:report blog --status-web.1", ok("running (CID: 0123456789a)\n")],
      ["ps:report fresh --running", ok("false\n")],
      ["ps:restart fresh", ok("", " !     App fresh has not been deployed\n")],
      ["ps:restart blog", ok("-----> Restarting blog\n-----> Deploying web (count=1)\n")],
      ["ps:start blog", ok("", " !     App blog already running\n")],
      [
        "ps:stop --all",
        {
          code: 1,
          stdout:
            "-----> Running stop against app blog\n-----> Stopping blog\n-----> Running stop against app fresh\n",
          stderr: " !     App fresh has not been deployed\n",
        },
      ],
      ["ps:start blog", ok("-----> Starting blog\n")],
    );
    assert.deepEqual(slipway.asked, ["redeploy blog restart"]);
  });

  it("logs", async () => {
    slipway.state.apps.create("fresh");
    slipway.deploy("blog");
    const [cyan, yellow, end] = ["\u001b[36m", "\u001b[33m", "\u001b[0m"];
    await expect(
      ["logs fresh", fails(" !     App fresh has not been deployed\n")],
      [
        "logs blog",
        ok(
          [
            `${cyan}2026-01-01T00:00:00.123456789Z app[web.1]:${end} hello`,
            `${yellow}2026-01-01T00:00:01.000000000Z app[worker.1]:${end} oops`,
            `${cyan}2026-01-01T00:00:02.000000000Z app[web.1]:${end} bye`,
            "",
          ].join("\n"),
        ),
      ],
      ["logs blog -n 2 -p web -q", ok("oops\nbye\n")],
      ["--quiet logs blog -n 1", ok("bye\n")],
    );
    assert.deepEqual(slipway.asked.slice(0, 2), [
      "logs lines=100 process= follow=false",
      "logs lines=2 process=web follow=false",
    ]);
  });

  it("ssh-keys", async () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1MUd8a4rzJSwDuaSI9FJ2I4dpsRNnDHXVtfVWGvTGd";
    const add = (line: string, input: string) => slipway.run(line, { input });
    const added = await add("ssh-keys:add --role deploy eve", `${key} eve@example.com\n`);
    assert.equal(added.code, 0, added.stderr);
    const printed = added.stdout.trim();
    assert.match(printed, /^SHA256:[A-Za-z0-9+/]{43}$/);
    assert.deepEqual(await add("ssh-keys:add eve", key), fails(" !     Duplicate ssh key name\n"));
    assert.deepEqual(
      await add("ssh-keys:add bob", key),
      fails(" !     Duplicate ssh public key specified\n"),
    );
    for (const [input, reason] of Object.entries({
      "": "it is empty",
      "hello world": 'expected "type base64 comment" in one line',
      "ssh-rsa AAAA": "it is cut off",
      "-----BEGIN OPENSSH PRIVATE KEY-----": "it is a private key: keep it secret and give the .pub file",
    }))
      assert.deepEqual(
        await add("ssh-keys:add bob", input),
        fails(` !     Key specified is not a valid ssh public key: ${reason}\n`),
      );
    assert.deepEqual(
      await add("ssh-keys:add bob", `${key}\n${key}\n`),
      fails(" !     Too many keys provided, please provide one key only\n"),
    );
    assert.match((await add("ssh-keys:add 'a\"b'", key)).stderr, /is no name for a key/);
    const allowed =
      'SSHCOMMAND_ALLOWED_KEYS="no-agent-forwarding,no-user-rc,no-X11-forwarding,no-port-forwarding"';
    await expect(
      [
        "ssh-keys:list",
        ok(`SHA256:admin NAME="admin" ${allowed}\n${printed} NAME="eve" ${allowed} ROLE="deploy"\n`),
      ],
      ["ssh-keys:list admin", ok(`SHA256:admin NAME="admin" ${allowed}\n`)],
      [`ssh-keys:remove --fingerprint ${printed}`, ok("")],
      ["ssh-keys:remove eve", fails(" !     Key eve does not exist: see ssh-keys:list\n")],
      [
        "ssh-keys:remove admin",
        fails(" !     admin is the last key of an administrator: add another one first\n"),
      ],
    );
  });

  it("releases, events and the dashboard's link", async () => {
    slipway.deploy("blog");
    assert.match(
      (await slipway.run("releases:list blog")).stdout,
      /^=====> blog releases\nv1 {5}succeeded {2}push {3} {2}c0ffee00 {2}\S+Z {2}admin {2}\(current\)\n$/,
    );
    await slipway.run("ps:stop blog");
    assert.match(
      (await slipway.run("events blog")).stdout,
      /^\S+Z {2}admin {2}command {2}blog {2}ps:stop blog\n$/,
    );
    const { stdout } = await slipway.run("--quiet dashboard:login");
    const [, secret] = /^http:\/\/example\.com:8000\/sign-in\/([\w-]{43})\n$/.exec(stdout) ?? [];
    assert.ok(secret, stdout);
    const session = slipway.state.sessions.redeemLink(secret, 1000);
    assert.equal(slipway.state.sessions.keyOf(session ?? ""), slipway.admin.id);
    assert.equal(slipway.state.sessions.redeemLink(secret, 1000), null);
  });

  it("version and help", async () => {
    await expect(["version", ok("dokku version 0.34.7 (slipway 1.2.3)\n")], ["help", await slipway.run("")]);
    assert.match((await slipway.run("help")).stdout, /^ {4}apps {7,}Manage apps$/m);
    assert.match(
      (await slipway.run("help --all")).stdout,
      /^ {4}config:get \[--quoted\] \(<app>\|--global\) <name> {3}/m,
    );
    assert.match((await slipway.run("apps:help")).stdout, /^ {4}apps:create <app> +Create a new app$/m);
    assert.match((await slipway.run("logs --help")).stdout, /^ {4}-n, --num <lines> +how many/m);
    assert.deepEqual(await slipway.run("nonsense:help"), fails(nonsense));
  });
});

const badName =
  "App name must begin with lowercase alphanumeric character, and may only contain lowercase alphanumerics, dots, and hyphens";
const nonsense =
  " !     `nonsense` is not a dokku command.\n !     See `dokku help` for a list of available commands.\n";
