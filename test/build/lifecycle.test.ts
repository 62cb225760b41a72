import assert from "node:assert/strict";
import { access, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../server/model/error.ts";
import type { Image } from "../../server/model/image.ts";
import { BuildRoom } from "../support/build-room.ts";

/** A buildpack as two scripts for /bin/sh. */
interface Scripts {
  readonly detect?: string;
  readonly build?: string;
  /** More of buildpack.toml. */
  readonly toml?: string;
  readonly api?: string;
}

const launchWeb = `printf '[[processes]]\\ntype = "web"\\ncommand = ["cat", "/app/file"]\\n' >$CNB_LAYERS_DIR/launch.toml`;

/** Shell that gives the layer `name` these types, with a count of builds in its metadata. */
function types(name: string, ...set: string[]): string {
  return `printf '[types]\\n${set.map((type) => `${type} = true\\n`).join("")}[metadata]\\nbuild = "${name}"\\n' >$CNB_LAYERS_DIR/${name}.toml`;
}

describe("buildpack lifecycle", function () {
  this.timeout(60_000);
  let room: BuildRoom;
  let apps = 0;

  before(async () => {
    room = await BuildRoom.open();
  });

  after(async () => {
    await room.close();
  });

  /** A folder of buildpacks, all of them in one group, in this order. */
  async function buildpacks(scripts: Readonly<Record<string, Scripts>>): Promise<string> {
    const directory = join(room.directory, `buildpacks-${apps++}`);
    for (const [name, { detect = "", build = "", toml = "", api = "0.12" }] of Object.entries(scripts)) {
      await mkdir(join(directory, name, "bin"), { recursive: true });
      const head = `api = "${api}"\n[buildpack]\nid = "test/${name}"\nversion = "1.0.0"\nname = "${name}"\n`;
      await writeFile(join(directory, name, "buildpack.toml"), `${head}${toml}`);
      for (const [step, script] of Object.entries({ detect, build }))
        await writeFile(join(directory, name, "bin", step), `#!/bin/sh\nset -eu\n${script}\n`, {
          mode: 0o755,
        });
    }
    const members = Object.keys(scripts).map((name) => `[[order.group]]\nid = "test/${name}"\n`);
    await writeFile(join(directory, "order.toml"), `[[order]]\n${members.join("")}`);
    return directory;
  }

  /** Builds the same app with each of these versions of a buildpack, one after the other. */
  async function builds(
    versions: readonly string[],
    layer?: string,
  ): Promise<{ images: Image[]; lines: string[][] }> {
    const id = ++apps;
    const result: { images: Image[]; lines: string[][] } = { images: [], lines: [] };
    for (const build of versions) {
      const builder = room.builder(await buildpacks({ main: { build: `${build}\n${launchWeb}` } }));
      const built = await room.build(builder, id, await room.sample(null, { file: layer ?? "content" }));
      result.images.push(built.image);
      result.lines.push([...built.lines]);
    }
    return result;
  }

  async function failure(scripts: Scripts, files: Record<string, string> = { file: "x" }): Promise<string> {
    const builder = room.builder(await buildpacks({ main: scripts }));
    let message = "";
    await assert.rejects(room.build(builder, ++apps, await room.sample(null, files)), (error: Error) => {
      assert.ok(error instanceof UserError, String(error));
      message = error.message;
      return true;
    });
    return message;
  }

  describe("steps", () => {
    it("run as the app's user in a container, with the app, the config and nothing of the host", async () => {
      const { build } = {
        build: `echo "$(id -u):$(id -g) $PWD $CNB_APP_DIR $CNB_LAYERS_DIR $CNB_TARGET_OS"
echo "config $GREETING $(cat $CNB_PLATFORM_DIR/env/GREETING)"
echo "file $(cat file)"
touch $HOME/writable file && echo writable
[ ! -e /etc/shadow ] && [ ! -e /work ] && echo closed
${launchWeb}`,
      };
      const builder = room.builder(await buildpacks({ main: { build } }));
      const source = await room.sample(null, { file: "content" });
      const { image, lines } = await room.build(builder, ++apps, source, {
        env: { GREETING: "hello there" },
      });
      assert.deepEqual(lines, [
        "-----> main app detected",
        "1000:1000 /app /app /layers/test_main linux",
        "config hello there hello there",
        "file content",
        "writable",
        "closed",
      ]);
      assert.equal(await room.run(image, image.processes["web"]!.argv), "content");
    });

    it("see the network when they build and not when they detect", async () => {
      const count = "ls /sys/class/net | wc -l";
      const builder = room.builder(
        await buildpacks({
          main: {
            detect: `${count} >$CNB_BUILD_PLAN_PATH.count; [ "$(${count})" = 1 ]`,
            build: `${count}\n${launchWeb}`,
          },
        }),
      );
      const { lines } = await room.build(builder, ++apps, await room.sample(null, { file: "x" }));
      assert.deepEqual(lines.slice(1), ["2"]);
    });

    it("of a buildpack with clear-env get config vars as files only", async () => {
      const build = `echo "\${SECRET:-none} $(cat $CNB_PLATFORM_DIR/env/SECRET)"\n${launchWeb}`;
      const builder = room.builder(await buildpacks({ main: { build, toml: "clear-env = true\n" } }));
      const source = await room.sample(null, { file: "x" });
      const { lines } = await room.build(builder, ++apps, source, { env: { SECRET: "s" } });
      assert.equal(lines[1], "none s");
    });
  });

  describe("plan", () => {
    it("reaches the buildpack that provides, unless it leaves an entry to a later one", async () => {
      const provide = `printf '[[provides]]\\nname = "tool"\\n' >"$CNB_BUILD_PLAN_PATH"`;
      const require = `printf '[[requires]]\\nname = "tool"\\n[requires.metadata]\\nversion = "3"\\n' >"$2"`;
      const show = `echo "$(grep -c 'version = "3"' "$CNB_BP_PLAN_PATH")"`;
      const builder = room.builder(
        await buildpacks({
          first: {
            detect: provide,
            build: `${show}; printf '[[unmet]]\\nname = "tool"\\n' >$CNB_LAYERS_DIR/build.toml`,
          },
          second: { detect: provide, build: show },
          third: { detect: require, build: launchWeb },
        }),
      );
      const { lines } = await room.build(builder, ++apps, await room.sample(null, { file: "x" }));
      assert.deepEqual(lines, ["-----> first app detected", "1", "1"]);
    });

    it("gives later buildpacks the build layers of earlier ones, and the app only launch layers", async () => {
      const tool = (name: string) =>
        `mkdir -p $CNB_LAYERS_DIR/${name}/bin; printf '#!/bin/sh\\necho ${name}\\n' >$CNB_LAYERS_DIR/${name}/bin/${name}; chmod +x $CNB_LAYERS_DIR/${name}/bin/${name}`;
      const builder = room.builder(
        await buildpacks({
          first: {
            build: [
              tool("builds"),
              types("builds", "build"),
              tool("launches"),
              types("launches", "launch"),
            ].join("\n"),
          },
          second: { build: `builds; command -v launches || echo no\n${launchWeb}` },
        }),
      );
      const { image, lines } = await room.build(builder, ++apps, await room.sample(null, { file: "x" }));
      assert.deepEqual(lines.slice(1), ["builds", "no"]);
      assert.equal(
        await room.run(image, ["sh", "-c", "launches; command -v builds || echo no"]),
        "launches\nno",
      );
    });
  });

  describe("layers", () => {
    const look = `echo "toml $(cat $CNB_LAYERS_DIR/l.toml 2>/dev/null | tr '\\n' ' ')"; echo "content $(cat $CNB_LAYERS_DIR/l/* 2>/dev/null)"`;
    const make = `mkdir $CNB_LAYERS_DIR/l; echo made >$CNB_LAYERS_DIR/l/f`;
    const restored = { toml: /toml .*build = "l"/, content: "content made" };

    it("of launch and cache come back with content and keep their digest when left alone", async () => {
      const again = `${look}\n${types("l", "launch", "cache")}`;
      const { images, lines } = await builds([`${make}; ${types("l", "launch", "cache")}`, again, again]);
      for (const seen of lines.slice(1)) {
        assert.match(seen[1]!, restored.toml);
        assert.doesNotMatch(seen[1]!, /types/);
        assert.equal(seen[2], restored.content);
      }
      assert.equal(images[0]!.layers.length, 2);
      assert.deepEqual(images[2]!.layers, images[0]!.layers);
      assert.equal(images[2]!.digest, images[0]!.digest);
    });

    it("of launch and cache become new layers when they are changed, in part or as a whole", async () => {
      const keep = types("l", "launch", "cache");
      const { images, lines } = await builds([
        `${make}; mkdir $CNB_LAYERS_DIR/l/d; touch $CNB_LAYERS_DIR/l/d/x; ${keep}`,
        `rm -r $CNB_LAYERS_DIR/l/d; echo more >$CNB_LAYERS_DIR/l/g; ${keep}`,
        `${look}; rm -r $CNB_LAYERS_DIR/l; mkdir $CNB_LAYERS_DIR/l; echo new >$CNB_LAYERS_DIR/l/n; ${keep}`,
        `${look}; ${keep}`,
      ]);
      assert.deepEqual(lines[2]!.slice(2, 4), ["content made", "more"]);
      assert.equal(lines[3]![2], "content new");
      const show = ["sh", "-c", "ls /layers/test_main/l"];
      assert.equal(await room.run(images[0]!, show), "d\nf");
      assert.equal(await room.run(images[1]!, show), "f\ng");
      assert.equal(await room.run(images[2]!, show), "n");
      assert.equal(images[3]!.digest, images[2]!.digest);
    });

    it("of launch only come back as metadata, and mean the same content when there is no folder", async () => {
      const keep = types("l", "launch");
      const { images, lines } = await builds([`${make}; ${keep}`, `${look}; ${keep}`]);
      assert.match(lines[1]![1]!, restored.toml);
      assert.equal(lines[1]![2], "content ");
      assert.equal(images[1]!.digest, images[0]!.digest);
      assert.equal(await room.run(images[1]!, ["cat", "/layers/test_main/l/f"]), "made");
    });

    it("of cache only come back with what the last build left in them, and are in no image", async () => {
      const keep = types("l", "cache");
      const { images, lines } = await builds([
        `${make}; ${keep}`,
        `${look}; echo two >$CNB_LAYERS_DIR/l/f; ${keep}`,
        `${look}; ${keep}`,
        look,
        look,
      ]);
      assert.equal(lines[1]![2], restored.content);
      assert.equal(lines[2]![2], "content two");
      assert.equal(images[2]!.layers.length, 1);
      // The fourth build did not ask to keep it.
      assert.equal(lines[4]![2], "content ");
    });

    it("of build only do not come back", async () => {
      const { lines } = await builds([`${make}; ${types("l", "build")}`, look]);
      assert.deepEqual(lines[1]!.slice(1), ["toml ", "content "]);
    });

    it("without types are dropped", async () => {
      const { images, lines } = await builds([`${make}; ${types("l", "launch", "cache")}`, look, look]);
      assert.match(lines[1]![1]!, restored.toml);
      assert.equal(images[1]!.layers.length, 1);
      assert.deepEqual(lines[2]!.slice(1), ["toml ", "content "]);
    });

    it("survive a build that fails", async () => {
      const keep = `${types("c", "cache")}; ${types("l", "launch", "cache")}`;
      const id = ++apps;
      const build = async (script: string) =>
        room.build(
          room.builder(await buildpacks({ main: { build: `${script}\n${launchWeb}` } })),
          id,
          await room.sample(null, { file: "x" }),
        );
      await build(`${make}; mkdir $CNB_LAYERS_DIR/c; echo cached >$CNB_LAYERS_DIR/c/f; ${keep}`);
      await assert.rejects(build("rm -r $CNB_LAYERS_DIR/l; exit 1"));
      const { lines } = await build(`${look}; cat $CNB_LAYERS_DIR/c/f; ${keep}`);
      assert.deepEqual(lines.slice(2), ["content made", "cached"]);
    });

    it("that a buildpack declares shared serve other apps, others do not", async () => {
      const make = (name: string, shared: boolean) => ({
        build: `[ -e $CNB_LAYERS_DIR/l/f ] && echo ${name} found; mkdir -p $CNB_LAYERS_DIR/l; echo made >$CNB_LAYERS_DIR/l/f; ${types("l", "launch", "cache")}`,
        ...(shared && { toml: "[metadata]\nshared-layers = true\n" }),
      });
      const directory = await buildpacks({
        open: make("open", true),
        own: make("own", false),
        last: { build: launchWeb },
      });
      const build = async () =>
        await room.build(room.builder(directory), ++apps, await room.sample(null, { file: "x" }));
      assert.deepEqual((await build()).lines, ["-----> open app detected"]);
      assert.deepEqual((await build()).lines, ["-----> open app detected", "open found"]);
    });

    it("are made anew when the stack is another one", async () => {
      const keep = types("l", "launch", "cache");
      const directory = await buildpacks({
        main: {
          build: `${look}; mkdir -p $CNB_LAYERS_DIR/l; echo made >$CNB_LAYERS_DIR/l/f; ${keep}\n${launchWeb}`,
        },
      });
      const id = ++apps;
      const build = async (builder: ReturnType<BuildRoom["builder"]>) =>
        (await room.build(builder, id, await room.sample(null, { file: "x" }))).lines[2];
      assert.equal(await build(room.builder(directory)), "content ");
      assert.equal(await build(room.builder(directory)), restored.content);
      const other = room.builder(directory, room.runtime, { ...room.stack, version: "other" });
      assert.equal(await build(other), "content ");
    });
  });

  describe("processes", () => {
    it("come from launch.toml, later buildpacks and the Procfile winning", async () => {
      const process = (type: string, word: string, more = "") =>
        `printf '[[processes]]\\ntype = "${type}"\\ncommand = ["echo"]\\nargs = ["${word}"]\\n${more}\\n' >>$CNB_LAYERS_DIR/launch.toml`;
      const directory = await buildpacks({
        first: {
          build: `${process("web", "first")}; ${process("worker", "first", 'working-dir = "/tmp"')}; ${process("clock", "first")}`,
        },
        second: { build: process("web", "second") },
        old: {
          api: "0.8",
          build: `printf '[[processes]]\\ntype = "old"\\ncommand = "echo $HOME"\\n' >$CNB_LAYERS_DIR/launch.toml`,
        },
      });
      const source = await room.sample(null, { Procfile: "clock: echo $PWD\n" });
      const { image } = await room.build(room.builder(directory), ++apps, source);
      const starts = Object.fromEntries(
        Object.entries(image.processes).map(([type, { argv, cwd }]) => [type, [...argv, cwd]]),
      );
      assert.deepEqual(starts, {
        web: ["echo", "second", "/app"],
        worker: ["echo", "first", "/tmp"],
        clock: ["/bin/bash", "-c", "echo $PWD", "/app"],
        old: ["/bin/bash", "-c", "echo $HOME", "/app"],
      });
    });
  });

  describe("failures", () => {
    it("name buildpack, step and exit status", async () => {
      assert.equal(await failure({ build: "exit 7" }), "main buildpack failed in bin/build: exit status 7");
      assert.equal(
        await failure({ detect: "echo broken; exit 3" }),
        "main buildpack: detection failed: broken",
      );
    });

    it("give the reason that the buildpack told of last, and do not print it twice", async () => {
      const builder = room.builder(
        await buildpacks({
          main: { build: "echo ' !     careful'; echo working; echo ' !     it broke' >&2; exit 1" },
        }),
      );
      const lines: string[] = [];
      const build = room.build(builder, ++apps, await room.sample(null, { file: "x" }), { lines });
      await assert.rejects(build, /^UserError: it broke$/);
      assert.deepEqual(lines.slice(1), [" !     careful", "working"]);
    });

    it("tell what was looked for when no buildpack fits", async () => {
      assert.match(
        await failure({ detect: "exit 100" }),
        /^No buildpack fits this app \(tried: main\); add a /,
      );
    });

    it("tell when nothing says how to start, or a file of a buildpack cannot be read", async () => {
      assert.match(await failure({ build: "true" }), /^Nothing says how to start this app; add a Procfile/);
      assert.match(
        await failure({ build: "echo '[types' >$CNB_LAYERS_DIR/l.toml" }),
        /^main buildpack: l\.toml cannot be read: /,
      );
      assert.match(
        await failure({ build: "echo 'launch = true' >$CNB_LAYERS_DIR/l.toml" }),
        /^main buildpack: l\.toml: "launch" belongs under \[types\]$/,
      );
    });

    it("refuse process types that could name a path, and paths that are too deep", async () => {
      const type =
        'printf \'[[processes]]\\ntype = "../../x"\\ncommand = ["x"]\\n\' >$CNB_LAYERS_DIR/launch.toml';
      assert.match(
        await failure({ build: type }),
        /^main buildpack: launch\.toml: "\.\.\/\.\.\/x" cannot name a process type$/,
      );
      const dig = "import os\nfor _ in range(30): os.mkdir('d' * 200); os.chdir('d' * 200)";
      const deep = `python3 -c "${dig}"\n${launchWeb}`;
      assert.match(await failure({ build: deep }), /^The path .* is too long$/);
      assert.deepEqual(await readdir(join(room.directory, "builds")), []);
    });

    it("tell when memory ran out and name the limit", async () => {
      const fill = `exec python3 -c 'x = bytearray(8 << 30); print("filled")'`;
      assert.match(
        await failure({ build: fill }),
        /^main buildpack ran out of memory: a build may use \d+ MiB$/,
      );
    });

    it("do not read the host's files through links that a build or a push left", async () => {
      const stolen = await failure({
        build: "ln -s /etc/shadow $CNB_LAYERS_DIR/l.toml; ln -s /etc/shadow $CNB_LAYERS_DIR/launch.toml",
      });
      assert.match(stolen, /^Nothing says how to start/);
      const source = await room.sample(null);
      await symlink("/etc/shadow", join(source, "Procfile"));
      const builder = room.builder(await buildpacks({ main: {} }));
      await assert.rejects(
        room.build(builder, ++apps, source),
        /^UserError: Invalid Procfile: it must be a file/,
      );
    });

    it("end everything when the build is cancelled, and leave no scratch behind", async () => {
      const cancel = new AbortController();
      const builder = room.builder(await buildpacks({ main: { build: "echo begun; sleep 3600" } }));
      const lines: string[] = [];
      const push = lines.push.bind(lines);
      lines.push = (...items) => {
        if (items.includes("begun")) cancel.abort();
        return push(...items);
      };
      const source = await room.sample(null, { file: "x" });
      await assert.rejects(room.build(builder, ++apps, source, { signal: cancel.signal, lines }), {
        name: "AbortError",
      });
      assert.deepEqual(await readdir(join(room.directory, "builds")), []);
      await room.runtime.tidy();
      assert.deepEqual(await readdir(join(room.directory, "containers")), []);
      await assert.rejects(access(source), { code: "ENOENT" });
    });
  });
});
