import assert from "node:assert/strict";
import { BuildRoom } from "../support/build-room.ts";

describe("Python, static and Procfile buildpacks", function () {
  this.timeout(180_000);
  let room: BuildRoom;
  let apps = 0;

  before(async () => {
    room = await BuildRoom.open();
  });

  after(async () => {
    await room.close();
  });

  async function build(sample: string | null, files: Record<string, string> = {}, id = ++apps) {
    return await room.build(room.builder(), id, await room.sample(sample, files));
  }

  it("install requirements.txt once for the same requirements", async () => {
    const id = ++apps;
    const { image, lines } = await build("python-requirements", {}, id);
    assert.equal(lines[0], "-----> Python app detected");
    assert.match(lines[1]!, /^ {7}Python 3\.\d+\.\d+ \(of the stack\)$/);
    const ask = [
      "python3",
      "-c",
      "import app, waitress; print(app.app.test_client().get('/').json['greeting'])",
    ];
    assert.equal(await room.run(image, ask), "Hello from Flask");
    assert.equal(
      await room.run(image, ["bash", "-c", "command -v waitress-serve; echo $PYTHONUNBUFFERED"]),
      "/layers/slipway_python/requirements/venv/bin/waitress-serve\n1",
    );
    const again = await build("python-requirements", { "note.txt": "changed" }, id);
    assert.equal(again.lines.at(-1), "       Requirements have not changed");
    assert.deepEqual(again.image.layers.slice(0, -1), image.layers.slice(0, -1));
    assert.equal(await room.run(again.image, ask), "Hello from Flask");
  });

  it("name the requirement that there is not", async () => {
    await assert.rejects(
      build(null, { "requirements.txt": "slipway-test-no-such-package==1\n", "app.py": "" }),
      /^UserError: pip install failed: No matching distribution found for slipway-test-no-such-package==1$/,
    );
  });

  it("run Python programs of the standard library", async () => {
    const { image } = await build(null, { "main.py": "print('hello')" });
    assert.deepEqual(image.processes["web"]?.argv, ["python3", "main.py"]);
    assert.equal(await room.run(image, image.processes["web"].argv), "hello");
  });

  it("serve the folder that a static site names, and refuse one outside of it", async () => {
    const page = { "dist/index.html": "page" };
    const { image, lines } = await build(null, { ...page, "static.json": '{ "root": "dist" }' });
    assert.deepEqual(lines, ["-----> Static app detected", "       Serving dist"]);
    assert.equal(image.processes["web"]?.argv.at(-1), "/app/dist");
    await assert.rejects(
      build(null, { ...page, Staticfile: "root: ../etc\n" }),
      /Staticfile names \.\.\/etc, which is outside of the app/,
    );
    await assert.rejects(build(null, { ...page, Staticfile: "root: gone\n" }), /gone, which is not there/);
  });

  it("take an app with nothing but a Procfile as it is", async () => {
    const { image, lines } = await build(null, {
      Procfile: "web: ./serve\nrelease: echo ready\n",
      serve: "#!/bin/sh\n",
    });
    assert.deepEqual(lines, ["-----> Procfile app detected"]);
    assert.deepEqual(Object.keys(image.processes), ["web", "release"]);
    assert.equal(await room.run(image, image.processes["release"]!.argv, "release"), "ready");
  });

  it("say what was looked for in an app that none of them knows", async () => {
    await assert.rejects(
      build(null, { "notes.txt": "" }),
      /^UserError: No buildpack fits this app \(tried: Node\.js, npm, Python, Static, Procfile\)/,
    );
  });

  it("name what is wrong in a Procfile", async () => {
    await assert.rejects(
      build("bad-procfile"),
      /^UserError: Invalid Procfile: line 3: expected "type: command"/,
    );
  });
});
