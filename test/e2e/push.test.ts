import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { finished, LocalServer } from "../../deploy/local-server.ts";
import { lastLine, Project, remoteLines } from "../support/project.ts";
import { until } from "../support/until.ts";

const buildMinutes = 5;

describe("git push", function () {
  this.timeout(buildMinutes * 60_000);
  let server: LocalServer;
  const projects: Project[] = [];

  before(async () => {
    server = await LocalServer.start(["--boot-timeout", "5"]);
  });

  after(async () => {
    await server.close();
    await Promise.all(projects.map((project) => project.remove()));
  });

  async function project(app: string, sample: string | null): Promise<Project> {
    const made = await Project.create(server, app, sample);
    projects.push(made);
    return made;
  }

  async function command(words: string): Promise<string> {
    const { code, stdout, stderr } = await server.ssh(words);
    assert.equal(code, 0, `${words}: ${stderr}`);
    return stdout;
  }

  describe("of a Node app with dependencies", () => {
    let express: Project;

    it("creates the app, shows the build, and puts it live", async () => {
      express = await project("express", "node-express");
      const lines = remoteLines((await express.push()).stderr);
      assert.ok(lines.includes("-----> Set main as deploy-branch"), lines.join("\n"));
      assert.ok(
        lines.some((line) => /Node\.js \d+\.\d+\.\d+/.test(line)),
        lines.join("\n"),
      );
      const deployed = lines.indexOf("=====> Application deployed:");
      assert.equal(lines[deployed + 1], `       http://express.localhost:${server.addresses.httpPort}`);
      const answer = await server.fetch("express.localhost");
      assert.equal(answer.status, 200);
      assert.match(await command("apps:list"), /^=====> My Apps\n[^]*^express$/m);
    });

    it("neither downloads nor installs anything when only code changed", async () => {
      const source = join(express.directory, "server.js");
      await express.commit({ "server.js": `${await readFile(source, "utf8")}\n// changed\n` });
      const output = await express.deploy();
      assert.doesNotMatch(output, /[Dd]ownloading|[Ii]nstalling/);
      assert.equal((await server.fetch("express.localhost")).status, 200);
    });

    it("can be cloned and fetched again", async () => {
      const directory = await mkdtemp(join(tmpdir(), "slipway-clone-"));
      const { code, stderr } = await server.git(directory, [
        "clone",
        "--quiet",
        server.gitUrl("express"),
        "copy",
      ]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(
        (await readdir(join(directory, "copy"))).filter((name) => name !== ".git").sort(),
        (await readdir(express.directory)).filter((name) => name !== ".git").sort(),
      );
      await rm(directory, { recursive: true });
    });

    it("stores a branch that is not deployed, and says so", async () => {
      const before = await command("releases:list express");
      const { code, stderr } = await express.push("main:other");
      assert.equal(code, 0, stderr);
      assert.match(stderr, /WARNING: deploy did not complete, you must push to main/);
      assert.equal(await command("releases:list express"), before);
      assert.match(
        (await server.git(tmpdir(), ["ls-remote", server.gitUrl("express")])).stdout,
        /refs\/heads\/other/,
      );
    });

    it("gives the app its config vars and deploys again when they change", async () => {
      await command("config:set express GREETING='hello there'");
      assert.equal(await command("config:get express GREETING"), "hello there\n");
      const environment = await server.fetch("express.localhost", "/env/GREETING");
      assert.equal(environment.body, "hello there");
    });

    it("rejects a failed build, names the cause on the last line and leaves the running release alone", async () => {
      const manifest = JSON.parse(await readFile(join(express.directory, "package.json"), "utf8")) as Record<
        string,
        object
      >;
      manifest["scripts"] = { ...manifest["scripts"], build: "echo this build is broken >&2; exit 3" };
      await express.commit({ "package.json": JSON.stringify(manifest, null, 2) });
      const { code, stderr } = await express.push();
      assert.notEqual(code, 0);
      assert.match(stderr, /pre-receive hook declined/);
      assert.match(stderr, /this build is broken/);
      assert.match(
        remoteLines(stderr)
          .filter((line) => line !== "")
          .at(-1) ?? "",
        /^ !     .*build.*3/,
      );
      assert.equal((await server.fetch("express.localhost")).status, 200);
      assert.equal((await server.fetch("express.localhost", "/env/GREETING")).body, "hello there");
      await express.git("reset", "--quiet", "--hard", "HEAD~1");
    });

    it("lets a second push wait its turn and says so", async () => {
      await express.commit({ "one.txt": "1" });
      const first = express.push();
      await until(async () => (await command("releases:list express")).match(/building|deploying/));
      const next = await project("express", null);
      await next.git("pull", "--quiet", express.directory, "main");
      await next.commit({ "two.txt": "2" });
      const outcome = await next.push();
      assert.match(outcome.stderr, /Waiting for another push of this app to finish/);
      assert.equal((await first).code, 0);
      assert.equal(outcome.code, 0, outcome.stderr);
    });

    it("finishes the deploy when the client goes away", async () => {
      await express.git("fetch", "--quiet", "origin").catch(() => {});
      await express.commit({ "gone.txt": "x" });
      const versions = async () => (await command("releases:list express")).split("\n").length;
      const before = await versions();
      const child = server.spawnGit(express.directory, ["push", "--force", server.gitUrl("express"), "main"]);
      await until(async () => (await versions()) > before);
      child.kill("SIGKILL");
      await until(async () => {
        const newest = (await command("releases:list express"))
          .split("\n")
          .find((line) => /^\s*v?\d/.test(line));
        return /succeeded/.test(newest ?? "");
      });
      const { stdout } = await server.git(tmpdir(), ["ls-remote", server.gitUrl("express"), "main"]);
      assert.equal(stdout.split("\t")[0], await express.git("rev-parse", "HEAD"));
    });
  });

  it("passes a WebSocket through to a Node app", async () => {
    await (await project("socket", "node-websocket")).deploy();
    const socket = new WebSocket(`ws://127.0.0.1:${server.addresses.httpPort}`, {
      headers: { host: "socket.localhost" },
    });
    const greeting = once(socket, "message");
    await once(socket, "open");
    assert.equal(String((await greeting)[0]), "hello");
    const echo = once(socket, "message");
    const payload = Buffer.alloc(200_000, "x");
    socket.send(payload);
    assert.deepEqual((await echo)[0], payload);
    socket.close();
    await once(socket, "close");
  });

  it("serves a Python app with requirements.txt", async () => {
    await (await project("python", "python-requirements")).deploy();
    assert.equal((await server.fetch("python.localhost")).status, 200);
  });

  it("serves a static site, with its 404 page", async () => {
    await (await project("site", "static-site")).deploy();
    assert.equal((await server.fetch("site.localhost")).status, 200);
    assert.equal((await server.fetch("site.localhost", "/nothing-here")).status, 404);
  });

  it("runs web and worker of a Procfile, scales them, and keeps their logs", async () => {
    await (await project("crew", "procfile-web-worker")).deploy();
    assert.equal((await server.fetch("crew.localhost")).status, 200);
    await command("ps:scale crew worker=2 web=2");
    const report = await command("ps:report crew");
    for (const name of ["web 1", "web 2", "worker 1", "worker 2"])
      assert.match(report, new RegExp(`Status ${name}: +running`));
    await until(async () => /worker\.2/.test(await command("logs crew -n 1000")));
    assert.doesNotMatch(await command("logs crew -p web -n 1000"), /worker\./);
    await command("ps:scale crew worker=0");
    assert.doesNotMatch(await command("ps:report crew"), /Status worker \d: +running/);
  });

  it("runs the release command before the new code serves, and gives up when it fails", async () => {
    const migrating = await project("migrating", "procfile-web-worker");
    const procfile = await readFile(join(migrating.directory, "Procfile"), "utf8");
    await migrating.commit({ Procfile: `${procfile}release: echo migrated as $DYNO\n` });
    const output = await migrating.deploy();
    assert.match(output, /migrated as release\.1[^]*Deploying web/);
    await migrating.commit({ Procfile: `${procfile}release: exit 7\n` });
    const { code, stderr } = await migrating.push();
    assert.notEqual(code, 0);
    assert.match(lastLine(stderr), /release task failed \(exit status 7\)/);
    assert.equal((await server.fetch("migrating.localhost")).status, 200);
  });

  it("stops and starts an app", async () => {
    await command("ps:stop crew");
    assert.equal((await server.fetch("crew.localhost")).status, 503);
    await command("ps:start crew");
    assert.equal((await server.fetch("crew.localhost")).status, 200);
  });

  it("says why an app that never listens was not deployed", async () => {
    const { code, stderr } = await (await project("silent", "never-listens")).push();
    assert.notEqual(code, 0);
    assert.match(
      remoteLines(stderr)
        .filter((line) => line !== "")
        .at(-1) ?? "",
      /web\.1 did not listen on port 5000 within \d+ s/,
    );
    assert.equal((await server.fetch("silent.localhost")).status, 503);
  });

  it("shows what a process wrote that ended while it was starting", async () => {
    const broken = await project("broken", null);
    await broken.commit({ Procfile: "web: echo DATABASE_URL is not set; exit 3\n" });
    const { code, stderr } = await broken.push();
    assert.notEqual(code, 0);
    assert.ok(remoteLines(stderr).includes("       web.1  DATABASE_URL is not set"), stderr);
    assert.match(lastLine(stderr), /web\.1 ended while starting \(exit status 3\)/);
  });

  it("starts a crashed process again and tells", async () => {
    await (await project("fragile", "crashes-after-start")).deploy();
    await server.fetch("fragile.localhost", "/crash").catch(() => {});
    await until(async () => (await server.fetch("fragile.localhost")).status === 200);
    assert.match(await command("events fragile"), /web\.1 ended \(exit status 1\)/);
  });

  it("names what is wrong in a Procfile", async () => {
    const { code, stderr } = await (await project("badproc", "bad-procfile")).push();
    assert.notEqual(code, 0);
    assert.match(
      remoteLines(stderr)
        .filter((line) => line !== "")
        .at(-1) ?? "",
      /Invalid Procfile: line \d+/,
    );
  });

  it("does not read the machine's files through a link named Procfile", async () => {
    const linked = await project("linked", "procfile-web-worker");
    await rm(join(linked.directory, "Procfile"));
    await symlink("/etc/shadow", join(linked.directory, "Procfile"));
    await linked.commit({});
    const { code, stderr } = await linked.push();
    assert.notEqual(code, 0);
    assert.doesNotMatch(stderr, /root:/);
  });

  it("refuses a commit without files", async () => {
    const empty = await project("empty", null);
    await empty.commit({});
    const { code, stderr } = await empty.push();
    assert.notEqual(code, 0);
    assert.match(
      remoteLines(stderr)
        .filter((line) => line !== "")
        .at(-1) ?? "",
      /holds no files/,
    );
  });

  it("leaves no app behind when nothing was pushed or the name is bad", async () => {
    const nothing = await project("nothing", null);
    assert.notEqual((await nothing.push()).code, 0);
    assert.equal((await server.ssh("apps:exists nothing")).code, 20);
    for (const name of ["../../etc", "Bad_Name", "a..b", ""]) {
      const { code, stderr } = await server.git(tmpdir(), ["ls-remote", server.gitUrl(name)]);
      assert.notEqual(code, 0, name);
      assert.match(stderr, / !     /, name);
    }
    assert.equal((await server.ssh("apps:exists a..b")).code, 1);
  });

  it("refuses a tree that would write outside of its folder", async () => {
    const hostile = await project("hostile", "procfile-web-worker");
    const entry = Buffer.concat([
      Buffer.from("40000 ..\0"),
      Buffer.from(await hostile.git("rev-parse", "HEAD^{tree}"), "hex"),
    ]);
    const written = await hashObject(server, hostile, entry);
    const commit = await hostile.git("commit-tree", "-m", "hostile", written);
    const { code, stderr } = await hostile.push(`${commit}:refs/heads/main`);
    assert.notEqual(code, 0);
    assert.match(stderr, /hasDotdot|contains '\.\.'|fsck/);
  });

  it("removes everything of a destroyed app", async () => {
    const { code } = await server.ssh("--force apps:destroy crew");
    assert.equal(code, 0);
    assert.equal((await server.ssh("apps:exists crew")).code, 20);
    assert.equal((await server.fetch("crew.localhost")).status, 404);
  });
});

async function hashObject(server: LocalServer, project: Project, content: Buffer): Promise<string> {
  const child = server.spawnGit(project.directory, [
    "hash-object",
    "-t",
    "tree",
    "-w",
    "--literally",
    "--stdin",
  ]);
  const { code, stdout, stderr } = await finished(child, content);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}
