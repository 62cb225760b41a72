import { writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../server/paths.ts";
import { containerStart } from "./container-start.ts";
import { deployUnderLoad } from "./deploy-under-load.ts";
import { idleContainers } from "./idle-containers.ts";
import { memory } from "./memory.ts";
import { proxy } from "./proxy.ts";
import { push } from "./push.ts";

type Figures = Readonly<Record<string, number | null>>;

/** Each benchmark's function and what its figures mean. */
const benchmarks: Record<string, { run: () => Promise<Figures>; meaning: string }> = {
  "container-start": {
    run: containerStart,
    meaning:
      "full isolation, start to exit of /bin/true, median; with 8 and 32 at a time: wall time of all divided by their number",
  },
  "idle-containers": {
    run: idleContainers,
    meaning:
      "300 containers that sleep, each with its network: how many are started a second, PSS of the monitor and first process of one",
  },
  push: {
    run: push,
    meaning:
      "code-only push of an Express app, `git push` to the first new answer, median; limit: the same push over OpenSSH into a bare repository plus the app's own boot",
  },
  proxy: {
    run: proxy,
    meaning: "requests a second and p99 over kept-alive connections, same upstream, median of rounds",
  },
  memory: { run: memory, meaning: "PSS of everything Slipway runs with no app; monitor of one container" },
  "deploy-under-load": {
    run: deployUnderLoad,
    meaning: "steady requests during deploys, restart, scaling, server kill -9 and start",
  },
};

const words = process.argv.slice(2);
const asJson = words.includes("--json");
const names = words.filter((word) => !word.startsWith("--"));
const unknown = names.find((name) => !(name in benchmarks));
if (unknown !== undefined) {
  console.error(` !     ${unknown} is no benchmark; there are ${Object.keys(benchmarks).join(", ")}`);
  process.exitCode = 1;
} else {
  const results = await runAll(names.length === 0 ? Object.keys(benchmarks) : names);
  if (names.length === 0) await writeFile(join(packageRoot, "test/bench/RESULTS.md"), report(results));
}

async function runAll(chosen: readonly string[]): Promise<Map<string, Figures>> {
  const results = new Map<string, Figures>();
  for (const name of chosen) {
    if (!asJson) console.log(`-----> ${name}`);
    const figures = rounded((await benchmarks[name]?.run()) ?? {});
    results.set(name, figures);
    console.log(asJson ? JSON.stringify(figures) : `       ${JSON.stringify(figures)}`);
  }
  return results;
}

function rounded(figures: Figures): Figures {
  return Object.fromEntries(
    Object.entries(figures).map(([key, value]) => [
      key,
      value === null ? null : Math.round(value * 100) / 100,
    ]),
  );
}

function report(results: ReadonlyMap<string, Figures>): string {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
  const sections = [...results].map(([name, figures]) => {
    const rows = Object.entries(figures).map(([key, value]) => `| ${key} | ${value ?? "not available"} |`);
    return [
      `## ${name}`,
      "",
      benchmarks[name]?.meaning ?? "",
      "",
      "| figure | value |",
      "|---|---|",
      ...rows,
      "",
    ].join("\n");
  });
  const head = [
    "# Results of `npm run bench`",
    "",
    `One run, ${new Date().toISOString().slice(0, 10)}, on ${machine}. Peers ran in the same run, alternating with ours: read the ratios, not the figures.`,
    "",
  ];
  return `${[...head, ...sections].join("\n")}`;
}
