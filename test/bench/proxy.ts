import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "../../server/lib/exec.ts";
import { packageRoot } from "../../server/paths.ts";
import { startProxy } from "../../server/proxy/launch.ts";
import { processStartTime } from "../../server/runtime/process-identity.ts";

const rounds = 3;
const roundSeconds = 3;
const connections = 64;
const host = "bench.test";

interface Sample {
  readonly rps: number;
  readonly p99_ms: number;
}

export type ProxyFigures = {
  readonly ours_rps: number;
  readonly nginx_rps: number;
  readonly ours_p99_ms: number;
  readonly nginx_p99_ms: number;
};

/**
 * Requests per second and the 99th percentile of the time to answer, through our proxy and through nginx, one process
 * each: keep-alive on both sides, 1 KB bodies, the same upstream. Where there are two cores the proxy under test has one for
 * itself; wrk and the upstream share the other. Medians of alternating rounds.
 */
export async function proxy(): Promise<ProxyFigures> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-proxy-"));
  const nginxes: ChildProcess[] = [];
  const ours = await startProxy({
    mainPath: join(packageRoot, "dist/server/proxy-main.js"),
    port: 0,
    address: "127.0.0.1",
    socketPath: join(directory, "proxy.sock"),
    tablePath: join(directory, "routes.json"),
    logPath: join(directory, "proxy.log"),
  });
  try {
    const [upstreamPort, nginxPort] = [await freePort(), await freePort()];
    nginxes.push(await startNginx(directory, "upstream", upstreamPort, upstreamConfig(upstreamPort), 1));
    nginxes.push(await startNginx(directory, "proxy", nginxPort, proxyConfig(nginxPort, upstreamPort), 0));
    await ours.client.publish([
      {
        app: "bench",
        hosts: [host],
        upstreams: [
          {
            id: "bench",
            pid: process.pid,
            pidStartTime: processStartTime(process.pid) ?? "",
            port: upstreamPort,
          },
        ],
        stopped: false,
        release: 1,
      },
    ]);
    if (pinned) await exec(["taskset", "-a", "-p", "-c", "0", String(ours.pid)], { env: process.env });

    const oursSamples: Sample[] = [];
    const nginxSamples: Sample[] = [];
    for (let round = 0; round < rounds; round += 1) {
      oursSamples.push(await measure(ours.port));
      nginxSamples.push(await measure(nginxPort));
    }
    return {
      ours_rps: Math.round(median(oursSamples.map((sample) => sample.rps))),
      nginx_rps: Math.round(median(nginxSamples.map((sample) => sample.rps))),
      ours_p99_ms: median(oursSamples.map((sample) => sample.p99_ms)),
      nginx_p99_ms: median(nginxSamples.map((sample) => sample.p99_ms)),
    };
  } finally {
    await ours.client.shutdown(0);
    await Promise.all(nginxes.map(stop));
    await rm(directory, { recursive: true });
  }
}

const pinned = cpus().length > 1;

function onCore(core: number, argv: readonly [string, ...string[]]): [string, ...string[]] {
  return pinned ? ["taskset", "-c", String(core), ...argv] : [...argv];
}

async function measure(port: number): Promise<Sample> {
  const load = [
    "wrk",
    "-t1",
    `-c${connections}`,
    `-d${roundSeconds}s`,
    "--latency",
    "-H",
    `Host: ${host}`,
  ] as const;
  const output = await exec(onCore(1, [...load, `http://127.0.0.1:${port}/`]), { env: process.env });
  const rps = /Requests\/sec:\s*([\d.]+)/.exec(output)?.[1];
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(output);
  if (rps === undefined || p99 === null || /Non-2xx|Socket errors/.test(output)) {
    throw new Error(`a round of wrk failed:\n${output}`);
  }
  const unit = { us: 0.001, ms: 1, s: 1000 }[p99[2] as "us" | "ms" | "s"];
  return { rps: Number(rps), p99_ms: Math.round(Number(p99[1]) * unit * 100) / 100 };
}

async function startNginx(
  directory: string,
  name: string,
  port: number,
  config: string,
  core: number,
): Promise<ChildProcess> {
  const prefix = join(directory, name);
  await mkdir(prefix);
  await writeFile(join(prefix, "nginx.conf"), config);
  const log = join(prefix, "error.log");
  const [file, ...args] = onCore(core, ["nginx", "-p", prefix, "-c", "nginx.conf", "-e", log]);
  const nginx = spawn(file, args, { stdio: "ignore" });
  await Promise.race([
    accepting(port),
    once(nginx, "exit").then(() => Promise.reject(new Error(`nginx ended: ${log}`))),
  ]);
  return nginx;
}

const common = `
daemon off;
worker_processes 1;
pid nginx.pid;
events { worker_connections 1024; }`;

const temporaryPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path ${name};`)
  .join("\n  ");

function upstreamConfig(port: number): string {
  return `${common}
http {
  ${temporaryPaths}
  access_log off;
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { return 200 "${"x".repeat(1024)}"; }
  }
}
`;
}

function proxyConfig(port: number, upstreamPort: number): string {
  return `${common}
http {
  ${temporaryPaths}
  access_log off;
  keepalive_requests 1000000000;
  upstream app {
    server 127.0.0.1:${upstreamPort};
    keepalive 128;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Request-Id $request_id;
      add_header X-Request-Id $request_id;
    }
  }
}
`;
}

async function accepting(port: number): Promise<void> {
  for (;;) {
    const socket = createConnection(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      await sleep(10);
    } finally {
      socket.destroy();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
